package simulator_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
)

// lookup asks the service for Bob.
func (s stage) lookup(ctx context.Context) error {
	_, err := s.companion.client.IsOnWhatsApp(ctx, []string{"+" + bob})
	return err
}

func iqError(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "iq", Action: "error", Code: 429, Request: "usync"})
	_, err := s.companion.send(bob, "whose devices nobody tells")
	require.ErrorIs(t, err, whatsmeow.ErrIQRateOverLimit)
	_, err = s.companion.client.GetBlocklist(within(t))
	require.NoError(t, err, "another request")
}

func iqDrop(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "iq", Action: "drop", Request: "usync", Times: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.lookup(ctx), context.DeadlineExceeded)
	require.NoError(t, s.lookup(within(t)))
}

func iqDelay(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "iq", Action: "delay", Delay: 300 * time.Millisecond, Request: "passive set active"})
	begun := time.Now()
	s.companion.relogin()
	next[*events.Connected](s.companion)
	require.GreaterOrEqual(t, time.Since(begun), 300*time.Millisecond)
}

func iqMalformed(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "iq", Action: "malformed", Request: "usync"})
	missing := (*whatsmeow.ElementMissingError)(nil)
	require.ErrorAs(t, s.lookup(within(t)), &missing)
}

// pingTooLate is longer than whatsmeow waits for the answer to a ping in these tests.
const pingTooLate = 4 * time.Second

func pingLost(f simulator.Fault) func(*testing.T) {
	return func(t *testing.T) {
		s := struck(t, f)
		require.Equal(t, 1, next[*events.KeepAliveTimeout](s.companion).ErrorCount)
		next[*events.KeepAliveRestored](s.companion)
	}
}

func ackDrop(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "ack", Action: "drop", Times: 1})
	sent := make(chan error, 1)
	go func() {
		_, err := s.companion.send(bob, "once")
		sent <- err
	}()
	require.Equal(t, "once", nextOf(t, s.bob, 0).Text)
	mustFault(t, s.sim, simulator.Fault{Op: "connection", Action: "close"})
	require.NoError(t, <-sent)
	require.Equal(t, int64(1), s.sim.Stats().DuplicatesDropped)
	_, err := s.companion.send(bob, "twice")
	require.NoError(t, err)
	require.Equal(t, "twice", nextOf(t, s.bob, 1).Text)
}

func ackDelay(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "ack", Action: "delay", Delay: 300 * time.Millisecond, Times: 1})
	begun := time.Now()
	_, err := s.companion.send(bob, "is late")
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(begun), 300*time.Millisecond)
	require.Equal(t, "is late", nextOf(t, s.bob, 0).Text)
}

func ackNack(t *testing.T) {
	s := newStage(t)
	for code, says := range map[int]string{463: "463", 479: "479", 429: "429"} {
		mustFault(t, s.sim, simulator.Fault{Op: "ack", Action: "nack", Code: code, Times: 1})
		_, err := s.companion.send(bob, "is refused")
		require.ErrorIs(t, err, whatsmeow.ErrServerReturnedError)
		require.ErrorContains(t, err, says)
	}
	_, err := s.companion.send(bob, "passes")
	require.NoError(t, err)
	require.Equal(t, "passes", nextOf(t, s.bob, 0).Text)
}

func ackDuplicate(t *testing.T) {
	s := struck(t, simulator.Fault{Op: "ack", Action: "duplicate"})
	for seq, words := range []string{"first", "second"} {
		_, err := s.companion.send(bob, words)
		require.NoError(t, err)
		require.Equal(t, words, nextOf(t, s.bob, int64(seq)).Text)
	}
}

// usyncs counts the companion's questions for devices.
func (s stage) usyncs(t *testing.T) (count int) {
	t.Helper()
	for _, entry := range call[[]simulator.LogEntry](t, s.sim, http.MethodGet, "/log", "", http.StatusOK) {
		if entry.XMLNS == "usync" {
			count++
		}
	}
	return count
}

func ackMalformed(t *testing.T) {
	s := newStage(t)
	send := func(words string) (asked int) {
		already := s.usyncs(t)
		_, err := s.companion.send(bob, words)
		require.NoError(t, err)
		return s.usyncs(t) - already
	}
	require.Positive(t, send("asks for the devices"))
	require.Zero(t, send("knows the devices"))
	mustFault(t, s.sim, simulator.Fault{Op: "ack", Action: "malformed", Times: 1})
	require.Zero(t, send("learns that it does not"))
	require.Positive(t, send("asks again"))
}
