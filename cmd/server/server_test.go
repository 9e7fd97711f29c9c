package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/loadtest/contract"
)

// noiseRoot is the process-wide key as it is, for a network that nobody reaches.
func noiseRoot() string { return hex.EncodeToString(whatsmeow.WACertPubKey[:]) }

// boot runs the server as main does, on a free port and a database of the
// test's. The returned function stops it and waits.
func boot(t *testing.T, database string, network ...string) (base string, stop func()) {
	t.Helper()
	if network == nil {
		network = []string{"WA_ENDPOINT=ws://127.0.0.1:1/ws/chat", "WA_NOISE_ROOT_KEY=" + noiseRoot()}
	}
	environment := append([]string{"PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=127.0.0.1:0", "SQLITE_DB_PATH=" + database, "LOG_LEVEL=warn"}, network...)
	config, err := configs.Load(environment, filepath.Join(t.TempDir(), ".env"))
	require.NoError(t, err)
	server, err := Open(t.Context(), config)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	return "http://" + server.Address(), func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(drainTimeout):
			t.Fatal("the server did not stop")
		}
	}
}

func TestAccountsAreThereAgainAfterARestart(t *testing.T) {
	database := filepath.Join(t.TempDir(), "db", "whatsapp.db")
	base, stop := boot(t, database)
	first := call(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"+31 600000001","deviceName":"Desk"}`)
	require.Equal(t, "31600000001", first["clientId"])
	stop()

	base, stop = boot(t, database)
	defer stop()
	again := call(t, http.MethodGet, base+"/api/clients/31600000001/status", "")
	require.Equal(t, true, again["running"])
	require.Equal(t, "Desk", again["deviceName"])
	require.Equal(t, first["createdAt"], again["createdAt"])
	require.NotEqual(t, "stopped", again["state"])
}

func TestASecondServerOnTheSameDatabaseIsRefused(t *testing.T) {
	database := filepath.Join(t.TempDir(), "whatsapp.db")
	_, stop := boot(t, database)
	defer stop()
	config, err := configs.Load([]string{"PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=127.0.0.1:0", "SQLITE_DB_PATH=" + database}, "none")
	require.NoError(t, err)
	_, err = Open(t.Context(), config)
	require.ErrorContains(t, err, "whatsapp.db")
}

// call makes a request that is to succeed, and returns its data.
func call(t *testing.T, method, url, body string) map[string]any {
	t.Helper()
	data, ok := try(t, method, url, body)
	require.True(t, ok, data)
	return data
}

// try makes a request; false comes with the error instead of the data.
func try(t *testing.T, method, url, body string) (map[string]any, bool) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewBufferString(body))
	require.NoError(t, err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := contract.Client(t).Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	var envelope struct{ Data, Error map[string]any }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&envelope))
	if envelope.Error != nil {
		return envelope.Error, false
	}
	return envelope.Data, true
}
