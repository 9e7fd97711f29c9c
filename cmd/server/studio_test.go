package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/configs"
)

func TestTheStudioShowsTheStorageOnceNoServerHasIt(t *testing.T) {
	environment := []string{"SQLITE_DB_PATH=" + filepath.Join(t.TempDir(), "whatsapp.db")}
	config, err := configs.Load(environment, "")
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serveStudio(ctx, listener, config) }()

	_, stopServer := bootStreams(t, environment...)
	require.Contains(t, pageOf(t, listener, http.StatusServiceUnavailable), "in use by another process")
	stopServer()
	require.Contains(t, pageOf(t, listener, http.StatusOK), "There are no accounts yet.")

	stop()
	require.NoError(t, <-served)
}

func pageOf(t *testing.T, listener net.Listener, status int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), nil)
	require.NoError(t, err)
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, status, answer.StatusCode, string(page))
	return string(page)
}

func TestTheStudioIsNotOpenedToOthersByAccident(t *testing.T) {
	output, status := runCommand(t, []string{"STORAGE_TYPE=memory"}, "studio", "--listen", "0.0.0.0:0")
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, "reachable beyond this machine")
}
