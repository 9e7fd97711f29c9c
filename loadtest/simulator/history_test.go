package simulator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// told is what a companion was told of its phone's history at linking.
type told struct {
	kinds  []waHistorySync.HistorySync_HistorySyncType
	pieces []*events.HistorySync
}

// isLast tells whether nothing follows a piece.
type isLast func(*waHistorySync.HistorySync) bool

func lastOf(kind waHistorySync.HistorySync_HistorySyncType) isLast {
	return func(piece *waHistorySync.HistorySync) bool {
		return piece.GetSyncType() == kind && piece.GetProgress() == 100
	}
}

// link links the companion to a phone and returns what it is told of its history, up to the last piece.
func (c *companion) link(phone *simulator.Phone, last isLast) told {
	c.t.Helper()
	require.NoError(c.t, c.client.Connect())
	require.NoError(c.t, phone.Scan(within(c.t), next[*events.QR](c).Codes[0]))
	return c.history(last) // which can come before the news that the client is connected
}

func (c *companion) history(last isLast) (t told) {
	c.t.Helper()
	for {
		event := next[*events.HistorySync](c)
		t.kinds = append(t.kinds, event.Data.GetSyncType())
		t.pieces = append(t.pieces, event)
		if last(event.Data) {
			return t
		}
	}
}

// of are the pieces of a kind.
func (t told) of(kind waHistorySync.HistorySync_HistorySyncType) (pieces []*waHistorySync.HistorySync) {
	for _, piece := range t.pieces {
		if piece.Data.GetSyncType() == kind {
			pieces = append(pieces, piece.Data)
		}
	}
	return pieces
}

// messages are those of a chat, in the order they were told: all, or those of a kind of piece.
func (t told) messages(chat types.JID, kinds ...waHistorySync.HistorySync_HistorySyncType) (all []*waWeb.WebMessageInfo) {
	for i, piece := range t.pieces {
		if len(kinds) > 0 && kinds[0] != t.kinds[i] {
			continue
		}
		for _, c := range piece.Data.GetConversations() {
			if c.GetID() != chat.String() {
				continue
			}
			for _, m := range c.GetMessages() {
				all = append(all, m.GetMessage())
			}
		}
	}
	return all
}

func texts(messages []*waWeb.WebMessageInfo) (all []string) {
	for _, m := range messages {
		all = append(all, m.GetMessage().GetConversation())
	}
	return all
}

// wishing makes clients ask for history in another way while the test lasts, which therefore cannot run in parallel.
func wishing(t *testing.T, change func(*waCompanionReg.DeviceProps)) {
	t.Helper()
	before := proto.CloneOf(store.DeviceProps)
	t.Cleanup(func() { store.DeviceProps = before })
	store.DeviceProps = proto.CloneOf(before)
	change(store.DeviceProps)
}

// said are texts that somebody wrote, numbered from the oldest, with so much time between them. The last is of now.
func said(count int, every time.Duration) (all []simulator.HistoryMessage) {
	for i := range count {
		ago := time.Duration(count-1-i) * every
		all = append(all, simulator.HistoryMessage{ID: fmt.Sprintf("M%d", i), Text: fmt.Sprintf("text %d", i), Timestamp: time.Now().Add(-ago)})
	}
	return all
}

const (
	bootstrap = waHistorySync.HistorySync_INITIAL_BOOTSTRAP
	statuses  = waHistorySync.HistorySync_INITIAL_STATUS_V3
	names     = waHistorySync.HistorySync_PUSH_NAME
	beside    = waHistorySync.HistorySync_NON_BLOCKING_DATA
	recent    = waHistorySync.HistorySync_RECENT
	full      = waHistorySync.HistorySync_FULL
)

func TestAPhoneWithoutHistoryTellsSoInTwoSmallMessages(t *testing.T) {
	sim := simulatortest.Start(t)
	got := newCompanion(t, sim).link(addPhone(t, sim, alice), func(piece *waHistorySync.HistorySync) bool { return piece.GetSyncType() == names })
	require.Equal(t, []waHistorySync.HistorySync_HistorySyncType{bootstrap, names}, got.kinds)
	require.EqualValues(t, 100, got.pieces[0].Data.GetProgress())
	for _, piece := range got.pieces {
		require.NotEmpty(t, piece.Notification.GetInitialHistBootstrapInlinePayload())
		require.Empty(t, piece.Data.GetConversations())
	}
}

func TestACompanionGetsTheLatestFirstAndThenTheRest(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	const count = 2500
	require.NoError(t, a.AddHistory(t.Context(), simulator.HistoryChat{Chat: bob, Messages: said(count, time.Minute)}))
	got := newCompanion(t, sim).link(a, lastOf(recent))
	require.Equal(t, []waHistorySync.HistorySync_HistorySyncType{bootstrap, names, beside, recent, recent, recent}, got.kinds)

	require.Equal(t, []string{"text 2499", "text 2498"}, texts(got.messages(b.LID(), bootstrap)))
	all := got.messages(b.LID())
	require.Len(t, all, count, "each once")
	for i, m := range all {
		require.Equal(t, fmt.Sprintf("M%d", count-1-i), m.GetKey().GetID(), "newest first")
	}
	for i, piece := range got.of(recent) {
		require.EqualValues(t, i+1, piece.GetChunkOrder())
		require.EqualValues(t, 100*(i+1)/3, piece.GetProgress())
		require.Equal(t, i == 2, piece.GetConversations()[0].GetEndOfHistoryTransfer())
	}
	require.Zero(t, got.of(bootstrap)[0].GetProgress())
	for _, piece := range got.pieces[3:5] {
		require.NotEmpty(t, piece.Notification.GetDirectPath(), "large pieces are fetched from the media servers")
		require.Empty(t, piece.Notification.GetInitialHistBootstrapInlinePayload())
	}
}

func TestHowFarHistoryReachesIsTheCompanionsWish(t *testing.T) {
	for name, row := range map[string]struct {
		wish             func(*waCompanionReg.DeviceProps)
		first, old, year int
		last             isLast
		left             bool
	}{
		"nothing said": {func(*waCompanionReg.DeviceProps) {}, 2, 7, 0, lastOf(recent), true},
		"all, please":  {func(p *waCompanionReg.DeviceProps) { p.RequireFullSync = proto.Bool(true) }, 2, 7, 25, lastOf(full), true},
		"all of ten years": {func(p *waCompanionReg.DeviceProps) {
			p.RequireFullSync, p.HistorySyncConfig.FullSyncDaysLimit = proto.Bool(true), proto.Uint32(3650)
		}, 2, 7, 41, lastOf(full), false},
		"a month, three of each chat first": {func(p *waCompanionReg.DeviceProps) {
			p.HistorySyncConfig.RecentSyncDaysLimit, p.HistorySyncConfig.InitialSyncMaxMessagesPerChat = proto.Uint32(34), proto.Uint32(3)
		}, 3, 1, 0, lastOf(recent), true},
	} {
		t.Run(name, func(t *testing.T) {
			wishing(t, row.wish)
			sim := simulatortest.Start(t)
			a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
			require.NoError(t, a.AddHistory(t.Context(), simulator.HistoryChat{Chat: bob, Messages: said(50, 11*24*time.Hour)}))
			got := newCompanion(t, sim).link(a, row.last)
			require.Len(t, got.messages(b.LID(), bootstrap), row.first)
			require.Len(t, got.messages(b.LID(), recent), row.old)
			require.Len(t, got.messages(b.LID(), full), row.year)
			var ends []waHistorySync.Conversation_EndOfHistoryTransferType
			for _, piece := range got.pieces {
				for _, c := range piece.Data.GetConversations() {
					if c.GetEndOfHistoryTransfer() {
						ends = append(ends, c.GetEndOfHistoryTransferType())
					}
				}
			}
			require.Len(t, ends, 1)
			require.Equal(t, row.left, ends[0] == waHistorySync.Conversation_COMPLETE_BUT_MORE_MESSAGES_REMAIN_ON_PRIMARY)
		})
	}
}

func TestAClientThatTakesNothingInlineFetchesAll(t *testing.T) {
	wishing(t, func(p *waCompanionReg.DeviceProps) {
		p.HistorySyncConfig.InlineInitialPayloadInE2EeMsg = proto.Bool(false)
	})
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	require.NoError(t, a.AddHistory(t.Context(), simulator.HistoryChat{Chat: bob, Messages: said(1, 0)}))
	got := newCompanion(t, sim).link(a, lastOf(recent))
	require.Equal(t, []string{"text 0"}, texts(got.messages(b.LID())))
	for _, piece := range got.pieces {
		require.NotEmpty(t, piece.Notification.GetDirectPath())
	}
}

func TestHistoryHoldsWhatThePhoneHasSeen(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b, c := addPhone(t, sim, alice), addPhone(t, sim, bob), addPhone(t, sim, carol)
	group, err := b.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Readers", Members: []string{alice, carol}})
	require.NoError(t, err)
	first, err := a.SendText(t.Context(), bob, "first")
	require.NoError(t, err)
	nextOf(t, b, 0)
	require.NoError(t, b.MarkRead(t.Context(), alice, first))
	poll, err := b.SendDraft(t.Context(), simulator.Draft{To: alice, DraftContent: simulator.DraftContent{Poll: &simulator.Poll{Question: "?", Options: []string{"a", "b"}}}})
	require.NoError(t, err)
	second, err := b.SendText(t.Context(), alice, "secnd")
	require.NoError(t, err)
	for _, content := range []simulator.DraftContent{
		{Edit: &simulator.DraftEdit{ID: second, Text: "second"}}, {Reaction: &simulator.DraftReaction{ID: second, Emoji: "+"}},
	} {
		_, err = b.SendDraft(t.Context(), simulator.Draft{To: alice, DraftContent: content})
		require.NoError(t, err)
	}
	require.Eventually(t, sim.Settled, patience, time.Millisecond) // who votes knows the poll
	for _, choice := range []string{"a", "b"} {
		_, err = a.SendDraft(t.Context(), simulator.Draft{To: bob, DraftContent: simulator.DraftContent{Vote: &simulator.DraftVote{ID: poll, Options: []string{choice}}}})
		require.NoError(t, err)
	}
	third, err := c.SendText(t.Context(), group.String(), "in the group")
	require.NoError(t, err)
	gone, err := b.SendText(t.Context(), group.String(), "a slip")
	require.NoError(t, err)
	_, err = b.SendDraft(t.Context(), simulator.Draft{To: group.String(), DraftContent: simulator.DraftContent{Revoke: gone}})
	require.NoError(t, err)
	_, err = c.PostStatus(t.Context(), "out to lunch", alice)
	require.NoError(t, err)
	require.NoError(t, a.Pin(t.Context(), bob, true))
	require.NoError(t, a.SetContact(t.Context(), bob, "Bob of old", "Bob"))
	require.Eventually(t, sim.Settled, patience, time.Millisecond)

	client := newCompanion(t, sim)
	got := client.link(a, lastOf(recent))
	require.Equal(t, []waHistorySync.HistorySync_HistorySyncType{statuses, bootstrap, names, beside, recent}, got.kinds)
	chats := map[string]*waHistorySync.Conversation{}
	for _, chat := range got.of(bootstrap)[0].GetConversations() {
		chats[chat.GetID()] = chat
	}
	require.Len(t, chats, 2)
	require.Equal(t, "Bob of old", chats[b.LID().String()].GetName())
	require.NotZero(t, chats[b.LID().String()].GetPinned())
	require.EqualValues(t, 2, chats[b.LID().String()].GetUnreadCount())
	require.Equal(t, "Readers", chats[group.String()].GetName())
	require.Len(t, chats[group.String()].GetParticipant(), 3)
	require.Equal(t, "out to lunch", got.of(statuses)[0].GetStatusV3Messages()[0].GetMessage().GetExtendedTextMessage().GetText())

	byID := map[string]*events.Message{}
	for _, chat := range []types.JID{b.LID(), group} {
		for _, m := range got.messages(chat) {
			event, err := client.client.ParseWebMessage(chat, m)
			require.NoError(t, err)
			byID[event.Info.ID] = event
		}
	}
	require.Len(t, byID, 5)
	require.True(t, byID[first].Info.IsFromMe)
	require.Equal(t, waWeb.WebMessageInfo_READ, byID[first].SourceWebMsg.GetStatus())
	require.NotEmpty(t, byID[poll].SourceWebMsg.GetMessageSecret())
	votes := byID[poll].SourceWebMsg.GetPollUpdates()
	require.Len(t, votes, 1, "one of each voter, the newest")
	require.True(t, votes[0].GetPollUpdateMessageKey().GetFromMe())
	require.Equal(t, whatsmeow.HashPollOptions([]string{"b"}), votes[0].GetVote().GetSelectedOptions())
	require.Equal(t, "second", byID[second].Message.GetConversation())
	require.Equal(t, "+", byID[second].SourceWebMsg.GetReactions()[0].GetText())
	require.Equal(t, b.LID(), byID[second].Info.Sender)
	require.Equal(t, "Phone "+bob, byID[second].Info.PushName)
	require.Equal(t, c.LID(), byID[third].Info.Sender)
	require.Equal(t, waWeb.WebMessageInfo_REVOKE, byID[gone].SourceWebMsg.GetMessageStubType())

	require.Eventually(t, func() bool { return client.storedName(carol) == "Phone "+carol }, patience, time.Millisecond)
	require.Eventually(t, func() bool {
		lid, err := client.client.Store.LIDs.GetLIDForPN(within(t), types.NewJID(carol, types.DefaultUserServer))
		return err == nil && lid == c.LID()
	}, patience, time.Millisecond)
}

func TestAChatIsReadWhereverItsUserReads(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	unread := func() uint32 {
		require.Eventually(t, sim.Settled, patience, time.Millisecond)
		linked := newCompanion(t, sim)
		defer func() {
			linked.client.Disconnect() // whatsmeow cannot be unlinked while it is busy
			require.NoError(t, a.Unlink(t.Context(), linked.client.Store.ID.Device))
		}()
		return linked.link(a, lastOf(recent)).of(bootstrap)[0].GetConversations()[0].GetUnreadCount()
	}
	reader := newCompanion(t, sim).pair(a)
	say := func(words string) types.MessageInfo {
		_, err := b.SendText(t.Context(), alice, words)
		require.NoError(t, err)
		info := reader.nextText().Info
		require.Eventually(t, sim.Settled, patience, time.Millisecond) // the phone has it too
		return info
	}
	say("one")
	heard := say("two")
	require.EqualValues(t, 2, unread())
	require.NoError(t, reader.client.MarkRead(within(t), []string{heard.ID}, time.Now(), heard.Chat, heard.Sender))
	require.Zero(t, unread(), "a companion has read it")
	require.NoError(t, a.MarkRead(t.Context(), bob, say("three").ID))
	require.Zero(t, unread(), "the phone has")
	say("four")
	require.EqualValues(t, 1, unread())
	_, err := reader.send(bob, "five")
	require.NoError(t, err)
	require.Zero(t, unread(), "who writes has read")
}

func TestWhatLiesFarBackCanStillBeReferredTo(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	b := addPhone(t, sim, bob)
	require.NoError(t, a.AddHistory(t.Context(), simulator.HistoryChat{Chat: bob, Messages: said(3, time.Hour)}))
	id, err := a.SendDraft(t.Context(), simulator.Draft{To: bob, Quoted: "M1", DraftContent: simulator.DraftContent{Text: "still true"}})
	require.NoError(t, err)
	require.Equal(t, "M1", messageOf(t, b, id).Quoted)
}

func TestACompanionThatIsUnlinkedMeanwhileGetsNoMore(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	require.NoError(t, a.AddHistory(t.Context(), simulator.HistoryChat{Chat: bob, Messages: said(1500, time.Minute)}))
	a.SetOnline(false) // links, as the user holds it, and tells nothing yet
	c := newCompanion(t, sim).pair(a)
	c.client.Disconnect()
	require.NoError(t, a.Unlink(t.Context(), c.client.Store.ID.Device))
	a.SetOnline(true)
	require.Eventually(t, sim.Settled, patience, time.Millisecond)
	require.Len(t, newCompanion(t, sim).link(a, lastOf(recent)).messages(b.LID()), 1500, "the next one gets all")
}

func TestHistoryWaitsForACompanionThatIsAway(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	require.NoError(t, a.AddHistory(t.Context(), simulator.HistoryChat{Chat: bob, Messages: said(1500, time.Minute)}))
	a.SetOnline(false)
	c := newCompanion(t, sim).pair(a)
	c.client.Disconnect()
	a.SetOnline(true)
	// The keys and five pieces of history; more if the companion has asked for keys meanwhile.
	require.Eventually(t, func() bool { return sim.Stats().PendingOffline >= 6 }, patience, time.Millisecond)
	c.relogin()
	require.Len(t, c.history(lastOf(recent)).messages(b.LID()), 1500)
	require.Eventually(t, func() bool { return sim.Stats().PendingOffline == 0 }, patience, time.Millisecond)
}
