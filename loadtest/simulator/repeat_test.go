package simulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestAMessageThatWasAskedForAgainMayBeRepeated(t *testing.T) {
	sim := simulatortest.Start(t, simulatortest.Allow(simulatortest.ChangedMessages))
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	sender, reader := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(b)
	sent, err := sender.send(bob, "hello")
	require.NoError(t, err)
	first := nextOf(t, b, 0)
	reader.nextText()
	repeat := func() {
		_, err := sender.client.SendMessage(within(t), types.NewJID(bob, types.DefaultUserServer),
			&waE2E.Message{Conversation: proto.String("hello again")}, whatsmeow.SendRequestExtra{ID: sent.ID})
		require.NoError(t, err)
	}
	repeat()
	require.Equal(t, int64(1), sim.Stats().DuplicatesDropped)

	require.NoError(t, reader.client.DangerousInternals().SendNode(within(t), waBinary.Node{
		Tag:     "receipt",
		Attrs:   waBinary.Attrs{"id": sent.ID, "to": sender.client.Store.GetLID(), "type": "retry"},
		Content: []waBinary.Node{{Tag: "retry", Attrs: waBinary.Attrs{"count": 1, "id": sent.ID, "t": time.Now().Unix(), "v": 1}}},
	}))
	require.Eventually(t, func() bool { return sim.Stats().RetryReceipts == 1 }, patience, time.Millisecond)
	repeat()
	again := nextOf(t, b, first.Seq)
	require.Equal(t, sent.ID, again.ID)
	require.Equal(t, "hello again", again.Text)
	require.Equal(t, int64(1), sim.Stats().DuplicatesDropped)
	require.Equal(t, int64(1), sim.Stats().ChangedMessages)
	require.Equal(t, []string{sent.ID}, sim.Stats().Violations[0].IDs)
}
