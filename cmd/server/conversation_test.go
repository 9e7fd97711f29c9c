package main

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

const (
	account = "31600000001"
	friend  = "31600000002"
)

// await asks for the account's status until it has reached state.
func await(t *testing.T, base, state string) map[string]any {
	t.Helper()
	var status map[string]any
	require.Eventually(t, func() bool {
		var ok bool
		status, ok = try(t, http.MethodGet, base+"/api/clients/"+account+"/status", "")
		return ok && status["state"] == state
	}, 20*time.Second, 20*time.Millisecond, "state %s, last seen %v", state, status)
	return status
}

// link scans the code that the account shows with a simulated phone.
func link(t *testing.T, base string, phone *simulator.Phone) {
	t.Helper()
	initialize(t, base)
	var code string
	require.Eventually(t, func() bool {
		reply, ok := try(t, http.MethodGet, base+"/api/clients/"+account+"/qr", "")
		if ok {
			code = reply["qr"].(string)
		}
		return ok
	}, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, phone.Scan(t.Context(), code))
	await(t, base, "ready")
}

// initialize asks again where the account is just starting over, as a caller who is
// told that the outcome is unknown.
func initialize(t *testing.T, base string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, ok := try(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+account+`"}`)
		return ok
	}, 20*time.Second, 20*time.Millisecond)
}

func TestAnAccountPairsSendsReceivesAndSurvivesARestart(t *testing.T) {
	world := simulatortest.Start(t)
	own, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	other, err := world.AddPhone(friend, "Ann")
	require.NoError(t, err)
	database := filepath.Join(t.TempDir(), "whatsapp.db")

	base, stop := boot(t, database, world.Env()...)
	link(t, base, own)
	sent := call(t, http.MethodPost, base+"/api/messages/send",
		`{"accountNumber":"`+account+`","chatId":"`+friend+`@c.us","message":{"text":"hello"}}`)
	require.Equal(t, "sent", sent["status"])
	require.Equal(t, "hello", received(t, other, 0).Text)
	stop()

	base, stop = boot(t, database, world.Env()...)
	defer stop()
	await(t, base, "ready")
	call(t, http.MethodPost, base+"/api/messages/send",
		`{"accountNumber":"`+account+`","chatId":"`+friend+`","message":{"text":"still here"}}`)
	require.Equal(t, "still here", received(t, other, 1).Text)
	require.Len(t, other.Messages(0), 2)
}

func received(t *testing.T, phone *simulator.Phone, after int) simulator.ReceivedMessage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var last int64
	if known := phone.Messages(0); after > 0 && len(known) >= after {
		last = known[after-1].Seq
	}
	messages, err := phone.WaitMessages(ctx, last)
	require.NoError(t, err)
	return messages[0]
}
