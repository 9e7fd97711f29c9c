//go:build !race

// When storing the device fails, whatsmeow disconnects by itself, and writes a
// field of its socket that the reader of a broken socket reads at that moment
// (pair.go handlePairSuccess, socket.NoiseSocket.Stop, socket.FrameSocket.Close).
// It does no harm, and the race detector would report it.

package actors

import (
	"testing"

	"github.com/stretchr/testify/require"
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
			require.Len(t, h.owner.Devices(), 1)
		})
	}
}
