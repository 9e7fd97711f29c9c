package httpapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

func TestChatRoutesAskTheAccount(t *testing.T) {
	const at, who = "/1234567890@s.whatsapp.net", "1234567890@c.us"
	for name, errand := range map[string]errand{
		"read":      {http.MethodPost, at + "/read", "", actors.ReadChat{Chat: who}, actors.ReadMessages{Count: 1}, 0},
		"unread":    {http.MethodPost, at + "/unread", "", actors.MarkChatUnread{Chat: who}, actors.Done{}, 0},
		"clear":     {http.MethodPost, at + "/clear", "", actors.ClearChat{Chat: who}, actors.Done{}, 0},
		"delete":    {http.MethodDelete, at, "", actors.DeleteChat{Chat: who}, actors.Done{}, 0},
		"archive":   {http.MethodPost, at + "/archive", `{"on":true}`, actors.ArchiveChat{Chat: who, On: true}, actors.Done{}, 0},
		"pin":       {http.MethodPost, at + "/pin", `{"on":false}`, actors.PinChat{Chat: who}, actors.Done{}, 0},
		"mute":      {http.MethodPost, at + "/mute", `{"on":true}`, actors.MuteChat{Chat: who, On: true}, actors.Done{}, 0},
		"mute till": {http.MethodPost, at + "/mute", `{"on":true,"until":"2026-01-02T12:00:00Z"}`, actors.MuteChat{Chat: who, On: true, Until: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}, actors.Done{}, 0},
		"star":      {http.MethodPost, at + "/star", `{"on":true,"messageId":"M1"}`, actors.StarMessage{Chat: who, MessageID: "M1", On: true}, actors.Done{}, 0},
		"typing":    {http.MethodPost, at + "/typing", `{"state":"recording"}`, actors.ShowTyping{Chat: who, State: "recording"}, actors.Done{}, 0},
	} {
		t.Run(name, func(t *testing.T) { errand.run(t, "/api/conversations/") })
	}
}

func TestChatRoutesRefuseWhatMakesNoSense(t *testing.T) {
	o := &office{}
	e := boot(t, Config{}, o)
	base := "/api/conversations/" + account
	for _, wrong := range []struct{ path, body, field string }{
		{"/nobody/read", "", "chatId"},
		{"/1234567890/archive", `{}`, "on"},
		{"/1234567890/mute", `{"on":true,"until":"tomorrow"}`, "until"},
		{"/1234567890/star", `{"on":true}`, "messageId"},
		{"/1234567890/typing", `{"state":"thinking"}`, "state"},
	} {
		refusal := e.ask(http.MethodPost, base+wrong.path, wrong.body).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, wrong.field, refusal.Details.Field, "%s %s: %s", wrong.path, wrong.body, refusal.Message)
	}
	require.Empty(t, o.questions())
}
