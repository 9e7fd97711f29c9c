package simulator_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
)

func TestAStatusIsReadByContactsAndPhonesPostTheirs(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	for _, contact := range []string{bob, carol} {
		require.NoError(t, c.alice.client.Store.Contacts.PutContactName(t.Context(), types.NewJID(contact, types.DefaultUserServer), "Friend", "Friend"))
	}
	stranger := addPhone(t, c.sim, dave)
	sent, err := c.alice.sendTo(types.StatusBroadcastJID, "at the lake")
	require.NoError(t, err)
	got := c.bob.nextText()
	require.Equal(t, sent.ID, got.Info.ID)
	require.Equal(t, types.StatusBroadcastJID, got.Info.Chat)
	require.Equal(t, c.phoneA.LID().User, got.Info.Sender.User)
	for _, phone := range []*simulator.Phone{c.b, c.carol, c.phoneA} {
		requireText(t, phone, types.StatusBroadcastJID, alice, "at the lake")
	}
	require.Empty(t, stranger.Messages(0))

	for _, words := range []string{"at work", "at work still"} {
		_, err = c.carol.PostStatus(t.Context(), words, bob, dave)
		require.NoError(t, err)
		requireText(t, stranger, types.StatusBroadcastJID, carol, words)
		for {
			message := next[*events.Message](c.bob)
			if message.Message.GetExtendedTextMessage().GetText() == words {
				require.Equal(t, carol, message.Info.SenderAlt.User)
				break
			}
		}
	}
	require.Zero(t, c.sim.Stats().RetryReceipts)
}

func TestTypingInAGroupIsSeenByItsMembers(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	require.NoError(t, c.alice.client.SendChatPresence(within(t), c.group, types.ChatPresenceComposing, types.ChatPresenceMediaText))
	typing := next[*events.ChatPresence](c.bob)
	require.Equal(t, c.group, typing.Chat)
	require.Equal(t, c.phoneA.LID(), typing.Sender)
	require.Equal(t, types.ChatPresenceComposing, typing.State)
}
