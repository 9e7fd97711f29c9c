package httpapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

func TestProbesNeedNoKeyAndNoHost(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{APIKey: "secret"}, &office{})
	for _, path := range []string{"/healthz", "/readyz"} {
		answer := e.ask(http.MethodGet, path, "", "Host", "10.0.0.7:3001")
		require.Equal(t, http.StatusOK, answer.StatusCode, path)
	}
}

func TestWithoutStorageNothingIsAnsweredAndLittleIsLogged(t *testing.T) {
	t.Parallel()
	asked := &office{closed: &actors.Error{Code: actors.CodeStorageUnavailable, RetryAfter: 5 * time.Second}}
	e := boot(t, Config{}, asked)
	require.Equal(t, http.StatusOK, e.ask(http.MethodGet, "/healthz", "").StatusCode, "to be started again would be of no use")
	for _, answer := range []response{
		e.ask(http.MethodGet, "/readyz", ""),
		e.ask(http.MethodPost, "/api/messages/send", textMessage),
		e.ask(http.MethodGet, "/api/clients/"+account+"/status", ""),
		e.ask(http.MethodGet, "/api/conversations/"+account, ""),
	} {
		answer.refused(t, actors.CodeStorageUnavailable)
		require.Equal(t, "5", answer.Header.Get("Retry-After"))
	}
	require.Empty(t, asked.questions())
	require.Zero(t, e.logs.FilterMessage("request failed").Len())
}
