//go:build !race

// Under the race detector thousands of messages take a minute.

package simulator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// TestABacklogOfThousandsIsDeliveredAtOnce shows what a client gets that comes back after a long time. Beyond 2,048
// unhandled stanzas whatsmeow hands them on in any order.
func TestABacklogOfThousandsIsDeliveredAtOnce(t *testing.T) {
	const backlog = 2_100
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newBareCompanion(t, sim, 2*backlog).pair(a)
	companion.client.Disconnect()
	waiting := map[string]bool{}
	for n := range backlog {
		id, err := b.SendText(t.Context(), alice, fmt.Sprint("message ", n))
		require.NoError(t, err)
		waiting[id] = true
	}
	require.Equal(t, backlog, sim.Stats().PendingOffline)

	require.NoError(t, companion.client.Connect())
	preview := next[*events.OfflineSyncPreview](companion)
	for preview.Messages == 0 { // that of the pairing
		preview = next[*events.OfflineSyncPreview](companion)
	}
	require.Equal(t, backlog, preview.Messages)
	for len(waiting) > 0 {
		delete(waiting, companion.nextText().Info.ID)
	}
	require.Eventually(t, sim.Settled, patience, time.Millisecond)
}
