package actors

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

// rows reads all records of a kind that the account has.
func rows[T any](t *testing.T, h *home, kind persist.Kind[T]) []T {
	t.Helper()
	all, err := kind.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	return all
}

// completed waits until so many histories are told to be complete, and returns the last.
func (h *home) completed(t *testing.T, count int) (last SyncCompleteEvent) {
	t.Helper()
	until(t, "the history is complete", func() bool {
		seen := 0
		for _, event := range rows(t, h, persist.Events) {
			var told SyncCompleteEvent
			require.NoError(t, json.Unmarshal([]byte(event.Data), &told))
			if event.Kind == string(EventSyncComplete) && told.Source == "history" {
				last, seen = told, seen+1
			}
		}
		return seen >= count && len(rows(t, h, persist.HistoryParts)) == 0
	})
	return last
}

// bodies are the texts of the stored messages by chat and id.
func (h *home) bodies(t *testing.T) map[string]string {
	t.Helper()
	bodies := map[string]string{}
	for _, content := range rows(t, h, persist.MessageContents) {
		bodies[content.Chat+"/"+content.ID] = content.Body
	}
	return bodies
}

// count is what a counter says.
func (h *home) count(t *testing.T, name string) int64 {
	t.Helper()
	counter, err := persist.Counters.Get(t.Context(), h.engine.Engine, h.scope(), name)
	if !errors.Is(err, persist.ErrNotFound) {
		require.NoError(t, err)
	}
	return counter.Value
}

// scrolls is a chat with messages, the last of now, every third by the owner.
func scrolls(with string, count int) simulator.HistoryChat {
	chat := simulator.HistoryChat{Chat: with}
	for i := range count {
		chat.Messages = append(chat.Messages, simulator.HistoryMessage{
			ID: fmt.Sprintf("OLD%d", i), Text: fmt.Sprintf("old %d", i), FromMe: i%3 == 0,
			Timestamp: time.Now().Add(time.Duration(i-count) * time.Minute),
		})
	}
	return chat
}

func (h *home) ann() string { return types.NewJID(h.friend.Number(), types.DefaultUserServer).String() }

func TestAnAccountHasTheHistoryOfItsPhone(t *testing.T) {
	w := newTown(t)
	h := w.newHome(t)
	third, err := w.world.AddPhone("31800000001", "Bert")
	require.NoError(t, err)
	group, err := h.friend.CreateGroup(t.Context(), simulator.GroupOptions{
		Subject: "Readers", Members: []string{h.owner.Number(), third.Number()},
	})
	require.NoError(t, err)
	ann := scrolls(h.friend.Number(), 1500)
	ann.Name, ann.Unread, ann.Pinned = "Ann of old", 2, true
	require.NoError(t, h.owner.AddHistory(t.Context(), ann, simulator.HistoryChat{
		Chat: group.String(), Archived: true, Messages: []simulator.HistoryMessage{{ID: "G1", Text: "in the group", Participant: third.Number()}},
	}))
	photo, err := h.friend.SendDraft(t.Context(), simulator.Draft{To: h.owner.Number(), DraftContent: simulator.DraftContent{
		Image: &simulator.DraftMedia{Data: []byte("\xff\xd8\xff a photo"), Caption: "look"},
	}})
	require.NoError(t, err)
	require.Eventually(t, w.world.Settled, patience, time.Millisecond)
	answer, err := h.owner.SendDraft(t.Context(), simulator.Draft{To: h.friend.Number(), Quoted: "OLD1499", DraftContent: simulator.DraftContent{Text: "yes"}})
	require.NoError(t, err)
	until(t, "Ann has the answer", func() bool { return len(h.texts()["yes"]) > 0 })
	_, err = h.friend.SendDraft(t.Context(), simulator.Draft{To: h.owner.Number(), DraftContent: simulator.DraftContent{
		Reaction: &simulator.DraftReaction{ID: answer, Emoji: "+"},
	}})
	require.NoError(t, err)
	gone, err := third.SendText(t.Context(), group.String(), "a slip")
	require.NoError(t, err)
	_, err = third.SendDraft(t.Context(), simulator.Draft{To: group.String(), DraftContent: simulator.DraftContent{Revoke: gone}})
	require.NoError(t, err)
	require.Eventually(t, w.world.Settled, patience, time.Millisecond)

	h.link(t)
	done := h.completed(t, 1)
	require.Equal(t, "RECENT", done.Kind)
	require.Equal(t, 1504, done.Items)

	bodies, messages := h.bodies(t), map[string]persist.Message{}
	for _, m := range rows(t, h, persist.Messages) {
		require.Empty(t, messages[m.ID].ID, "twice")
		messages[m.ID] = m
	}
	require.Len(t, messages, 1504)
	bert := types.NewJID(third.Number(), types.DefaultUserServer).String()
	for i, told := range ann.Messages {
		m := messages[told.ID]
		require.Equal(t, told.Text, bodies[h.ann()+"/"+told.ID])
		require.Equal(t, told.FromMe, m.FromMe)
		require.Equal(t, told.Timestamp.Unix(), m.Timestamp.Unix())
		require.Equal(t, map[bool]string{true: "read", false: "received"}[told.FromMe], m.Status)
		require.Negative(t, m.Seq)
		if i > 0 {
			require.Greater(t, m.Seq, messages[ann.Messages[i-1].ID].Seq)
		}
	}
	require.Equal(t, "image", messages[photo].Type)
	require.Equal(t, "look", bodies[h.ann()+"/"+photo])
	media, err := persist.MediaData.Get(t.Context(), h.engine.Engine, h.scope(), h.ann(), h.ann(), photo)
	require.NoError(t, err)
	require.NotEmpty(t, media.MediaKey)
	require.Equal(t, "OLD1499", messages[answer].QuotedID)
	require.Equal(t, "delivered", messages[answer].Status)
	reaction, err := persist.MessageReactions.Get(t.Context(), h.engine.Engine, h.scope(), h.ann(), answer, h.ann())
	require.NoError(t, err)
	require.Equal(t, "+", reaction.Emoji)
	require.Equal(t, bert, messages["G1"].Sender)
	require.Equal(t, "Bert", messages["G1"].PushName)
	require.False(t, messages[gone].RevokedAt.IsZero())
	require.Empty(t, bodies[group.String()+"/"+gone])

	require.EqualValues(t, 2, h.count(t, persist.CountChats))
	require.EqualValues(t, 1502, h.count(t, persist.CountMessages+h.ann()))
	chats := rows(t, h, persist.Chats)
	require.Len(t, chats, 2)
	for _, chat := range chats {
		if chat.JID == group.String() {
			require.Equal(t, "Readers", chat.Name)
			require.Equal(t, gone, chat.LastMessageID)
			continue
		}
		require.Equal(t, h.ann(), chat.JID)
		require.Equal(t, answer, chat.LastMessageID)
		require.Equal(t, "yes", chat.Preview)
		require.Zero(t, chat.Unread, "who answers has read")
	}
	require.Len(t, rows(t, h, persist.GroupParticipants), 3)
	contact, err := persist.Contacts.Get(t.Context(), h.engine.Engine, h.scope(), h.ann())
	require.NoError(t, err)
	require.Equal(t, "Ann of old", contact.FullName)
	require.Equal(t, "Ann", contact.PushName)
	for _, event := range rows(t, h, persist.Events) {
		require.NotEqual(t, string(EventMessage), event.Kind, "history is no news")
	}
	until(t, "the phone is told", func() bool { return h.pending(t) == 0 })
}

// tell has the phone tell a piece of history that was made up.
func (h *home) tell(t *testing.T, piece *waHistorySync.HistorySync) {
	t.Helper()
	require.NoError(t, h.owner.TellHistory(&waE2E.HistorySyncNotification{
		SyncType: waE2E.HistorySyncType(piece.GetSyncType()).Enum(), Progress: piece.Progress,
		InitialHistBootstrapInlinePayload: packed(t, piece),
	}))
}

func packed(t *testing.T, piece *waHistorySync.HistorySync) []byte {
	t.Helper()
	raw, err := proto.Marshal(piece)
	require.NoError(t, err)
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, err = w.Write(raw)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return packed.Bytes()
}

// recentOf is a last piece of history with one conversation.
func recentOf(c *waHistorySync.Conversation) *waHistorySync.HistorySync {
	return &waHistorySync.HistorySync{
		SyncType: waHistorySync.HistorySync_RECENT.Enum(), Progress: proto.Uint32(100), Conversations: []*waHistorySync.Conversation{c},
	}
}

func historicText(id, body string, at time.Time) *waHistorySync.HistorySyncMsg {
	return &waHistorySync.HistorySyncMsg{Message: &waWeb.WebMessageInfo{
		Key: &waCommon.MessageKey{ID: &id, FromMe: proto.Bool(false)}, MessageTimestamp: proto.Uint64(uint64(at.Unix())),
		Message: &waE2E.Message{Conversation: &body},
	}}
}

func TestWhatThePhoneKnowsOfAChatAndItsMessagesIsKept(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	h.completed(t, 1)
	pizza := sha256.Sum256([]byte("pizza"))
	now := time.Now().Truncate(time.Second).UTC()
	poll := &waHistorySync.HistorySyncMsg{Message: &waWeb.WebMessageInfo{
		Key: &waCommon.MessageKey{ID: proto.String("POLL"), FromMe: proto.Bool(true)}, MessageTimestamp: proto.Uint64(uint64(now.Unix())),
		Status: waWeb.WebMessageInfo_DELIVERY_ACK.Enum(), Starred: proto.Bool(true), MessageSecret: make([]byte, 32),
		EphemeralDuration: proto.Uint32(60),
		Message: &waE2E.Message{PollCreationMessage: &waE2E.PollCreationMessage{
			Name: proto.String("What?"), Options: []*waE2E.PollCreationMessage_Option{{OptionName: proto.String("pasta")}, {OptionName: proto.String("pizza")}},
		}},
		PollUpdates: []*waWeb.PollUpdate{{
			PollUpdateMessageKey: &waCommon.MessageKey{ID: proto.String("V"), FromMe: proto.Bool(false)},
			Vote:                 &waE2E.PollVoteMessage{SelectedOptions: [][]byte{pizza[:]}}, SenderTimestampMS: proto.Int64(now.UnixMilli()),
		}},
		UserReceipt: []*waWeb.UserReceipt{{
			UserJID: proto.String(h.friend.LID().String()), ReceiptTimestamp: proto.Int64(now.Unix()), ReadTimestamp: proto.Int64(now.Unix() + 1),
		}},
	}}
	h.tell(t, recentOf(&waHistorySync.Conversation{
		ID: proto.String(h.friend.LID().String()), PnJID: proto.String(h.ann()), Name: proto.String("Ann B."), UnreadCount: proto.Uint32(3),
		Messages: []*waHistorySync.HistorySyncMsg{poll}, Pinned: proto.Uint32(5), Archived: proto.Bool(true), MarkedAsUnread: proto.Bool(true),
		MuteEndTime: proto.Uint64(uint64(now.Unix()) + 60), EphemeralExpiration: proto.Uint32(86400), EphemeralSettingTimestamp: proto.Int64(now.Unix()),
	}))
	require.Equal(t, 1, h.completed(t, 2).Items)

	require.Equal(t, []persist.ChatSetting{{
		JID: h.ann(), Pinned: true, Archived: true, MarkedUnread: true, MutedUntil: now.Add(time.Minute), Disappearing: 86400, DisappearingSince: now,
	}}, rows(t, h, persist.ChatSettings))
	chats := rows(t, h, persist.Chats)
	require.Len(t, chats, 1)
	require.Equal(t, h.ann(), chats[0].JID, "the number is learnt before the messages")
	require.EqualValues(t, 3, chats[0].Unread)
	m := rows(t, h, persist.Messages)[0]
	require.True(t, m.Starred)
	require.Equal(t, now.Add(time.Minute), m.ExpiresAt)
	require.Equal(t, "delivered", m.Status)
	require.Equal(t, []persist.PollVote{{Chat: h.ann(), PollID: "POLL", Voter: h.ann(), Options: `["pizza"]`, Timestamp: now}}, rows(t, h, persist.PollVotes))
	require.Equal(t, []persist.UserReceipt{{
		Chat: h.ann(), MessageID: "POLL", User: h.ann(), DeliveredAt: now, ReadAt: now.Add(time.Second),
	}}, rows(t, h, persist.UserReceipts))
	require.Len(t, rows(t, h, persist.MessageSecrets), 1)
	contact, err := persist.Contacts.Get(t.Context(), h.engine.Engine, h.scope(), h.ann())
	require.NoError(t, err)
	require.Equal(t, "Ann B.", contact.FullName)
}

func TestWhatIsAttachedToAMessageOfThePastIsKept(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	h.completed(t, 1)
	tea := sha256.Sum256([]byte("tea"))
	now := time.Now().Truncate(time.Second).UTC()
	poll := historicText("POLL", "", now)
	poll.Message.Message = &waE2E.Message{PollCreationMessage: &waE2E.PollCreationMessage{
		Name: proto.String("What?"), Options: []*waE2E.PollCreationMessage_Option{{OptionName: proto.String("tea")}, {OptionName: proto.String("rum")}},
	}}
	from := func(id string, own bool) *waCommon.MessageKey { return &waCommon.MessageKey{ID: &id, FromMe: &own} }
	poll.Message.MessageAddOns = []*waWeb.MessageAddOn{
		{
			MessageAddOnType: waWeb.MessageAddOn_REACTION.Enum(), MessageAddOnKey: from("R", false), SenderTimestampMS: proto.Int64(now.UnixMilli()),
			MessageAddOn: &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Text: proto.String("+")}},
		},
		{
			MessageAddOnType: waWeb.MessageAddOn_POLL_UPDATE.Enum(), MessageAddOnKey: from("V", true), SenderTimestampMS: proto.Int64(now.UnixMilli()),
			LegacyMessage: &waWeb.LegacyMessage{PollVote: &waE2E.PollVoteMessage{SelectedOptions: [][]byte{tea[:]}}},
		},
		{MessageAddOnType: waWeb.MessageAddOn_PIN_IN_CHAT.Enum(), MessageAddOnKey: from("P", false)},
		{MessageAddOnType: waWeb.MessageAddOn_REACTION.Enum()},
		{},
	}
	poll.Message.MessageAddOns[3].MessageAddOnKey = &waCommon.MessageKey{Participant: proto.String("no address@")}
	h.tell(t, recentOf(&waHistorySync.Conversation{ID: proto.String(h.ann()), Messages: []*waHistorySync.HistorySyncMsg{poll}}))
	require.Equal(t, 1, h.completed(t, 2).Items)
	require.Equal(t, []persist.MessageReaction{{Chat: h.ann(), MessageID: "POLL", Sender: h.ann(), Emoji: "+", Timestamp: now}}, rows(t, h, persist.MessageReactions))
	own := types.NewJID(h.owner.Number(), types.DefaultUserServer).String()
	require.Equal(t, []persist.PollVote{{Chat: h.ann(), PollID: "POLL", Voter: own, Options: `["tea"]`, Timestamp: now}}, rows(t, h, persist.PollVotes))
}

func TestStatusesOfTheLastDayAreInTheHistory(t *testing.T) {
	h := newTown(t).newHome(t)
	id, err := h.friend.PostStatus(t.Context(), "on holiday", h.owner.Number())
	require.NoError(t, err)
	own, err := h.owner.PostStatus(t.Context(), "at work", h.friend.Number())
	require.NoError(t, err)
	require.NoError(t, h.owner.AddHistory(t.Context(), scrolls(h.friend.Number(), 3)))
	require.Eventually(t, h.world.Settled, patience, time.Millisecond)
	h.link(t)
	require.Equal(t, 5, h.completed(t, 1).Items)

	status := types.StatusBroadcastJID.String()
	shown := map[string]persist.Message{}
	for _, m := range rows(t, h, persist.Messages) {
		if m.Chat == status {
			shown[m.ID] = m
			require.Equal(t, m.Timestamp.Add(24*time.Hour), m.ExpiresAt)
		}
	}
	require.Len(t, shown, 2)
	require.Equal(t, h.friend.LID().String(), shown[id].Sender, "whose number is learnt later")
	require.True(t, shown[own].FromMe)
	require.Equal(t, "on holiday", h.bodies(t)[status+"/"+id])
	require.Len(t, rows(t, h, persist.Chats), 1, "what everybody is shown is in no chat")
	require.Zero(t, h.count(t, persist.CountMessages+status))

	late := historicText("LATE", "yesterday's", time.Now().Add(-25*time.Hour)).Message
	late.Participant = proto.String(h.friend.LID().String())
	soon := historicText("SOON", "today's", time.Now().Add(-23*time.Hour)).Message
	soon.Participant = late.Participant
	piece := recentOf(&waHistorySync.Conversation{ID: proto.String(h.ann())})
	piece.StatusV3Messages = []*waWeb.WebMessageInfo{late, soon, soon}
	h.tell(t, piece)
	require.Equal(t, 1, h.completed(t, 2).Items)
	require.Equal(t, "today's", h.bodies(t)[status+"/SOON"])
}

func TestHistoryNeverGoesOverWhatIsNewer(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	h.completed(t, 1)
	h.exchange(t, "live")
	before := rows(t, h, persist.Messages)
	chat := rows(t, h, persist.Chats)
	var again []*waHistorySync.HistorySyncMsg
	for _, m := range before {
		told := historicText(m.ID, "stale", m.Timestamp.Add(-time.Hour))
		told.Message.Key.FromMe = proto.Bool(m.FromMe)
		again = append(again, told)
	}
	again = append(again, historicText("OLD", "of long ago", time.Now().Add(-24*time.Hour)))
	h.tell(t, recentOf(&waHistorySync.Conversation{ID: proto.String(h.ann()), UnreadCount: proto.Uint32(9), Messages: again}))
	require.Equal(t, 1, h.completed(t, 2).Items)

	require.Equal(t, chat, rows(t, h, persist.Chats))
	require.EqualValues(t, len(before)+1, h.count(t, persist.CountMessages+h.ann()))
	for _, m := range rows(t, h, persist.Messages) {
		if m.ID != "OLD" {
			require.Contains(t, before, m)
		}
	}
	for id, body := range h.bodies(t) {
		require.NotEqual(t, "stale", body, id)
	}
}

func TestAPartThatComesTwiceIsStoredOnce(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	h.completed(t, 1)
	piece := recentOf(&waHistorySync.Conversation{ID: proto.String(h.ann()), Messages: []*waHistorySync.HistorySyncMsg{
		historicText("B", "two", time.Now()), historicText("A", "one", time.Now().Add(-time.Minute)), historicText("A", "one", time.Now().Add(-time.Minute)),
	}})
	h.tell(t, piece)
	h.completed(t, 2)
	h.tell(t, piece)
	h.completed(t, 3)
	require.Len(t, rows(t, h, persist.Messages), 2)
	require.EqualValues(t, 2, h.count(t, persist.CountMessages+h.ann()))
	require.EqualValues(t, 1, h.count(t, persist.CountChats))
}

func TestABrokenPartEndsAndBlocksNoOther(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	h.completed(t, 1)
	whole := packed(t, recentOf(&waHistorySync.Conversation{ID: proto.String(h.ann()), Messages: []*waHistorySync.HistorySyncMsg{
		historicText("A", strings.Repeat("one ", 1000), time.Now()),
	}}))
	lost, err := h.owner.Upload(t.Context(), whole, whatsmeow.MediaHistory)
	require.NoError(t, err)
	length := uint64(len(whole))
	for _, notice := range []*waE2E.HistorySyncNotification{
		{InitialHistBootstrapInlinePayload: []byte("no zlib")},
		{InitialHistBootstrapInlinePayload: whole[:len(whole)/2]},
		{DirectPath: proto.String("/v/t62.7118-24/gone?ccb=11-4"), FileLength: &length, MediaKey: lost.MediaKey, FileSHA256: lost.FileSHA256, FileEncSHA256: lost.FileEncSHA256},
		{},
	} {
		notice.SyncType = waE2E.HistorySyncType_RECENT.Enum()
		require.NoError(t, h.owner.TellHistory(notice))
	}
	h.tell(t, recentOf(&waHistorySync.Conversation{ID: proto.String(h.ann()), Messages: []*waHistorySync.HistorySyncMsg{historicText("B", "two", time.Now())}}))
	require.Equal(t, 1, h.completed(t, 2).Items)
	require.Len(t, rows(t, h, persist.Messages), 1)
	require.Equal(t, "two", h.bodies(t)[h.ann()+"/B"])

	require.NoError(t, h.owner.TellHistory(&waE2E.HistorySyncNotification{ // which may be the way's fault
		SyncType: waE2E.HistorySyncType_RECENT.Enum(), DirectPath: &lost.DirectPath, FileLength: &length,
		MediaKey: lost.MediaKey, FileSHA256: make([]byte, sha256.Size), FileEncSHA256: lost.FileEncSHA256,
	}))
	h.tell(t, recentOf(&waHistorySync.Conversation{ID: proto.String(h.ann()), Messages: []*waHistorySync.HistorySyncMsg{historicText("C", "three", time.Now())}}))
	until(t, "the next part is taken in while the one before waits", func() bool {
		parts := rows(t, h, persist.HistoryParts)
		return h.bodies(t)[h.ann()+"/C"] == "three" && len(parts) == 1 && parts[0].Attempts > 0
	})
}

func TestHistoryGoesOnWhereItWasInterrupted(t *testing.T) {
	h := newTown(t).newHome(t)
	require.NoError(t, h.owner.AddHistory(t.Context(), scrolls(h.friend.Number(), 4000)))
	h.link(t)
	for stops := 0; len(rows(t, h, persist.Messages)) < 4000 && stops < 5; stops++ {
		before := len(rows(t, h, persist.Messages))
		until(t, "some more of it is stored", func() bool {
			return len(rows(t, h, persist.Messages)) > before || len(rows(t, h, persist.HistoryParts)) == 0
		})
		h.restart(t)
	}
	require.Equal(t, 4000, h.completed(t, 1).Items)
	require.Len(t, rows(t, h, persist.Messages), 4000)
	require.Len(t, h.bodies(t), 4000)
	require.EqualValues(t, 4000, h.count(t, persist.CountMessages+h.ann()))
	require.EqualValues(t, 1, h.count(t, persist.CountChats))
}

func TestOlderMessagesOfAChatAreFetchedFromThePhone(t *testing.T) {
	h := newTown(t).newHome(t)
	chat := scrolls(h.friend.Number(), 300)
	for i := range chat.Messages { // phones tell no more than three months unasked
		chat.Messages[i].Timestamp = time.Now().Add(time.Duration(i-300) * 24 * time.Hour)
	}
	require.NoError(t, h.owner.AddHistory(t.Context(), chat))
	h.link(t)
	h.completed(t, 1)
	had := len(rows(t, h, persist.Messages))
	require.Less(t, had, 100)

	ask := RequestHistory{Chat: h.friend.Number(), Count: 20}
	oldest := chat.Messages[300-had].ID
	asked := insist[any](t, h, ask).(RequestedHistory)
	require.Equal(t, oldest, asked.Before)
	done := h.completed(t, 2)
	require.Equal(t, SyncCompleteEvent{ClientID: h.owner.Number(), Source: "history", Kind: "ON_DEMAND", Items: 20, RequestID: asked.RequestID}, done)
	require.Equal(t, "old 200", h.bodies(t)[h.ann()+"/OLD200"])
	require.Len(t, rows(t, h, persist.Messages), had+20)

	ask.Before = oldest
	insist[any](t, h, ask)
	require.Zero(t, h.completed(t, 3).Items, "they are there already")
}

func TestHistoryOfWhatIsNotThereIsRefused(t *testing.T) {
	h := newTown(t).newHome(t)
	require.NoError(t, h.owner.AddHistory(t.Context(), scrolls(h.friend.Number(), 3)))
	h.link(t)
	h.completed(t, 1)
	for code, ask := range map[Code]RequestHistory{
		CodeChatNotFound: {Chat: "31999999999", Count: 1}, CodeMessageNotFound: {Chat: h.friend.Number(), Count: 1, Before: "NONE"},
	} {
		_, err := Ask[any](t.Context(), h.current(), ask)
		refused, ok := errors.AsType[*Error](err)
		require.True(t, ok)
		require.Equal(t, code, refused.Code)
	}
}
