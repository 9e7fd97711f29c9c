package simulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
)

func TestCompanionsLearnThatThereIsAMessageForThePhoneAlone(t *testing.T) {
	c := newConversation(t)
	own := newCompanion(t, c.sim).pair(c.ann)
	once := content(simulator.DraftContent{Image: &simulator.DraftMedia{}})
	once.To, once.ViewOnce = c.bob.Number(), true
	id, err := c.ann.SendDraft(within(t), once)
	require.NoError(t, err)
	require.True(t, messageOf(t, c.bob, id).ViewOnce)
	for reader, fromMe := range map[*companion]bool{c.reader: false, own: true} {
		told := next[*events.UndecryptableMessage](reader)
		require.True(t, told.IsUnavailable)
		require.Equal(t, events.UnavailableTypeViewOnce, told.UnavailableType)
		require.Equal(t, id, told.Info.ID)
		require.Equal(t, fromMe, told.Info.IsFromMe)
	}
	require.Eventually(t, c.sim.Settled, patience, time.Millisecond)

	plain := content(simulator.DraftContent{Text: "where were you?"})
	plain.To, plain.PhonesOnly = c.bob.Number(), true
	id, err = c.ann.SendDraft(within(t), plain)
	require.NoError(t, err)
	plain.To = "1@g.us"
	_, err = c.ann.SendDraft(within(t), plain)
	require.ErrorIs(t, err, simulator.ErrBadDraft)
	for _, reader := range []*companion{c.reader, own} {
		told := next[*events.UndecryptableMessage](reader)
		require.Equal(t, events.UnavailableTypeUnknown, told.UnavailableType)
		resent := reader.nextResent() // whatsmeow asks by itself
		require.Equal(t, id, resent.Info.ID, "and the phone gives this one, not that which is seen once")
		require.Equal(t, "where were you?", resent.Message.GetConversation())
	}
}
