package main

import (
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/configs"
)

// look asks the listener of whoever looks after the process.
func look(t *testing.T, address, path, key string) (status int, page string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	require.NoError(t, err)
	request.Close = true
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}

// metric is the value of a line of the metrics; empty if there is none such.
func metric(t *testing.T, address, line string) string {
	t.Helper()
	_, page := look(t, address, "/metrics", "")
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(line) + ` (.*)$`).FindStringSubmatch(page)
	if found == nil {
		return ""
	}
	return found[1]
}

func TestMetricsTellWhatAnAccountDoesAndNeverWhose(t *testing.T) {
	d := linked(t)
	address := d.server.AdminAddress()
	other, err := d.world.AddPhone(friend, "Ann")
	require.NoError(t, err)
	sent := call(t, http.MethodPost, d.base+"/api/messages/send",
		`{"accountNumber":"`+account+`","chatId":"`+friend+`@c.us","message":{"text":"hello"}}`)
	require.Equal(t, "sent", sent["status"])
	_, err = other.SendText(t.Context(), account, "hello too")
	require.NoError(t, err)
	d.stream.until("message", "hello too")
	_, refused := try(t, http.MethodPost, d.base+"/api/messages/send", `{"accountNumber":"12"}`)
	require.False(t, refused)

	for line, want := range map[string]string{
		`whatsapp_accounts{state="ready"}`:                                   "1",
		`whatsapp_http_requests_total{operation="sendMessage",status="201"}`: "1",
		`whatsapp_http_requests_total{operation="sendMessage",status="400"}`: "1",
		`whatsapp_http_request_seconds_count{operation="sendMessage"}`:       "2",
		`whatsapp_events_total{kind="message",logged="true"}`:                "1",
		`whatsapp_message_status_total{reason="",status="sent"}`:             "1",
		`whatsapp_session_changes_total{reason="",state="ready"}`:            "1",
		`whatsapp_session_changes_total{reason="paired",state="connecting"}`: "1",

		`whatsapp_sockets_open`:           "1",
		`whatsapp_outbox_messages`:        "0",
		`whatsapp_storage_available`:      "1",
		`whatsapp_feed_slow_total`:        "0",
		`whatsapp_commit_failures_total`:  "0",
		`whatsapp_connect_budget_waiting`: "0",
	} {
		_, page := look(t, address, "/metrics", "")
		require.Equal(t, want, metric(t, address, line), "%s\n%s", line, page)
	}
	_, page := look(t, address, "/metrics", "")
	require.NotContains(t, page, account)
	require.NotContains(t, page, friend)
	require.Contains(t, page, "go_goroutines ")
	require.Contains(t, page, "process_open_fds ")

	require.NoError(t, d.stream.connection.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool {
		return metric(t, address, `whatsapp_sockets_closed_total{code="1000"}`) == "1"
	}, patience, 5*time.Millisecond)
	require.Equal(t, "0", metric(t, address, "whatsapp_sockets_open"))
}

func TestReadinessIsToldFromTheFirstMomentToTheLast(t *testing.T) {
	environment := []string{
		"PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=127.0.0.1:0", "LOG_LEVEL=error", "STORAGE_TYPE=memory",
		"WA_ENDPOINT=ws://127.0.0.1:1/ws/chat", "WA_NOISE_ROOT_KEY=" + noiseRoot(),
	}
	config, err := configs.Load(environment, "")
	require.NoError(t, err)
	starting := &Server{}
	require.NoError(t, starting.openLog(t.Context(), config))
	require.NoError(t, starting.openObservatory(t.Context(), config))
	says := func(path string, status int, word string) {
		t.Helper()
		code, page := look(t, starting.AdminAddress(), path, "")
		require.Equal(t, status, code, page)
		require.Equal(t, word, page)
	}
	says("/healthz", http.StatusOK, "ok\n")
	says("/readyz", http.StatusServiceUnavailable, "starting\n")
	require.NoError(t, starting.close())

	server, stop := bootStreams(t, environment...)
	code, _ := look(t, server.AdminAddress(), "/readyz", "")
	require.Equal(t, http.StatusOK, code)
	listen(t, "ws://"+server.StreamAddress()) // and does not leave when it is asked to
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	require.Eventually(t, func() bool {
		code, page := look(t, server.AdminAddress(), "/readyz", "")
		return code == http.StatusServiceUnavailable && page == "draining\n"
	}, patience, 5*time.Millisecond)
	<-stopped
}

func TestMetricsAndProfilesAskForTheKeyAndProbesDoNot(t *testing.T) {
	server, stop := bootStreams(t, "STORAGE_TYPE=memory", "API_KEY=k3y",
		"WA_ENDPOINT=ws://127.0.0.1:1/ws/chat", "WA_NOISE_ROOT_KEY="+noiseRoot())
	defer stop()
	for path, open := range map[string]bool{
		"/healthz": true, "/readyz": true, "/metrics": false, "/debug/pprof/": false, "/debug/pprof/heap": false,
		"/debug/pprof/profile?seconds=1": false, "/debug/pprof/trace": false, "/debug/pprof/symbol": false,
	} {
		code, page := look(t, server.AdminAddress(), path, "")
		if open {
			require.Equal(t, http.StatusOK, code, path)
			continue
		}
		require.Equal(t, http.StatusUnauthorized, code, path)
		require.NotContains(t, page, "go_", path)
		code, _ = look(t, server.AdminAddress(), path, "another")
		require.Equal(t, http.StatusUnauthorized, code, path)
	}
	code, page := look(t, server.AdminAddress(), "/metrics", "k3y")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, page, "go_goroutines ")
	code, _ = look(t, server.AdminAddress(), "/debug/pprof/goroutine", "k3y")
	require.Equal(t, http.StatusOK, code)
}

func TestWithoutAKeyOnlyThisMachineIsShownMetrics(t *testing.T) {
	server, stop := bootStreams(t, "STORAGE_TYPE=memory", "WA_ENDPOINT=ws://127.0.0.1:1/ws/chat", "WA_NOISE_ROOT_KEY="+noiseRoot())
	defer stop()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.AdminAddress()+"/metrics", nil)
	require.NoError(t, err)
	request.Host, request.Close = "a-page-of-others.example", true
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusForbidden, answer.StatusCode)
}
