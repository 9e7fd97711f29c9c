package actors

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// latest draws the longest delay.
func latest() float64 { return 1 }

func TestEachDisconnectLeadsWhereItShould(t *testing.T) {
	t.Parallel()
	failure := func(code events.ConnectFailureReason) any { return &events.ConnectFailure{Reason: code} }
	logout := func(code events.ConnectFailureReason) any { return &events.LoggedOut{Reason: code} }
	for name, c := range map[string]struct {
		event  any
		state  State
		reason DisconnectReason
		retry  time.Duration // below zero: never by itself
	}{
		"broken socket":        {&events.Disconnected{}, StateBackoff, ReasonNetwork, time.Second},
		"unknown stream error": {&events.StreamError{Code: "516"}, StateBackoff, ReasonStreamError, time.Second},
		"515 after pairing":    {&events.ManualLoginReconnect{}, StateConnecting, ReasonPaired, 0},
		"500 at login":         {failure(500), StateBackoff, ReasonNetwork, time.Second},
		"503 at login":         {failure(503), StateBackoff, ReasonNetwork, time.Second},
		"Messenger's error":    {&events.CATRefreshError{}, StateBackoff, ReasonStreamError, time.Second},
		"400 at login":         {failure(400), StateBackoff, ReasonConnectFailure, 330 * time.Second},
		"501 at login":         {failure(501), StateBackoff, ReasonConnectFailure, 330 * time.Second},
		"removed at the phone": {logout(401), StateLoggedOut, ReasonDeviceRemoved, -1},
		"phone gone":           {logout(403), StateLoggedOut, ReasonMainDeviceGone, -1},
		"unknown logout":       {logout(406), StateLoggedOut, ReasonUnknownLogout, -1},
		"ban with an end":      {&events.TemporaryBan{Code: 101, Expire: time.Hour}, StateBanned, ReasonTemporaryBan, time.Hour},
		"ban without an end":   {&events.TemporaryBan{Code: 102}, StateBanned, ReasonTemporaryBan, -1},
		"client outdated":      {&events.ClientOutdated{}, StateOutdated, ReasonOutdated, -1},
		"user agent rejected":  {failure(409), StateOutdated, ReasonOutdated, -1},
		"replaced":             {&events.StreamReplaced{}, StateConflict, ReasonReplaced, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, ends := DisconnectOf(c.event)
			require.True(t, ends)
			v := DefaultReconnectConfig().Decide(d, History{}, noon, latest)
			require.Equal(t, c.state, v.State)
			require.Equal(t, c.reason, v.Reason)
			if c.retry < 0 {
				require.Zero(t, v.RetryAt)
				require.True(t, v.State.Terminal(), "who is not tried again must be in a terminal state")
				return
			}
			require.WithinDuration(t, noon.Add(c.retry), v.RetryAt, time.Millisecond)
		})
	}
}

func TestOtherEventsDoNotEndAConnection(t *testing.T) {
	t.Parallel()
	for _, event := range []any{&events.Connected{}, &events.KeepAliveTimeout{}, &events.KeepAliveRestored{}, &events.QR{}, nil} {
		_, ends := DisconnectOf(event)
		require.False(t, ends, "%T", event)
	}
}

func TestWatchdogsReasonsRetry(t *testing.T) {
	t.Parallel()
	for _, reason := range []DisconnectReason{ReasonKeepAlive, ReasonTimeout, ReasonWrite} {
		v := DefaultReconnectConfig().Decide(Disconnect{Reason: reason}, History{}, noon, latest)
		require.Equal(t, StateBackoff, v.State)
		require.False(t, v.Slow)
	}
}

func TestAttemptsSlowDownAndGoOnForEver(t *testing.T) {
	t.Parallel()
	delays := failing(DefaultReconnectConfig(), 8)
	s, m := time.Second, time.Minute
	require.Equal(t, []time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 5*m + 30*s, 5*m + 30*s, 5*m + 30*s}, delays)
}

func TestFastPhaseWithoutEndStopsAtTheCap(t *testing.T) {
	t.Parallel()
	config := DefaultReconnectConfig()
	config.FastAttempts = 0
	delays := failing(config, 2000)
	require.Equal(t, 256*time.Second, delays[8])
	require.Equal(t, config.Cap, delays[9])
	require.Equal(t, config.Cap, delays[1999])
}

// failing is the longest delay after each of so many failures in a row.
func failing(config ReconnectConfig, times int) []time.Duration {
	var past History
	delays := make([]time.Duration, times)
	for n := range delays {
		v := config.Decide(Disconnect{Reason: ReasonNetwork}, past, noon, latest)
		delays[n] = v.RetryAt.Sub(noon).Round(time.Millisecond)
		past.Failures = v.Failures
	}
	return delays
}

func TestHealthyTimeIsForgiving(t *testing.T) {
	t.Parallel()
	config := DefaultReconnectConfig()
	after := func(healthy time.Duration) Verdict {
		past := History{Failures: 6, ReadySince: noon.Add(-healthy)}
		return config.Decide(Disconnect{Reason: ReasonNetwork}, past, noon, latest)
	}
	require.True(t, after(0).Slow)
	require.False(t, after(time.Minute).Slow)
	require.InDelta(t, 3+1, after(time.Minute).Failures, 1e-9)
	require.WithinDuration(t, noon.Add(time.Second), after(time.Hour).RetryAt, time.Millisecond)
	require.True(t, after(-time.Hour).Slow, "a clock that was set back forgives nothing")
}

func TestFlappingConnectionEndsUpSlowOnlyWhenItFlapsFast(t *testing.T) {
	t.Parallel()
	flap := func(every time.Duration) (slow bool) {
		past := History{}
		for range 100 {
			past.ReadySince = noon.Add(-every)
			v := DefaultReconnectConfig().Decide(Disconnect{Reason: ReasonNetwork}, past, noon, latest)
			past.Failures, slow = v.Failures, slow || v.Slow
		}
		return slow
	}
	require.False(t, flap(30*time.Second))
	require.True(t, flap(10*time.Second))
}

func TestDelaysKeepTheirBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		config := DefaultReconnectConfig()
		config.FastAttempts = rapid.IntRange(0, 1000).Draw(t, "fast attempts")
		past := History{Failures: rapid.Float64Range(0, 1e6).Draw(t, "failures")}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		v := config.Decide(Disconnect{Reason: ReasonNetwork}, past, noon, random.Float64)
		delay := v.RetryAt.Sub(noon)
		switch {
		case v.Slow:
			require.InDelta(t, config.Slow, delay, float64(config.Slow)/10+1)
		default:
			require.LessOrEqual(t, delay, config.Cap)
			require.GreaterOrEqual(t, delay, time.Duration(0))
		}
		require.InDelta(t, past.Failures+1, v.Failures, 1e-9)
	})
}

func TestJitterIsFull(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var sum time.Duration
	const draws = 10_000
	for range draws {
		v := DefaultReconnectConfig().Decide(Disconnect{Reason: ReasonNetwork}, History{Failures: 4}, noon, random.Float64)
		sum += v.RetryAt.Sub(noon)
	}
	require.InDelta(t, 8*time.Second, sum/draws, float64(200*time.Millisecond), "half of the bound on average")
}
