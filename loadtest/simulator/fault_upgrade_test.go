package simulator_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/socket"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// refused is what a new client's Connect says when a fault strikes its upgrade.
func refused(t *testing.T, f simulator.Fault) error {
	t.Helper()
	sim := simulatortest.Start(t)
	mustFault(t, sim, f)
	return newCompanion(t, sim).client.Connect()
}

func upgradeError(t *testing.T) {
	require.ErrorContains(t, refused(t, simulator.Fault{Op: "upgrade", Action: "error", Code: 502}), "502")

	s := struck(t, simulator.Fault{Op: "upgrade", Action: "error", Code: 403, Times: 1})
	mustFault(t, s.sim, simulator.Fault{Op: "connection", Action: "close"})
	next[*events.Disconnected](s.companion)
	next[*events.Connected](s.companion)
}

func upgradeClose(t *testing.T) {
	require.ErrorIs(t, refused(t, simulator.Fault{Op: "upgrade", Action: "close"}), socket.ErrDialFailed)
}

func upgradeDelay(t *testing.T) {
	begun := time.Now()
	require.NoError(t, refused(t, simulator.Fault{Op: "upgrade", Action: "delay", Delay: 300 * time.Millisecond}))
	require.GreaterOrEqual(t, time.Since(begun), 300*time.Millisecond)
}

func upgradeHalfOpen(t *testing.T) {
	sim := simulatortest.Start(t)
	mustFault(t, sim, simulator.Fault{Op: "upgrade", Action: "half_open"})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, newCompanion(t, sim).client.ConnectContext(ctx), context.DeadlineExceeded)
}

func upgradeMalformed(code int, says string) func(*testing.T) {
	return func(t *testing.T) {
		require.ErrorContains(t, refused(t, simulator.Fault{Op: "upgrade", Action: "malformed", Code: code}), says)
	}
}

func upgradeTruncate(t *testing.T) {
	begun := time.Now()
	require.ErrorContains(t, refused(t, simulator.Fault{Op: "upgrade", Action: "truncate"}), "timed out")
	require.GreaterOrEqual(t, time.Since(begun), whatsmeow.NoiseHandshakeResponseTimeout)
}
