package actors

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/store"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"whatsapp-web-server/loadtest/simulator"
)

// site stands in for WhatsApp Web.
type site func(*http.Request) (*http.Response, error)

func (s site) RoundTrip(request *http.Request) (*http.Response, error) { return s(request) }

// page answers every request with the same.
func page(status int, body string) site {
	return func(request *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Request: request, Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{"Location": {"https://elsewhere.example/"}},
		}, nil
	}
}

func revision(n uint32) string {
	return fmt.Sprintf(`<script>{"client_revision":%d,"x":1}</script>`, n)
}

func TestTheVersionIsReadFromWhatsAppWebsStartPage(t *testing.T) {
	answer, asked := page(http.StatusOK, revision(42)), ""
	latest, err := versionLookup(site(func(request *http.Request) (*http.Response, error) {
		asked = request.URL.String()
		_, bounded := request.Context().Deadline()
		require.True(t, bounded)
		return answer(request)
	}))(t.Context())
	require.NoError(t, err)
	require.Equal(t, newer, latest)
	require.Equal(t, "https://web.whatsapp.com", asked)
}

func TestAnAnswerWithoutAVersionFailsTheLookupAndIsNotRepeated(t *testing.T) {
	for name, answer := range map[string]site{
		"redirection":  page(http.StatusFound, "secret"),
		"server error": page(http.StatusBadGateway, "secret"),
		"no version":   page(http.StatusOK, "secret"),
		"too long":     page(http.StatusOK, strings.Repeat("x", maxPage+1)+revision(42)),
		"cut off":      func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
	} {
		t.Run(name, func(t *testing.T) {
			latest, err := versionLookup(answer)(t.Context())
			require.Error(t, err)
			require.NotContains(t, err.Error(), "secret")
			require.Zero(t, latest)
		})
	}
}

func TestOnlyWhatsAppItselfIsAskedForItsVersion(t *testing.T) {
	whatsapp, err := NewNetwork(NetworkConfig{})
	require.NoError(t, err)
	require.NotNil(t, whatsapp.VersionLookup())
	other, err := NewNetwork(NetworkConfig{Endpoint: "ws://127.0.0.1:4433/ws/chat", NoiseRootKey: currentRoot()})
	require.NoError(t, err)
	require.Nil(t, other.VersionLookup())
}

// outdatedHome is a paired account that hears at its next login, once, that it
// is outdated. The log is its budget's.
func outdatedHome(t *testing.T, latest site) (*home, *observer.ObservedLogs) {
	t.Helper()
	w := newTown(t)
	log := w.renewBudget(t, latest)
	h := w.newHome(t)
	h.link(t)
	_, err := w.world.AddFault(simulator.Fault{Op: "login", Action: "failure", Code: 405, Times: 1})
	require.NoError(t, err)
	h.restart(t)
	return h, log
}

// renewBudget gives the town a budget that looks the version up.
func (w *town) renewBudget(t *testing.T, latest site) *observer.ObservedLogs {
	t.Helper()
	core, log := observer.New(zap.WarnLevel)
	config := DefaultBudgetConfig()
	config.Log = zap.New(core)
	config.Latest = versionLookup(latest)
	budget, err := NewConnectBudget(NewRuntime(), config, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, budget.Stop(context.Background())) })
	w.budget = budget
	return log
}

func TestAnOutdatedAccountComesBackByItselfWithTheVersionThatIsFound(t *testing.T) {
	found := store.GetWAVersion()
	found[2]++
	h, _ := outdatedHome(t, page(http.StatusOK, revision(found[2])))
	until(t, "the account announces the version that was found", func() bool {
		devices := h.devices(t)
		return len(devices) == 1 && devices[0].Version == found.String()
	})
	until(t, "the account is ready", func() bool { return insist[Status](t, h, GetStatus{}).Session.State == StateReady })
}

func TestAnOutdatedAccountStaysSoWhenThereIsNoNewerVersion(t *testing.T) {
	built := store.GetWAVersion()
	h, log := outdatedHome(t, page(http.StatusOK, revision(built[2])))
	until(t, "the lookup is over", func() bool {
		return log.FilterMessage("WhatsApp refuses this version, and has no newer one").Len() == 1
	})
	require.Equal(t, StateOutdated, insist[Status](t, h, GetStatus{}).Session.State)
	require.ErrorIs(t, h.budget.Acquire(t.Context(), ConnectRest), ErrOutdated)
	require.Equal(t, built, h.budget.Version())
}
