package simulator_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
)

func TestACompanionThatLostTheSendersKeyGetsTheMessageAgain(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	words, withKey := c.carolSays("the key comes with this")
	require.Equal(t, "the key comes with this", words)
	require.True(t, withKey)

	address := c.carol.LID().SignalAddress().String()
	require.NoError(t, c.bob.client.Store.SenderKeys.PutSenderKey(t.Context(), c.group.String(), address, []byte{}))
	id, err := c.carol.SendText(t.Context(), c.group.String(), "and is missing for this")
	require.NoError(t, err)
	require.True(t, next[*events.UndecryptableMessage](c.bob).IsUnavailable)
	got := c.bob.nextText()
	require.Equal(t, id, got.Info.ID)
	require.Equal(t, "and is missing for this", got.Message.GetConversation())
	require.Equal(t, 1, got.RetryCount)
	require.EqualValues(t, 1, c.sim.Stats().RetryReceipts)
	words, _ = c.carolSays("and is there again")
	require.Equal(t, "and is there again", words)
	require.EqualValues(t, 1, c.sim.Stats().RetryReceipts)
}

// carolSays something in the group, and returns what Bob's companion reads and whether Carol's key came along.
func (c circle) carolSays(text string) (words string, withKey bool) {
	_, err := c.carol.SendText(c.bob.t.Context(), c.group.String(), text)
	require.NoError(c.bob.t, err)
	for {
		message := next[*events.Message](c.bob).Message
		if message.GetConversation() != "" {
			return message.GetConversation(), withKey
		}
		withKey = withKey || message.GetSenderKeyDistributionMessage() != nil
	}
}

func TestAPhoneGivesItsKeyOnceAndANewOneAfterSomebodyLeft(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	for _, row := range []struct {
		text    string
		withKey bool
	}{{"first", true}, {"second", false}} {
		words, withKey := c.carolSays(row.text)
		require.Equal(t, row.text, words)
		require.Equal(t, row.withKey, withKey, words)
	}
	require.NoError(t, c.phoneA.LeaveGroup(t.Context(), c.group))
	words, withKey := c.carolSays("between us")
	require.Equal(t, "between us", words)
	require.True(t, withKey)
	requireText(t, c.b, c.group, carol, "between us")
	require.Zero(t, c.sim.Stats().RetryReceipts)
}

func TestAMemberWhomTheSenderDoesNotKnowYetAsksForTheMessage(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	newcomer := addPhone(t, c.sim, dave)
	_, err := c.alice.sendTo(c.group, "by this I know the members")
	require.NoError(t, err)
	busy, done := make(chan struct{}), make(chan struct{})
	c.alice.client.AddEventHandler(func(event any) {
		if message, ok := event.(*events.Message); ok && message.Message.GetConversation() == "keep me busy" {
			close(busy)
			<-done
		}
	})
	_, err = c.b.SendText(t.Context(), alice, "keep me busy")
	require.NoError(t, err)
	<-busy // what follows waits in Alice's client

	require.NoError(t, c.phoneA.ChangeMembers(t.Context(), c.group, simulator.AddMembers, dave))
	sent, err := c.alice.sendTo(c.group, "hello newcomer")
	require.NoError(t, err)
	requireText(t, c.carol, c.group, alice, "hello newcomer")
	require.Empty(t, newcomer.Messages(0))
	close(done)
	requireText(t, newcomer, c.group, alice, "hello newcomer")
	require.Equal(t, sent.ID, newcomer.Messages(0)[0].ID)
	require.EqualValues(t, 1, c.sim.Stats().RetryReceipts)

	_, err = c.alice.sendTo(c.group, "now I know you")
	require.NoError(t, err)
	requireText(t, newcomer, c.group, alice, "now I know you")
}
