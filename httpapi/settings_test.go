package httpapi

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

func TestSettingsAreChangedAndTold(t *testing.T) {
	o := &office{status: ready()}
	e := boot(t, Config{}, o)
	at := "/api/clients/" + account
	e.ask(http.MethodGet, at+"/settings", "").granted(t, http.StatusOK)
	e.ask(http.MethodPut, at+"/settings", `{"autoRead":true,"rejectText":"","sendInterval":250,"metadata":{"a":"b"},"proxy":""}`).granted(t, http.StatusOK)
	e.ask(http.MethodPost, at+"/restart", "").granted(t, http.StatusOK)
	require.Equal(t, []any{
		account,
		actors.ChangeSettings{},
		account,
		actors.ChangeSettings{AutoRead: new(true), RejectText: new(""), SendInterval: new(int64(250)), Metadata: map[string]string{"a": "b"}, Proxy: new("")},
		account,
		actors.Restart{},
	}, o.questions())
	for _, wrong := range []struct{ body, field string }{
		{`{"autoRead":"yes"}`, "autoRead"}, {`{"sendInterval":-1}`, "sendInterval"}, {`{"metadata":{"":"x"}}`, "metadata"}, {`{"colour":1}`, "colour"}, {`{"proxy":"ftp://proxy"}`, "proxy"},
	} {
		refusal := e.ask(http.MethodPut, at+"/settings", wrong.body).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, wrong.field, refusal.Details.Field, wrong.body)
	}
	require.Len(t, o.questions(), 6)
}

func TestACallIsRejectedByItsID(t *testing.T) {
	errand{
		http.MethodPost, "/ABC/reject", `{"from":"1234567890"}`,
		actors.RejectCall{From: "1234567890@c.us", CallID: "ABC"},
		actors.Done{},
		0,
	}.run(t, "/api/calls/")
}
