package httpapi

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor"
)

func (o *office) Labels(ctx context.Context, account string) ([]actors.Label, error) {
	return []actors.Label{{ID: "1", Name: "Paid"}}, o.answer(ctx, account, "labels")
}

func (o *office) LabelItems(ctx context.Context, account, label string, page supervisor.Page) ([]supervisor.LabelItem, string, error) {
	return []supervisor.LabelItem{{Chat: "1234567890@c.us"}}, "next", o.answer(ctx, account, reading{id: label, page: page})
}

func TestLabelRoutesAskTheAccount(t *testing.T) {
	const chat, who = "/1/chats/1234567890@s.whatsapp.net", "1234567890@c.us"
	name, color := "Paid", 0
	label := actors.Label{ID: "1", Name: "Paid"}
	for what, errand := range map[string]errand{
		"create":          {http.MethodPost, "", `{"name":"Paid","color":3}`, actors.CreateLabel{Name: "Paid", Color: 3}, label, http.StatusCreated},
		"edit":            {http.MethodPut, "/1", `{"name":"Paid","color":0}`, actors.EditLabel{ID: "1", Name: &name, Color: &color}, label, 0},
		"delete":          {http.MethodDelete, "/1", "", actors.DeleteLabel{ID: "1"}, actors.Done{}, 0},
		"label a chat":    {http.MethodPut, chat, "", actors.AssignLabel{ID: "1", Chat: who, On: true}, actors.Done{}, 0},
		"unlabel a chat":  {http.MethodDelete, chat, "", actors.AssignLabel{ID: "1", Chat: who}, actors.Done{}, 0},
		"label a message": {http.MethodPut, chat + "/messages/M%2F1", "", actors.AssignLabel{ID: "1", Chat: who, MessageID: "M/1", On: true}, actors.Done{}, 0},
	} {
		t.Run(what, func(t *testing.T) { errand.run(t, "/api/labels/") })
	}
}

func TestLabelsAreListed(t *testing.T) {
	o := &office{}
	e := boot(t, Config{}, o)
	labels := e.ask(http.MethodGet, "/api/labels/"+account, "").granted(t, http.StatusOK)
	require.Equal(t, []any{map[string]any{"id": "1", "name": "Paid", "color": 0.}}, labels["labels"])
	listed := e.ask(http.MethodGet, "/api/labels/"+account+"/1/items?limit=5", "").granted(t, http.StatusOK)
	require.Equal(t, []any{map[string]any{"chatId": "1234567890@c.us", "name": nil, "messageId": nil, "assignedAt": nil}}, listed["items"])
	require.Equal(t, reading{id: "1", page: supervisor.Page{Limit: 5}}, o.questions()[3])
}

func TestLabelRoutesRefuseWhatMakesNoSense(t *testing.T) {
	o := &office{}
	e := boot(t, Config{}, o)
	base := "/api/labels/" + account
	for _, wrong := range []struct{ method, path, body, field string }{
		{http.MethodPost, "", `{"name":""}`, "name"},
		{http.MethodPost, "", `{"name":"x","color":20}`, "color"},
		{http.MethodPut, "/1", `{"colour":1}`, "colour"},
		{http.MethodPut, "/1/chats/nobody", "", "chatId"},
		{http.MethodGet, "/1/items?limit=0", "", "limit"},
	} {
		refusal := e.ask(wrong.method, base+wrong.path, wrong.body).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, wrong.field, refusal.Details.Field, "%s %s: %s", wrong.path, wrong.body, refusal.Message)
	}
	require.Empty(t, o.questions())
}
