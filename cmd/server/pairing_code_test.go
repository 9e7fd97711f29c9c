package main

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestAnAccountIsPairedByCode(t *testing.T) {
	world := simulatortest.Start(t)
	phone, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	base, stop := boot(t, filepath.Join(t.TempDir(), "whatsapp.db"), world.Env()...)
	t.Cleanup(stop)
	route := base + "/api/clients/" + account + "/pairing-code"
	refusal, ok := try(t, http.MethodPost, route, "")
	require.False(t, ok)
	require.Equal(t, "account_not_found", refusal["code"])

	call(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+account+`"}`)
	var shown map[string]any
	require.Eventually(t, func() (ok bool) {
		shown, ok = try(t, http.MethodPost, route, "")
		return ok
	}, 20*time.Second, 20*time.Millisecond)
	expires, err := time.Parse(time.RFC3339, shown["expiresAt"].(string))
	require.NoError(t, err)
	require.WithinRange(t, expires, time.Now().Add(time.Minute), time.Now().Add(160*time.Second))
	require.ErrorIs(t, phone.EnterCode(t.Context(), "1111-1111"), simulator.ErrWrongCode)
	require.NoError(t, phone.EnterCode(t.Context(), shown["code"].(string)))
	await(t, base, "ready")

	refusal, ok = try(t, http.MethodPost, route, "")
	require.False(t, ok)
	require.Equal(t, "already_paired", refusal["code"])
}

func TestANumberThatWhatsAppDoesNotKnowGetsNoCode(t *testing.T) {
	world := simulatortest.Start(t)
	base, stop := boot(t, filepath.Join(t.TempDir(), "whatsapp.db"), world.Env()...)
	t.Cleanup(stop)
	call(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+account+`"}`)
	require.Eventually(t, func() bool {
		refusal, ok := try(t, http.MethodPost, base+"/api/clients/"+account+"/pairing-code", "")
		require.False(t, ok)
		return refusal["code"] == "conflict"
	}, 20*time.Second, 20*time.Millisecond)
}
