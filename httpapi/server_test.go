package httpapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"whatsapp-web-server/actors"
)

func TestPanicIsAnsweredAndTheServerLivesOn(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{panics: true})
	answer := e.ask(http.MethodGet, "/api/clients/"+account+"/status", "")
	answer.refused(t, actors.CodeInternal)
	require.NotContains(t, string(answer.body), "secret of the house")
	require.Equal(t, 1, e.logs.FilterMessage("request failed").Len())
	e.ask(http.MethodGet, "/nowhere", "").refused(t, actors.CodeNotFound)
}

func TestRequestThatTakesTooLongIsEnded(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{RequestTimeout: time.Millisecond}, &office{hang: true})
	e.ask(http.MethodGet, "/api/clients/"+account+"/status", "").refused(t, actors.CodeUpstreamTimeout)
	e.ask(http.MethodPost, "/api/messages/send?wait=0", textMessage).refused(t, actors.CodeOutcomeUnknown)
}

func TestShutdownWaitsForRequestsUnderway(t *testing.T) {
	t.Parallel()
	asked := &office{hang: true}
	e := boot(t, Config{RequestTimeout: 200 * time.Millisecond}, asked)
	answered := make(chan response, 1)
	go func() {
		answered <- e.ask(http.MethodGet, "/api/clients/"+account+"/status", "", "Connection", "close")
	}()
	require.Eventually(t, func() bool { return len(asked.questions()) > 0 }, 10*time.Second, time.Millisecond)
	require.NoError(t, e.server.Shutdown(t.Context()))
	answer := <-answered
	answer.refused(t, actors.CodeUpstreamTimeout)
}

func TestUnknownPathsAndMethodsAreRefusedInTheEnvelope(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{})
	for _, path := range []string{"/", "/api", "/docs/", "/openapi.yaml", "/schemas/Failure", "/API/clients/status", "/api/clients/status/"} {
		e.ask(http.MethodGet, path, "").refused(t, actors.CodeNotFound)
	}
	answer := e.ask(http.MethodPut, "/api/messages/send", "")
	answer.refused(t, codeMethodNotAllowed)
	require.Equal(t, http.MethodPost, answer.Header.Get("Allow"))
}

func TestRequestIDIsTakenOverWhereItIsSane(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{})
	for id, kept := range map[string]bool{
		"3f2a-4.b_c":             true,
		"":                       false,
		"a b":                    false,
		`"quoted"`:               false,
		strings.Repeat("x", 64):  true,
		strings.Repeat("x", 65):  false,
		"caf\u00e9":              false,
		"<script>alert</script>": false,
	} {
		got := e.ask(http.MethodGet, "/nowhere", "", "X-Request-ID", id).refused(t, actors.CodeNotFound).RequestID
		require.Equal(t, kept, got == id, "%q became %q", id, got)
	}
}

func TestRequestsThatAreNoHTTPAreRefusedInTheEnvelope(t *testing.T) {
	t.Parallel()
	endless := "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", maxHeaders)
	e := boot(t, Config{}, &office{})
	for name, test := range map[string]struct {
		request string
		status  string
		code    actors.Code
	}{
		"no HTTP":        {"hello\r\n\r\n", "400", actors.CodeInvalidRequest},
		"malformed path": {"GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "400", actors.CodeInvalidRequest},
		"no host":        {"GET /openapi.json HTTP/1.0\r\nConnection: close\r\n\r\n", "403", actors.CodeForbidden},
		"large body":     {"POST /api/clients/initialize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n" + strings.Repeat("x", maxPrefetch), "413", codeBodyTooLarge},
		"large headers":  {endless[:maxHeaders], "400", actors.CodeInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := e.raw(test.request)
			require.Equal(t, test.status, status)
			var failed failure
			require.NoError(t, json.Unmarshal([]byte(body), &failed), body)
			require.Equal(t, test.code, failed.Problem.Code)
			require.NotEmpty(t, failed.Problem.RequestID)
		})
	}
}

// Go's client, for one, opens connections that it may not need, and takes nothing but
// this status for a sign that one is over.
func TestAConnectionOnWhichNothingComesIsToldThatItsTimeIsOver(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	server := New(Config{}, &office{}, nil, zap.New(core))
	server.app.Server().ReadTimeout = 50 * time.Millisecond
	e := serveEdge(t, server, logs)
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", e.address)
	require.NoError(t, err)
	defer connection.Close()
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusRequestTimeout, response.StatusCode)
	var told failure
	require.NoError(t, json.NewDecoder(response.Body).Decode(&told))
	require.Equal(t, codeRequestTimeout, told.Problem.Code)
}

func TestSpecificationIsWhatTheRoutesSay(t *testing.T) {
	t.Parallel()
	answer := boot(t, Config{}, &office{}).ask(http.MethodGet, "/openapi.json", "")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "application/openapi+json", answer.Header.Get("Content-Type"))
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, answer.body, "", "  "))
	requireGolden(t, "testdata/openapi.golden.json", pretty.String()+"\n")
}
