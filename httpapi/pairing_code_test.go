package httpapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

func TestAPairingCodeIsShownUntilItExpires(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 11, 24, 16, 0, 0, 0, time.UTC)
	o := &office{code: actors.PairingCode{Code: "ABCD-1234", ExpiresAt: until}}
	answer := boot(t, Config{}, o).ask(http.MethodPost, "/api/clients/"+account+"/pairing-code", "")
	require.JSONEq(t, `{"success":true,"data":{"clientId":"`+account+`","code":"ABCD-1234","expiresAt":"2026-11-24T16:00:00Z"}}`, string(answer.body))
	require.Equal(t, []any{account, actors.GetPairingCode{}}, o.questions())
}

func TestAPairingCodeThatCannotBeMadeIsRefused(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{err: &actors.Error{Code: actors.CodeQRNotReady, RetryAfter: actors.CodeReadyIn}})
	answer := e.ask(http.MethodPost, "/api/clients/"+account+"/pairing-code", "")
	answer.refused(t, actors.CodeQRNotReady)
	require.Equal(t, "2", answer.Header.Get("Retry-After"))
}
