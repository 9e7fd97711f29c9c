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

	"whatsapp-web-server/loadtest/simulator"
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

	reader.askAgain(sender.client.Store.GetLID(), sent.ID)
	require.Eventually(t, func() bool { return sim.Stats().RetryReceipts == 1 }, patience, time.Millisecond)
	repeat()
	again := nextOf(t, b, first.Seq)
	require.Equal(t, sent.ID, again.ID)
	require.Equal(t, "hello again", again.Text)
	require.Equal(t, int64(1), sim.Stats().DuplicatesDropped)
	require.Equal(t, int64(1), sim.Stats().ChangedMessages)
	require.Equal(t, []string{sent.ID}, sim.Stats().Violations[0].IDs)
}

// whatsmeow acknowledges what it could not read, right after it has asked for it again.
func TestAnAckAfterARetryReceiptLeavesTheRepetitionQueued(t *testing.T) {
	s := newStage(t)
	id, err := s.bob.SendText(t.Context(), alice, "hello")
	require.NoError(t, err)
	from := s.companion.nextText().Info.Sender
	require.Eventually(t, s.sim.Settled, patience, time.Millisecond)

	mustFault(t, s.sim, simulator.Fault{Op: "message", Action: "drop", Times: 1})
	s.companion.askAgain(from, id)
	require.Eventually(t, func() bool { return s.sim.Stats().PendingOffline == 1 }, patience, time.Millisecond)
	s.companion.push(waBinary.Node{Tag: "ack", Attrs: waBinary.Attrs{"class": "message", "id": id, "to": from}})
	_, err = s.companion.send(bob, "read after that")
	require.NoError(t, err)
	s.companion.relogin()
	require.Equal(t, id, s.companion.nextText().Info.ID)
	require.Eventually(t, s.sim.Settled, patience, time.Millisecond)
}

// askAgain says that a message could not be read.
func (c *companion) askAgain(from types.JID, id string) {
	c.push(waBinary.Node{
		Tag: "receipt", Attrs: waBinary.Attrs{"id": id, "to": from, "type": "retry"},
		Content: []waBinary.Node{{Tag: "retry", Attrs: waBinary.Attrs{"count": 1, "id": id, "t": time.Now().Unix(), "v": 1}}},
	})
}

func (c *companion) push(node waBinary.Node) {
	c.t.Helper()
	require.NoError(c.t, c.client.DangerousInternals().SendNode(within(c.t), node))
}
