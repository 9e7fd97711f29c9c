package simulator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/bare"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// newBareCompanion is a companion that keeps everything in memory.
func newBareCompanion(t *testing.T, sim *simulator.Simulator, expected int) *companion {
	t.Helper()
	c := &companion{t: t, sim: sim, client: bare.NewClient(simulatortest.HTTPClient(t, sim)), events: make(chan any, expected)}
	c.client.AddEventHandler(func(event any) { c.events <- event })
	t.Cleanup(c.client.Disconnect)
	return c
}

func TestSettingsChangeHowClientsAreTreatedUntilAReset(t *testing.T) {
	sim := simulatortest.Start(t)
	const settings = `{"closeGraceMs":400,"handshakeDelayMs":300,"preKeyCount":0}`
	require.Equal(t, map[string]any{"closeGraceMs": 400., "handshakeDelayMs": 300., "preKeyCount": 0.},
		call[map[string]any](t, sim, "POST", "/settings", settings, http.StatusOK))
	begun := time.Now()
	companion := newBareCompanion(t, sim, 1000).pair(addPhone(t, sim, alice))
	require.GreaterOrEqual(t, time.Since(begun), 600*time.Millisecond, "two handshakes")
	shown := call[struct{ Devices []struct{ PreKeys int } }](t, sim, "GET", "/phones/"+alice, "", http.StatusOK)
	require.Greater(t, shown.Devices[0].PreKeys, 800)

	begun = time.Now()
	mustFault(t, sim, simulator.Fault{Op: "connection", Action: "stream_error", Code: 503})
	next[*events.Disconnected](companion)
	require.GreaterOrEqual(t, time.Since(begun), 400*time.Millisecond)

	companion.client.Disconnect() // whatsmeow races with itself if its device ends while it fetches app state
	sim.Reset()
	require.Equal(t, map[string]any{"closeGraceMs": 100., "handshakeDelayMs": 0., "preKeyCount": 1.},
		call[map[string]any](t, sim, "GET", "/settings", "", http.StatusOK))
}

func TestSettingsThatMeanNothingAreRefused(t *testing.T) {
	sim := simulatortest.Start(t)
	for body, names := range map[string]string{
		`{"closeGraceMs":-1}`:            "close grace",
		`{"handshakeDelayMs":999999999}`: "handshake delay",
		`{"preKeyCount":5}`:              "prekey count",
	} {
		answer := call[struct{ Error struct{ Message string } }](t, sim, "POST", "/settings", body, http.StatusBadRequest)
		require.Contains(t, answer.Error.Message, names)
	}
	require.Equal(t, 1, sim.Settings().PreKeyCount)
}
