package simulator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// ask sends the own phone a request and returns its id.
func (c *companion) ask(request *waE2E.Message) types.MessageID {
	c.t.Helper()
	require.Eventually(c.t, c.sim.Settled, patience, time.Millisecond) // see pair
	sent, err := c.client.SendPeerMessage(within(c.t), request)
	require.NoError(c.t, err)
	return sent.ID
}

// nextResent returns the next message that the phone has sent again.
func (c *companion) nextResent() *events.Message {
	c.t.Helper()
	for {
		if message := next[*events.Message](c); message.UnavailableRequestID != "" {
			return message
		}
	}
}

func TestACompanionAsksItsPhoneForOlderMessages(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	old := said(120, time.Hour)
	for i := range old {
		old[i].Timestamp = old[i].Timestamp.AddDate(-1, 0, 0)
	}
	require.NoError(t, a.AddHistory(t.Context(), simulator.HistoryChat{Chat: bob, Messages: old}))
	c := newCompanion(t, sim)
	require.Len(t, c.link(a, lastOf(recent)).messages(b.LID()), 2, "the rest is too old")
	unheard := &types.MessageInfo{MessageSource: types.MessageSource{Chat: addPhone(t, sim, carol).LID()}, ID: "M1"}
	c.ask(c.client.BuildHistorySyncRequest(unheard, 10)) // which stays without an answer
	pn := types.NewJID(bob, types.DefaultUserServer)
	for _, row := range []struct {
		name           string
		chat           types.JID
		id             string
		seconds        int64
		count          int
		newest, oldest int
		end            waHistorySync.Conversation_EndOfHistoryTransferType
	}{
		{"some", b.LID(), "M118", 0, 30, 117, 88, waHistorySync.Conversation_COMPLETE_ON_DEMAND_SYNC_BUT_MORE_MSG_REMAIN_ON_PRIMARY},
		{"as many as usual", b.LID(), "M118", 0, 0, 117, 68, waHistorySync.Conversation_COMPLETE_ON_DEMAND_SYNC_BUT_MORE_MSG_REMAIN_ON_PRIMARY},
		{"all, by number", pn, "M68", 0, 100, 67, 0, waHistorySync.Conversation_COMPLETE_AND_NO_MORE_MESSAGE_REMAIN_ON_PRIMARY},
		{"by time alone", b.LID(), "unknown", old[3].Timestamp.Unix(), 2, 2, 1, waHistorySync.Conversation_COMPLETE_ON_DEMAND_SYNC_BUT_MORE_MSG_REMAIN_ON_PRIMARY},
		{"by time in ms", b.LID(), "unknown", old[3].Timestamp.UnixMilli(), 2, 2, 1, waHistorySync.Conversation_COMPLETE_ON_DEMAND_SYNC_BUT_MORE_MSG_REMAIN_ON_PRIMARY},
		{"none", b.LID(), "M0", 0, 50, -1, 0, waHistorySync.Conversation_COMPLETE_AND_NO_MORE_MESSAGE_REMAIN_ON_PRIMARY},
	} {
		known := &types.MessageInfo{MessageSource: types.MessageSource{Chat: row.chat}, ID: row.id, Timestamp: time.Unix(row.seconds, 0)}
		id := c.ask(c.client.BuildHistorySyncRequest(known, row.count))
		got := next[*events.HistorySync](c)
		require.Equal(t, waHistorySync.HistorySync_ON_DEMAND, got.Data.GetSyncType(), row.name)
		require.Equal(t, id, got.Notification.GetPeerDataRequestSessionID(), row.name)
		require.NotEmpty(t, got.Notification.GetDirectPath(), row.name)
		conversation := got.Data.GetConversations()[0]
		require.Equal(t, b.LID().String(), conversation.GetID(), row.name)
		require.Equal(t, row.end, conversation.GetEndOfHistoryTransferType(), row.name)
		var ids, want []string
		for _, m := range conversation.GetMessages() {
			ids = append(ids, m.GetMessage().GetKey().GetID())
		}
		for i := row.newest; i >= row.oldest; i-- {
			want = append(want, fmt.Sprintf("M%d", i))
		}
		require.Equal(t, want, ids, row.name)
	}
}

func TestAPhoneSendsAgainWhatItsCompanionCouldNotRead(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	group, err := b.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Readers", Members: []string{alice}})
	require.NoError(t, err)
	theirs, err := b.SendText(t.Context(), alice, "theirs")
	require.NoError(t, err)
	mine, err := a.SendText(t.Context(), bob, "mine")
	require.NoError(t, err)
	ours, err := b.SendText(t.Context(), group.String(), "ours")
	require.NoError(t, err)
	require.Eventually(t, sim.Settled, patience, time.Millisecond)
	c := newCompanion(t, sim).pair(a)
	pn := types.NewJID(bob, types.DefaultUserServer)
	c.ask(c.client.BuildUnavailableMessageRequest(b.LID(), b.LID(), "unknown"))
	for _, row := range []struct {
		chat, sender types.JID
		id, text     string
		fromMe       bool
	}{
		{b.LID(), b.LID(), theirs, "theirs", false},
		{pn, pn, theirs, "theirs", false},
		{b.LID(), a.LID(), mine, "mine", true},
		{group, b.LID(), ours, "ours", false},
	} {
		request := c.ask(c.client.BuildUnavailableMessageRequest(row.chat, row.sender, row.id))
		got := c.nextResent()
		require.Equal(t, request, got.UnavailableRequestID)
		require.Equal(t, row.text, got.Message.GetConversation())
		require.Equal(t, row.id, got.Info.ID)
		require.Equal(t, row.chat, got.Info.Chat)
		require.Equal(t, row.sender, got.Info.Sender)
		require.Equal(t, row.fromMe, got.Info.IsFromMe)
	}
}
