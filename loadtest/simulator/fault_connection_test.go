package simulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// stage is Alice's companion, connected, and Bob.
type stage struct {
	sim       *simulator.Simulator
	bob       *simulator.Phone
	companion *companion
}

// notClosing leaves the last word to the client: whatsmeow's socket has a data race if both ends close at once.
var notClosing = simulatortest.With(func(o *simulator.Options) { o.CloseGrace = time.Hour })

func newStage(t *testing.T, options ...simulatortest.Option) stage {
	t.Helper()
	sim := simulatortest.Start(t, options...)
	return stage{sim, addPhone(t, sim, bob), newCompanion(t, sim).pair(addPhone(t, sim, alice))}
}

// struck is a stage on which a fault strikes.
func struck(t *testing.T, f simulator.Fault, options ...simulatortest.Option) stage {
	t.Helper()
	s := newStage(t, options...)
	mustFault(t, s.sim, f)
	return s
}

func mustFault(t *testing.T, sim *simulator.Simulator, f simulator.Fault) {
	t.Helper()
	_, err := sim.AddFault(f)
	require.NoError(t, err)
}

// hears shows that a text reaches the companion.
func (s stage) hears(t *testing.T, words string) {
	t.Helper()
	_, err := s.bob.SendText(t.Context(), alice, words)
	require.NoError(t, err)
	require.Equal(t, words, s.companion.nextText().Message.GetConversation())
}

// before returns the events that precede the next of a type.
func before[T any](c *companion) (others []any) {
	c.t.Helper()
	for {
		event := next[any](c)
		if _, found := event.(T); found {
			return others
		}
		others = append(others, event)
	}
}

func connectionClose(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "connection", Action: "close", Number: alice})
	next[*events.Disconnected](s.companion)
	next[*events.Connected](s.companion)
}

func connectionRemoved(t *testing.T) {
	s := newStage(t, notClosing)
	s.companion.relogin()
	next[*events.Connected](s.companion)
	mustFault(t, s.sim, simulator.Fault{Op: "connection", Action: "stream_error", Code: 401})
	require.False(t, next[*events.LoggedOut](s.companion).OnConnect)
	s.companion.forgets()
}

// forgets waits until the client has deleted its stored device.
func (c *companion) forgets() {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		devices, err := c.store.GetAllDevices(c.t.Context())
		return err == nil && len(devices) == 0
	}, patience, time.Millisecond)
}

func connectionReplaced(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "connection", Action: "stream_error", Code: 409}, notClosing)
	next[*events.StreamReplaced](s.companion)
	s.companion.relogin()
	next[*events.Connected](s.companion)
	require.Equal(t, int64(2), s.sim.Stats().Logins, "none by itself")
}

func connectionUnavailable(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "connection", Action: "stream_error", Code: 503, Delay: time.Second})
	require.Eventually(t, func() bool { return !s.companion.client.IsLoggedIn() }, patience, time.Millisecond)
	require.True(t, s.companion.client.IsConnected())
	next[*events.Disconnected](s.companion)
	next[*events.Connected](s.companion)
}

func connectionRestart(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "connection", Action: "stream_error", Code: 515})
	for _, event := range before[*events.Connected](s.companion) {
		require.IsNotType(t, &events.Disconnected{}, event)
	}
}

func connectionStreamError(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "connection", Action: "stream_error", Code: 500})
	require.Equal(t, "500", next[*events.StreamError](s.companion).Code)
	next[*events.Connected](s.companion)
}

func connectionFailure(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "connection", Action: "failure", Code: 429}, notClosing)
	require.Equal(t, events.ConnectFailureReason(429), next[*events.ConnectFailure](s.companion).Reason)
}

func connectionHalfOpen(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "connection", Action: "half_open"})
	next[*events.KeepAliveTimeout](s.companion)
	for _, event := range before[*events.Connected](s.companion) {
		require.IsNotType(t, &events.Disconnected{}, event)
	}
	s.hears(t, "after the silence")
}

func connectionMalformed(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "connection", Action: "malformed", Code: 1})
	s.hears(t, "goes on")
	require.Equal(t, int64(1), s.sim.Stats().Logins)
}

// strikeAndWait is the end of this process.
func strikeAndWait(t *testing.T, malformation int) {
	s := struck(t, simulator.Fault{Op: "connection", Action: "malformed", Code: malformation})
	s.hears(t, "never heard")
}

func connectionTruncate(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "connection", Action: "truncate"})
	next[*events.Disconnected](s.companion)
	next[*events.Connected](s.companion)
	s.hears(t, "in step again")
}

func connectionSlow(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "connection", Action: "slow", Delay: 300 * time.Millisecond})
	asked := time.Now()
	_, err := s.companion.client.IsOnWhatsApp(within(t), []string{"+" + bob})
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(asked), 300*time.Millisecond)
}
