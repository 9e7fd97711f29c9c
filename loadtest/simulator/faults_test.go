package simulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func mustFault(t *testing.T, sim *simulator.Simulator, f simulator.Fault) {
	t.Helper()
	_, err := sim.AddFault(f)
	require.NoError(t, err)
}

func TestACutConnectionComesBack(t *testing.T) {
	sim := simulatortest.Start(t)
	companion := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	mustFault(t, sim, simulator.Fault{Op: "connection", Action: "close", Number: alice})
	next[*events.Disconnected](companion)
	next[*events.Connected](companion)
}

func TestStreamErrorsAndFailuresAreWhatTheClientSees(t *testing.T) {
	sim := simulatortest.Start(t)
	companion := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	mustFault(t, sim, simulator.Fault{Op: "connection", Action: "stream_error", Code: 500})
	require.Equal(t, "500", next[*events.StreamError](companion).Code)
	next[*events.Connected](companion)

	mustFault(t, sim, simulator.Fault{Op: "login", Action: "failure", Code: 402, Delay: time.Minute, Times: 1})
	companion.client.Disconnect()
	require.NoError(t, companion.client.Connect())
	require.Equal(t, time.Minute, next[*events.TemporaryBan](companion).Expire)

	companion.client.Disconnect()
	require.NoError(t, companion.client.Connect())
	next[*events.Connected](companion)
	mustFault(t, sim, simulator.Fault{Op: "connection", Action: "stream_error", Code: 409})
	next[*events.StreamReplaced](companion)
}

func TestANackRefusesAndADelayIsWaitedFor(t *testing.T) {
	sim := simulatortest.Start(t)
	b := addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	mustFault(t, sim, simulator.Fault{Op: "ack", Action: "nack", Code: 479, After: 1, Times: 1})
	_, err := companion.send(bob, "passes")
	require.NoError(t, err)
	_, err = companion.send(bob, "is refused")
	require.ErrorIs(t, err, whatsmeow.ErrServerReturnedError)
	require.ErrorContains(t, err, "479")

	mustFault(t, sim, simulator.Fault{Op: "ack", Action: "delay", Delay: 300 * time.Millisecond, Times: 1})
	before := time.Now()
	_, err = companion.send(bob, "is late")
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(before), 300*time.Millisecond)
	require.Equal(t, "passes", nextOf(t, b, 0).Text)
	require.Equal(t, "is late", nextOf(t, b, 1).Text)
}

func TestAMessageRepeatedAfterALostAckIsRelayedOnce(t *testing.T) {
	sim := simulatortest.Start(t)
	b := addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	mustFault(t, sim, simulator.Fault{Op: "ack", Action: "drop", Times: 1})
	sent := make(chan error, 1)
	go func() {
		_, err := companion.send(bob, "once")
		sent <- err
	}()
	require.Equal(t, "once", nextOf(t, b, 0).Text)
	mustFault(t, sim, simulator.Fault{Op: "connection", Action: "close"})
	require.NoError(t, <-sent)
	require.Equal(t, int64(1), sim.Stats().DuplicatesDropped)
	_, err := companion.send(bob, "twice")
	require.NoError(t, err)
	require.Equal(t, "twice", nextOf(t, b, 1).Text)
}

func TestFaultsThatDoNotExistAreRefused(t *testing.T) {
	sim := simulatortest.Start(t)
	for name, f := range map[string]simulator.Fault{
		"op":          {Op: "weather", Action: "drop"},
		"action":      {Op: "ack", Action: "close"},
		"code":        {Op: "ack", Action: "nack"},
		"delay":       {Op: "ack", Action: "delay"},
		"probability": {Op: "ack", Action: "drop", Probability: 2},
	} {
		_, err := sim.AddFault(f)
		require.ErrorIs(t, err, simulator.ErrBadFault, name)
		require.ErrorContains(t, err, name)
	}
}
