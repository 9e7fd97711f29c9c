//go:build !race

// Hundreds of connections break in the middle of something here. whatsmeow has
// races of its own at that moment, which do no harm and which the detector
// reports: exsync.Event.GetChan writes under a read lock for each request that
// waits for a reconnect, and Client.Disconnect writes what the reader of a broken
// socket reads (socket.NoiseSocket.Stop, socket.FrameSocket.Close).

package actors

import (
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// Every commit and every read on the way from an empty storage to a linked
// account fails once in every way. A device that the phone was told of stays, and
// one that it was not told of is not used.
func TestAPairingIsWholeOrNotAtAllWhenStorageFails(t *testing.T) {
	town := newTown(t)
	first := town.newHome(t)
	reads, commits := first.learn(t, func(t *testing.T, _ string) { first.link(t) })
	for _, p := range plans(reads, commits) {
		t.Run(p.String(), func(t *testing.T) {
			h := town.newHome(t)
			h.engine.arm(p)
			h.link(t)
			if !h.engine.disarm() {
				t.Log("was not reached")
			}
			h.exchange(t, p.String())
			h.awaitIntroduction(t)
			require.Len(t, h.owner.Devices(), 1)
		})
	}
}

// awaitIntroduction waits until all that the phone has told the device alone,
// keys and history, is handled: it was confirmed before, and does not come again.
func (h *home) awaitIntroduction(t *testing.T) {
	t.Helper()
	until(t, "the phone's introduction is handled", func() bool {
		unhandled, err := persist.DecryptedEvents.Scan(t.Context(), h.engine.Engine, persist.Query{
			Scope: h.scope(), Index: "by_insert", Prefix: persist.DecryptedEvents.Key(true), Limit: everything,
		})
		require.NoError(t, err)
		parts, err := persist.HistoryParts.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
		require.NoError(t, err)
		return len(unhandled)+len(parts) == 0
	})
}
