package actors

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
	"whatsapp-web-server/persist/memory"
)

var (
	own    = types.NewJID("31600000001", types.DefaultUserServer)
	ann    = types.NewJID("31600000002", types.DefaultUserServer)
	annID  = types.NewJID("900000000000002", types.HiddenUserServer)
	bob    = types.NewJID("31600000003", types.DefaultUserServer)
	midday = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
)

// desk is an account's storage with what was published from it.
type desk struct {
	*inbound
	journal *journal.Journal
	told    []Event
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	committer := journal.NewCommitter(memory.Open(), journal.Options{})
	t.Cleanup(func() { require.NoError(t, committer.Close(context.Background())) })
	return openDesk(t, committer)
}

func openDesk(t *testing.T, committer *journal.Committer) *desk {
	t.Helper()
	j, err := committer.Open(t.Context(), own.User, 0)
	require.NoError(t, err)
	d := &desk{journal: j}
	l, err := openLedger(t.Context(), j, own.User, "LOG", func(e Event) { d.told = append(d.told, e) })
	require.NoError(t, err)
	d.inbound = &inbound{account: own.User, own: own, people: people{j.Scope()}, ledger: l, waiting: &premature{}}
	return d
}

func (d *desk) kinds() []EventKind {
	var kinds []EventKind
	for _, event := range d.told {
		kinds = append(kinds, event.Kind)
	}
	return kinds
}

func (d *desk) learn(t *testing.T, lid, number types.JID) {
	t.Helper()
	_, err := d.ledger.write(t.Context(), func(u *unit) error {
		u.Put(persist.LIDMappings.Put(persist.LIDMapping{JID: lid.String(), Other: number.String()}),
			persist.LIDMappings.Put(persist.LIDMapping{JID: number.String(), Other: lid.String()}))
		return nil
	})
	require.NoError(t, err)
}

func from(sender types.JID, id string, m *waE2E.Message) *events.Message {
	return &events.Message{Message: m, Info: types.MessageInfo{
		ID: id, Timestamp: midday, PushName: "Annie",
		MessageSource: types.MessageSource{Chat: sender, Sender: sender},
	}}
}

func text(body string) *waE2E.Message { return &waE2E.Message{Conversation: proto.String(body)} }

func key(id string) *waCommon.MessageKey { return &waCommon.MessageKey{ID: proto.String(id)} }

func TestAMessageIsStoredToldAndCounted(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, d.message(t.Context(), from(ann, "M1", text("hello"))))

	chat, err := persist.Chats.Get(t.Context(), d.journal, d.journal.Scope(), ann.String())
	require.NoError(t, err)
	require.EqualValues(t, 1, chat.Unread)
	require.Equal(t, "hello", chat.Preview)
	require.Equal(t, midday, chat.LastMessageAt)
	total, err := persist.Counters.Get(t.Context(), d.journal, d.journal.Scope(), persist.CountMessages+ann.String())
	require.NoError(t, err)
	require.EqualValues(t, 1, total.Value)

	require.Equal(t, []EventKind{EventMessage}, d.kinds())
	var payload MessageEvent
	require.NoError(t, json.Unmarshal(d.told[0].Data, &payload))
	require.Equal(t, "31600000002@c.us", payload.Message.From)
	require.Equal(t, "Annie", payload.Message.Sender.Name)
	require.Equal(t, midday.Unix(), payload.Message.Timestamp)
	require.Equal(t, "LOG-1", d.told[0].Cursor.String())
}

func TestAMessageDeliveredAgainChangesNothing(t *testing.T) {
	d := newDesk(t)
	for range 3 {
		require.NoError(t, d.message(t.Context(), from(ann, "M1", text("hello"))))
	}
	chat, err := persist.Chats.Get(t.Context(), d.journal, d.journal.Scope(), ann.String())
	require.NoError(t, err)
	require.EqualValues(t, 1, chat.Unread)
	require.Len(t, d.told, 1)
}

func TestTheSameIDFromTwoPeopleIsTwoMessages(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, d.message(t.Context(), from(ann, "M1", text("mine"))))
	require.NoError(t, d.message(t.Context(), from(bob, "M1", text("no, mine"))))
	require.Len(t, d.told, 2)
}

func TestAPersonIsOneChatByNumberAndLID(t *testing.T) {
	d := newDesk(t)
	d.learn(t, annID, ann)
	require.NoError(t, d.message(t.Context(), from(annID, "M1", text("by lid"))))
	require.NoError(t, d.message(t.Context(), from(ann, "M2", text("by number"))))

	chats, err := persist.Chats.Scan(t.Context(), d.journal, persist.Query{Scope: d.journal.Scope(), Limit: 10})
	require.NoError(t, err)
	require.Len(t, chats, 1)
	var payload MessageEvent
	require.NoError(t, json.Unmarshal(d.told[0].Data, &payload))
	require.Equal(t, Person{Number: ann.User, LID: annID.String(), Name: "Annie"}, payload.Message.Sender)
}

func TestAnOlderMessageDoesNotBecomeTheChatsLast(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, d.message(t.Context(), from(ann, "M2", text("newer"))))
	late := from(ann, "M1", text("older"))
	late.Info.Timestamp = midday.Add(-time.Hour)
	require.NoError(t, d.message(t.Context(), late))
	chat, err := persist.Chats.Get(t.Context(), d.journal, d.journal.Scope(), ann.String())
	require.NoError(t, err)
	require.Equal(t, "newer", chat.Preview)
	require.EqualValues(t, 2, chat.Unread)
}

func TestOnlyTheAuthorEditsAndRevokes(t *testing.T) {
	edit := &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), Key: key("M1"), EditedMessage: text("changed")}
	revoke := &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_REVOKE.Enum(), Key: key("M1")}
	d := newDesk(t)
	require.NoError(t, d.message(t.Context(), from(ann, "M1", text("original"))))
	for _, change := range []*waE2E.ProtocolMessage{edit, revoke} {
		forged := from(bob, "X", &waE2E.Message{ProtocolMessage: change})
		forged.Info.Chat = ann
		require.NoError(t, d.message(t.Context(), forged))
	}
	require.Equal(t, []EventKind{EventMessage}, d.kinds())

	for range 2 { // the second time it is delivered again
		require.NoError(t, d.message(t.Context(), from(ann, "E", &waE2E.Message{ProtocolMessage: edit})))
	}
	content, err := persist.MessageContents.Get(t.Context(), d.journal, d.journal.Scope(), ann.String(), ann.String(), "M1")
	require.NoError(t, err)
	require.Equal(t, "changed", content.Body)

	for range 2 {
		require.NoError(t, d.message(t.Context(), from(ann, "R", &waE2E.Message{ProtocolMessage: revoke})))
	}
	_, err = persist.MessageContents.Get(t.Context(), d.journal, d.journal.Scope(), ann.String(), ann.String(), "M1")
	require.ErrorIs(t, err, persist.ErrNotFound)
	require.Equal(t, []EventKind{EventMessage, EventEdit, EventRevoke}, d.kinds())
}

func TestAReactionReplacesTheOneBeforeAndNotANewerOne(t *testing.T) {
	d := newDesk(t)
	react := func(emoji string, at time.Time) {
		reaction := from(ann, "R", &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: key("M1"), Text: proto.String(emoji)}})
		reaction.Info.Timestamp = at
		require.NoError(t, d.message(t.Context(), reaction))
	}
	react("👍", midday)
	react("❤", midday.Add(time.Minute))
	react("👍", midday) // delivered again
	reaction, err := persist.MessageReactions.Get(t.Context(), d.journal, d.journal.Scope(), ann.String(), "M1", ann.String())
	require.NoError(t, err)
	require.Equal(t, "❤", reaction.Emoji)
	require.Len(t, d.told, 2)
}

func TestReceiptsOnlyMoveAMessageForward(t *testing.T) {
	d := newDesk(t)
	sent := from(ann, "M1", text("hi"))
	sent.Info.IsFromMe, sent.Info.Sender = true, own
	require.NoError(t, d.message(t.Context(), sent))

	receipt := func(kind types.ReceiptType) {
		require.NoError(t, d.receipt(t.Context(), &events.Receipt{
			MessageSource: types.MessageSource{Chat: ann, Sender: ann},
			MessageIDs:    []types.MessageID{"M1", "never sent by us"}, Timestamp: midday, Type: kind,
		}))
	}
	receipt(types.ReceiptTypeRead)
	receipt(types.ReceiptTypeDelivered)
	receipt(types.ReceiptTypeRead)
	message, err := persist.Messages.Get(t.Context(), d.journal, d.journal.Scope(), ann.String(), own.String(), "M1")
	require.NoError(t, err)
	require.Equal(t, "read", message.Status)
	require.Equal(t, []EventKind{EventMessage, EventMessageStatus, EventMessageStatus}, d.kinds())
}

func TestAChatReadElsewhereHasNothingUnread(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, d.message(t.Context(), from(ann, "M1", text("hello"))))
	require.NoError(t, d.receipt(t.Context(), &events.Receipt{
		MessageSource: types.MessageSource{Chat: ann, Sender: own, IsFromMe: true}, Type: types.ReceiptTypeReadSelf,
	}))
	chat, err := persist.Chats.Get(t.Context(), d.journal, d.journal.Scope(), ann.String())
	require.NoError(t, err)
	require.Zero(t, chat.Unread)
}

func TestAUnitThatFailsUsesUpNoSequence(t *testing.T) {
	d := newDesk(t)
	refusal := errors.New("refused")
	_, err := d.ledger.write(t.Context(), func(u *unit) error {
		u.tell(EventReady, ReadyEvent{})
		return refusal
	})
	require.ErrorIs(t, err, refusal)
	require.NoError(t, d.message(t.Context(), from(ann, "M1", text("hello"))))
	require.Equal(t, Cursor{Log: "LOG", Seq: 1}, d.told[0].Cursor)
}

func TestTheLogGoesOnWhereTheLastIncarnationEnded(t *testing.T) {
	committer := journal.NewCommitter(memory.Open(), journal.Options{})
	t.Cleanup(func() { require.NoError(t, committer.Close(context.Background())) })
	first := openDesk(t, committer)
	require.NoError(t, first.message(t.Context(), from(ann, "M1", text("one"))))
	require.NoError(t, first.journal.Close(t.Context()))

	second := openDesk(t, committer)
	require.NoError(t, second.message(t.Context(), from(ann, "M1", text("one")))) // delivered again
	require.NoError(t, second.message(t.Context(), from(ann, "M2", text("two"))))
	require.Len(t, second.told, 1)
	require.Equal(t, Cursor{Log: "LOG", Seq: 2}, second.told[0].Cursor)
}

func TestIDsMadeUpTooLongForAKeyAreKeptUnderTheirDigest(t *testing.T) {
	d := newDesk(t)
	long := strings.Repeat("X", 2*persist.MaxKeyBytes)
	require.NoError(t, d.message(t.Context(), from(ann, long, text("hello"))))
	require.NoError(t, d.message(t.Context(), from(ann, "R", &waE2E.Message{
		ReactionMessage: &waE2E.ReactionMessage{Key: key(long), Text: proto.String("👍")},
	})))
	require.NoError(t, d.journal.Err())
	id := persist.MessageID(long)
	require.LessOrEqual(t, len(id), persist.MaxKeyBytes)
	_, err := persist.Messages.Get(t.Context(), d.journal, d.journal.Scope(), ann.String(), ann.String(), id)
	require.NoError(t, err)
	_, err = persist.MessageReactions.Get(t.Context(), d.journal, d.journal.Scope(), ann.String(), id, ann.String())
	require.NoError(t, err)
}

func TestAnIDThatTheOtherSideHasUsedIsToldWithItsSender(t *testing.T) {
	d := newDesk(t)
	sent := from(ann, "M1", text("mine"))
	sent.Info.IsFromMe, sent.Info.Sender = true, own
	require.NoError(t, d.message(t.Context(), sent))
	require.NoError(t, d.message(t.Context(), from(ann, "M1", text("borrowed"))))
	var ids []string
	for _, event := range d.told {
		var payload MessageEvent
		require.NoError(t, json.Unmarshal(event.Data, &payload))
		ids = append(ids, payload.Message.ID)
	}
	require.Equal(t, []string{"M1", "M1~31600000002@c.us"}, ids)
}

func TestWhoAnswersHasRead(t *testing.T) {
	d := newDesk(t)
	unread := func() int64 {
		chat, err := persist.Chats.Get(t.Context(), d.journal, d.journal.Scope(), ann.String())
		require.NoError(t, err)
		return chat.Unread
	}
	require.NoError(t, d.message(t.Context(), from(ann, "M1", text("hello"))))
	early := from(ann, "M2", text("sent before, delivered late"))
	early.Info.IsFromMe, early.Info.Sender, early.Info.Timestamp = true, own, midday.Add(-time.Hour)
	require.NoError(t, d.message(t.Context(), early))
	require.EqualValues(t, 1, unread())
	answer := from(ann, "M3", text("hi"))
	answer.Info.IsFromMe, answer.Info.Sender = true, own
	require.NoError(t, d.message(t.Context(), answer))
	require.Zero(t, unread())
}

func TestWhatBelongsToNoChatIsNotKept(t *testing.T) {
	d := newDesk(t)
	list := from(ann, "S1", text("all of you"))
	list.Info.Chat = types.NewJID("1234567890", types.BroadcastServer)
	require.NoError(t, d.message(t.Context(), list))
	require.Empty(t, d.told)
}

func TestAnEditDoesNotBringBackWhatWasRevoked(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, d.message(t.Context(), from(ann, "M1", text("original"))))
	for _, change := range []*waE2E.ProtocolMessage{
		{Type: waE2E.ProtocolMessage_REVOKE.Enum(), Key: key("M1")},
		{Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), Key: key("M1"), EditedMessage: text("changed")},
	} {
		require.NoError(t, d.message(t.Context(), from(ann, "X", &waE2E.Message{ProtocolMessage: change})))
	}
	require.Equal(t, []EventKind{EventMessage, EventRevoke}, d.kinds())
}
