package actors

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/devicestore"
	"whatsapp-web-server/persist/journal"
	"whatsapp-web-server/persist/memory"
)

// meet has the account learn, as whatsmeow learns it, that Ann's addresses are one
// person's.
func (d *desk) meet(t *testing.T) {
	t.Helper()
	store, err := devicestore.Open(t.Context(), d.journal, waLog.Noop)
	require.NoError(t, err)
	require.NoError(t, store.PutLIDMapping(t.Context(), annID, ann))
	require.NoError(t, d.journal.Flush(t.Context()))
}

func (d *desk) merge(t *testing.T) {
	t.Helper()
	require.NoError(t, merger{d.inbound}.all(t.Context()))
}

// heardByLID has Ann write so many messages before her number is known.
func (d *desk) heardByLID(t *testing.T, messages int) {
	t.Helper()
	for i := range messages {
		heard := from(annID, fmt.Sprint("L", i), text(fmt.Sprint("number ", i)))
		heard.Info.Timestamp = midday.Add(time.Duration(i) * time.Second)
		require.NoError(t, d.message(t.Context(), heard))
	}
}

// stored lists all records of a kind whose key begins so.
func stored[T any](t *testing.T, d *desk, kind persist.Kind[T], prefix ...any) []T {
	t.Helper()
	found, err := kind.Scan(t.Context(), d.journal, persist.Query{Prefix: kind.Key(prefix...), Limit: 10_000})
	require.NoError(t, err)
	return found
}

func (d *desk) requireNothingUnder(t *testing.T, lid types.JID) {
	t.Helper()
	address := lid.String()
	require.Empty(t, stored(t, d, persist.Chats, address))
	require.Empty(t, stored(t, d, persist.Messages, address))
	require.Empty(t, stored(t, d, persist.MessageContents, address))
	require.Empty(t, stored(t, d, persist.MediaData, address))
	require.Empty(t, stored(t, d, persist.MessageReactions, address))
	require.Empty(t, stored(t, d, persist.UserReceipts, address))
	require.Empty(t, stored(t, d, persist.PollVotes, address))
	require.Empty(t, stored(t, d, persist.Counters, persist.CountMessages+address))
	require.Empty(t, stored(t, d, persist.Counters, persist.CountMerging+address))
}

func (d *desk) count(t *testing.T, name string) int64 {
	t.Helper()
	total, err := persist.Counters.Get(t.Context(), d.journal, d.journal.Scope(), name)
	require.NoError(t, err)
	return total.Value
}

func TestTheChatsOfAPersonBecomeOneWhenTheNumberIsLearnt(t *testing.T) {
	d := newDesk(t)
	heard := 2*mergeUnit + 50
	d.heardByLID(t, heard)
	require.NoError(t, d.message(t.Context(), from(annID, "R", &waE2E.Message{
		ReactionMessage: &waE2E.ReactionMessage{Key: key("L1"), Text: proto.String("👍")},
	})))
	require.NoError(t, d.message(t.Context(), from(annID, "P", &waE2E.Message{
		ImageMessage: &waE2E.ImageMessage{Caption: proto.String("a picture"), Mimetype: proto.String("image/png")},
	})))
	sent := from(annID, "S", text("my answer"))
	sent.Info.IsFromMe, sent.Info.Sender, sent.Info.Timestamp = true, own, midday.Add(-time.Hour)
	require.NoError(t, d.message(t.Context(), sent))
	require.NoError(t, d.receipt(t.Context(), &events.Receipt{
		MessageSource: types.MessageSource{Chat: annID, Sender: annID}, MessageIDs: []types.MessageID{"S"},
		Timestamp: midday, Type: types.ReceiptTypeRead,
	}))
	require.NoError(t, d.message(t.Context(), from(ann, "N1", text("by number"))))
	require.NoError(t, d.ledger.record(t.Context(), func(u *unit) error {
		u.Put(persist.PollVotes.Put(persist.PollVote{Chat: annID.String(), PollID: "L2", Voter: annID.String(), Options: `["tea"]`, Timestamp: midday}))
		return nil
	}))
	unread := stored(t, d, persist.Chats, annID.String())[0].Unread + 1
	d.told = nil

	d.meet(t)
	require.NoError(t, d.message(t.Context(), from(annID, "N2", text("meanwhile"))))
	d.merge(t)

	d.requireNothingUnder(t, annID)
	total := heard + 4
	messages := stored(t, d, persist.Messages, ann.String())
	require.Len(t, messages, total)
	require.Len(t, stored(t, d, persist.MessageContents, ann.String()), total)
	require.EqualValues(t, total, d.count(t, persist.CountMessages+ann.String()))
	require.EqualValues(t, 1, d.count(t, persist.CountChats))
	for _, message := range messages {
		if message.FromMe {
			require.Equal(t, "S", message.ID)
			require.Equal(t, "read", message.Status)
			continue
		}
		require.Equal(t, ann.String(), message.Sender)
	}
	chat := stored(t, d, persist.Chats, ann.String())[0]
	require.Equal(t, unread+1, chat.Unread)
	require.Equal(t, fmt.Sprint("L", heard-1), chat.LastMessageID)
	require.Equal(t, ann.String(), chat.LastMessageSender)
	require.Equal(t, ann.String(), stored(t, d, persist.MessageReactions, ann.String())[0].Sender)
	require.Equal(t, ann.String(), stored(t, d, persist.UserReceipts, ann.String())[0].User)
	require.Equal(t, ann.String(), stored(t, d, persist.PollVotes, ann.String(), "L2")[0].Voter)
	require.Equal(t, "image/png", stored(t, d, persist.MediaData, ann.String())[0].MIMEType)

	found, err := persist.MessageContents.Scan(t.Context(), d.journal, persist.Query{
		Index: "by_time", Reverse: true, Limit: 1, Match: append(persist.Terms("number"), persist.ChatTerm(ann.String())),
	})
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint("L", heard-1), found[0].ID, "found in its new chat")

	require.Equal(t, []EventKind{EventMessage, EventChatMerged}, d.kinds())
	var merged ChatMergedEvent
	require.NoError(t, json.Unmarshal(d.told[1].Data, &merged))
	require.Equal(t, ChatMergedEvent{
		ClientID: own.User, ChatID: "31600000002@c.us", MergedChatID: annID.String(),
		Person: Person{Number: ann.User, LID: annID.String()},
	}, merged)
}

func TestMergingGoesOnAfterACrashHalfWay(t *testing.T) {
	committer := journal.NewCommitter(memory.Open(), journal.Options{})
	t.Cleanup(func() { require.NoError(t, committer.Close(context.Background())) })
	heard := 3 * mergeUnit
	d := openDesk(t, committer)
	d.heardByLID(t, heard)
	d.meet(t)

	for crashes := 0; ; crashes++ { // each life ends after one more unit
		d = openDesk(t, committer)
		lid, unfinished, err := mergeOf(t.Context(), d.journal)
		require.NoError(t, err)
		if !unfinished {
			require.Greater(t, crashes, 3)
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		seq := d.journal.Head()
		dying := &dyingContext{Context: ctx, over: func() bool { return d.journal.Head() > seq+journal.Position(crashes%2) }, cancel: cancel}
		_ = merger{d.inbound}.one(dying, lid)
		cancel()

		// What WhatsApp delivers again, and a receipt, find the message wherever it is.
		require.NoError(t, d.message(t.Context(), from(ann, "L7", text("number 7"))))
		require.NoError(t, d.message(t.Context(), from(annID, fmt.Sprint("L", heard-7), text("again"))))
	}
	d.requireNothingUnder(t, annID)
	require.Len(t, stored(t, d, persist.Messages, ann.String()), heard)
	require.EqualValues(t, heard, d.count(t, persist.CountMessages+ann.String()))
	require.EqualValues(t, 1, d.count(t, persist.CountChats))
	require.EqualValues(t, heard, stored(t, d, persist.Chats, ann.String())[0].Unread)
	merges := 0
	for _, event := range stored(t, d, persist.Events) {
		if event.Kind == string(EventChatMerged) {
			merges++
		}
	}
	require.Equal(t, 1, merges)
}

// dyingContext ends once something has happened.
type dyingContext struct {
	context.Context
	over   func() bool
	cancel func()
}

func (c *dyingContext) Err() error {
	if c.over() {
		c.cancel()
	}
	return c.Context.Err()
}

func (c *dyingContext) Done() <-chan struct{} {
	_ = c.Err()
	return c.Context.Done()
}

func TestASendToALIDThatIsLearntToBeANumberIsFinished(t *testing.T) {
	d := newDesk(t)
	box := outbox{d.inbound, newUsedKeys(d.journal.Scope(), maxUsedKeys)}
	command := Send{To: annID.String(), Draft: Text{"hello"}, Key: "K", Principal: "me"}
	result, err := box.accept(t.Context(), command, nil)
	require.NoError(t, err)
	d.meet(t)

	_, err = box.postpone(t.Context(), *result.item, "queued", "")
	require.NoError(t, err, "before the chats are merged")
	d.merge(t)
	sent, err := box.finish(t.Context(), *result.item, "sent", "", midday)
	require.NoError(t, err)
	require.Equal(t, FormatChat(ann), sent.ChatID)
	replayed, err := box.accept(t.Context(), command, nil)
	require.NoError(t, err)
	require.Equal(t, result.sent.MessageID, replayed.sent.MessageID)
	require.Equal(t, FormatChat(ann), replayed.sent.ChatID)
	require.Len(t, stored(t, d, persist.Messages), 1)
	require.Empty(t, stored(t, d, persist.Outbox))
}

func TestAMessageToAGroupDeliveredAgainAfterItsSendersNumberWasLearntIsNotDoubled(t *testing.T) {
	d := newDesk(t)
	again := from(annID, "M1", text("hello"))
	again.Info.Chat = types.NewJID("120363000000000001", types.GroupServer)
	require.NoError(t, d.message(t.Context(), again))
	d.meet(t)
	require.NoError(t, d.message(t.Context(), again))
	require.Len(t, stored(t, d, persist.Messages), 1)
}
