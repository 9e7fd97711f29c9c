package simulator_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// scanned is a companion whose code the phone scans while a fault strikes, and what the scan says.
func scanned(ctx context.Context, t *testing.T, action string) (*companion, error) {
	t.Helper()
	sim := simulatortest.Start(t)
	mustFault(t, sim, simulator.Fault{Op: "pairing", Action: action})
	companion := newCompanion(t, sim)
	require.NoError(t, companion.client.Connect())
	return companion, addPhone(t, sim, alice).Scan(ctx, next[*events.QR](companion).Codes[0])
}

func pairingMalformed(t *testing.T) {
	companion, err := scanned(within(t), t, "malformed")
	require.ErrorIs(t, err, simulator.ErrPairing)
	require.ErrorContains(t, err, "hmac-mismatch")
	require.ErrorIs(t, next[*events.PairError](companion).Error, whatsmeow.ErrPairInvalidDeviceIdentityHMAC)
	require.Nil(t, companion.client.Store.ID)
}

func pairingDrop(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	companion, err := scanned(ctx, t, "drop")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.True(t, companion.client.IsConnected())
	require.Nil(t, companion.client.Store.ID)
}

// pairingTruncate is the end of this process.
func pairingTruncate(t *testing.T) {
	_, err := scanned(within(t), t, "truncate")
	require.NoError(t, err)
}

// loggingIn is a companion that logs in again while a fault strikes.
func loggingIn(t *testing.T, f simulator.Fault, options ...simulatortest.Option) *companion {
	t.Helper()
	s := struck(t, f, options...)
	s.companion.relogin()
	return s.companion
}

func loginClose(t *testing.T) {
	companion := loggingIn(t, simulator.Fault{Op: "login", Action: "close", Times: 1})
	next[*events.Disconnected](companion)
	next[*events.Connected](companion)
}

func loginStreamError(t *testing.T) {
	companion := loggingIn(t, simulator.Fault{Op: "login", Action: "stream_error", Code: 500, Times: 1})
	require.Equal(t, "500", next[*events.StreamError](companion).Code)
	next[*events.Connected](companion)
}

func loginLoggedOut(t *testing.T) {
	for _, code := range []int{401, 403, 406} {
		companion := loggingIn(t, simulator.Fault{Op: "login", Action: "failure", Code: code}, notClosing)
		told := next[*events.LoggedOut](companion)
		require.True(t, told.OnConnect)
		require.Equal(t, events.ConnectFailureReason(code), told.Reason)
		companion.forgets()
	}
}

func loginBanned(t *testing.T) {
	companion := loggingIn(t, simulator.Fault{Op: "login", Action: "failure", Code: 402, Delay: time.Minute}, notClosing)
	ban := next[*events.TemporaryBan](companion)
	require.Equal(t, time.Minute, ban.Expire)
	require.Equal(t, events.TempBanSentToTooManyPeople, ban.Code)
}

func loginOutdated(t *testing.T) {
	next[*events.ClientOutdated](loggingIn(t, simulator.Fault{Op: "login", Action: "failure", Code: 405}, notClosing))
}

// loginTokenInvalid is the end of this process.
func loginTokenInvalid(t *testing.T) {
	next[*events.CATRefreshError](loggingIn(t, simulator.Fault{Op: "login", Action: "failure", Code: 413}))
}

func loginUnavailable(t *testing.T) {
	companion := loggingIn(t, simulator.Fault{Op: "login", Action: "failure", Code: 503, Times: 1})
	next[*events.Disconnected](companion)
	next[*events.Connected](companion)
}

func loginFailure(t *testing.T) {
	companion := loggingIn(t, simulator.Fault{Op: "login", Action: "failure", Code: 429}, notClosing)
	require.Equal(t, events.ConnectFailureReason(429), next[*events.ConnectFailure](companion).Reason)
}

func loginDelay(t *testing.T) {
	begun := time.Now()
	companion := loggingIn(t, simulator.Fault{Op: "login", Action: "delay", Delay: 300 * time.Millisecond})
	next[*events.Connected](companion)
	require.GreaterOrEqual(t, time.Since(begun), 300*time.Millisecond)
}

func loginHalfOpen(t *testing.T) {
	companion := loggingIn(t, simulator.Fault{Op: "login", Action: "half_open", Times: 1})
	next[*events.KeepAliveTimeout](companion)
	next[*events.Connected](companion)
}
