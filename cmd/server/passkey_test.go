package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestAnAccountIsPairedByPasskey(t *testing.T) {
	world := simulatortest.Start(t)
	phone, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	_, err = phone.AddPasskey()
	require.NoError(t, err)
	base, stop := boot(t, filepath.Join(t.TempDir(), "whatsapp.db"), world.Env()...)
	t.Cleanup(stop)
	route := base + "/api/clients/" + account + "/passkey"
	call(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+account+`"}`)
	refusal, ok := try(t, http.MethodGet, route, "")
	require.False(t, ok)
	require.Equal(t, "conflict", refusal["code"])

	var code map[string]any
	require.Eventually(t, func() (ok bool) {
		code, ok = try(t, http.MethodGet, base+"/api/clients/"+account+"/qr", "")
		return ok
	}, 20*time.Second, 20*time.Millisecond)
	scanned := make(chan error, 1)
	go func() { scanned <- phone.Scan(t.Context(), code["qr"].(string)) }()
	var asked map[string]any
	require.Eventually(t, func() (ok bool) {
		asked, ok = try(t, http.MethodGet, route, "")
		return ok
	}, 20*time.Second, 20*time.Millisecond)
	require.Equal(t, "asked", asked["stage"])
	status := call(t, http.MethodGet, base+"/api/clients/"+account+"/status", "")
	require.Equal(t, "pairing", status["state"])
	require.Equal(t, "asked", status["passkey"])

	refusal, ok = try(t, http.MethodPost, route, `{"id":"a","rawId":"?","type":"public-key","response":{"clientDataJSON":"","authenticatorData":"","signature":""}}`)
	require.False(t, ok)
	require.Equal(t, "invalid_request", refusal["code"])
	require.Equal(t, "rawId", refusal["details"].(map[string]any)["field"])

	request, err := json.Marshal(asked["publicKey"])
	require.NoError(t, err)
	call(t, http.MethodPost, route, browserAnswer(t, world.ControlURL()+"/phones/"+account+"/passkey/sign", request))
	require.NoError(t, <-scanned)
	await(t, base, "ready")
}

// browserAnswer has the simulator's authenticator answer a request, with what browsers
// add to it.
func browserAnswer(t *testing.T, signer string, request []byte) string {
	t.Helper()
	var asked struct{ Challenge, RPID string }
	require.NoError(t, json.Unmarshal(request, &asked))
	body, err := json.Marshal(map[string]string{"challenge": asked.Challenge, "rpId": asked.RPID})
	require.NoError(t, err)
	asking, err := http.NewRequestWithContext(t.Context(), http.MethodPost, signer, bytes.NewReader(body))
	require.NoError(t, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(asking)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	var answer map[string]any
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	answer["authenticatorAttachment"], answer["clientExtensionResults"] = "platform", map[string]any{}
	told, err := json.Marshal(answer)
	require.NoError(t, err)
	return string(told)
}
