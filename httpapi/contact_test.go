package httpapi

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/supervisor"
)

func (o *office) Contact(ctx context.Context, account, address string) (supervisor.Contact, error) {
	return o.contacts.Contacts[0], o.answer(ctx, account, reading{id: address})
}

func TestOneContactRoutesAskTheAccount(t *testing.T) {
	const who = "1234567890@c.us"
	for name, errand := range map[string]errand{
		"save":      {http.MethodPut, "/+1234567890", `{"fullName":"Ann Jansen","firstName":"Ann"}`, actors.SaveContact{Contact: who, FullName: "Ann Jansen", FirstName: "Ann"}, actors.Done{}, 0},
		"subscribe": {http.MethodPost, "/1234567890/subscribe", "", actors.Subscribe{Contact: who}, actors.Done{}, 0},
		"refresh":   {http.MethodGet, "/99887766554433@lid?refresh=true", "", actors.GetContact{Contact: "99887766554433@lid"}, actors.ContactProfile{}, 0},
	} {
		t.Run(name, func(t *testing.T) { errand.run(t, "/api/contacts/") })
	}
}

func TestAContactIsShownWithWhatWasAsked(t *testing.T) {
	person := actors.Person{Number: "1234567890", LID: "99887766554433@lid", Name: "Ann"}
	names := persist.Contact{FullName: "Ann", PushName: "annie", BusinessName: "Ann's Bakery"}
	seen := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	o := &office{contacts: supervisor.ContactList{Contacts: []supervisor.Contact{{Person: person, Names: names}}}}
	e := boot(t, Config{}, o)
	shown := e.ask(http.MethodGet, "/api/contacts/"+account+"/1234567890", "").granted(t, http.StatusOK)
	known := map[string]any{
		"clientId": account, "id": "1234567890@c.us", "number": "1234567890", "lid": "99887766554433@lid", "name": "Ann",
		"fullName": "Ann", "firstName": nil, "pushName": "annie", "businessName": "Ann's Bakery", "business": true,
		"photo": map[string]any{"id": nil, "url": nil}, "presence": map[string]any{"state": "unknown", "lastSeen": nil, "known": false},
		"onWhatsApp": nil, "blocked": nil, "about": nil,
	}
	require.Equal(t, known, shown)

	o.performed = actors.ContactProfile{
		Person: person, Names: names, OnWhatsApp: true, About: "at sea",
		Look: actors.Look{PhotoID: "7", Presence: &actors.PresenceEvent{State: "unavailable", LastSeen: &seen}},
	}
	shown = e.ask(http.MethodGet, "/api/contacts/"+account+"/1234567890?refresh=true", "").granted(t, http.StatusOK)
	known["onWhatsApp"], known["blocked"], known["about"] = true, false, "at sea"
	known["photo"] = map[string]any{"id": "7", "url": "/api/contacts/" + account + "/1234567890@c.us/photo?format=jpeg"}
	known["presence"] = map[string]any{"state": "unavailable", "lastSeen": "2026-11-24T12:00:00Z", "known": true}
	require.Equal(t, known, shown)
}

func TestContactsAreListedWithTheirPhotosAndPresenceWhereAsked(t *testing.T) {
	ann, bob := actors.Person{Number: "1234567890"}, actors.Person{LID: "99887766554433@lid"}
	o := &office{contacts: supervisor.ContactList{Contacts: []supervisor.Contact{{Person: ann}, {Person: bob}}}}
	o.performed = actors.Looks{{PhotoID: "7"}, {Presence: &actors.PresenceEvent{State: "available"}}}
	e := boot(t, Config{}, o)
	shown := e.ask(http.MethodGet, "/api/contacts/"+account+"?refresh=true", "").granted(t, http.StatusOK)
	contacts := shown["contacts"].([]any)
	require.Equal(t, map[string]any{"id": "7", "url": "/api/contacts/" + account + "/1234567890@c.us/photo?format=jpeg"}, contacts[0].(map[string]any)["photo"])
	require.Equal(t, map[string]any{"state": "available", "lastSeen": nil, "known": true}, contacts[1].(map[string]any)["presence"])
	require.Contains(t, o.questions(), actors.GetLooks{Contacts: []string{"1234567890@c.us", "99887766554433@lid"}})
}

func TestOneContactRoutesRefuseWhatMakesNoSense(t *testing.T) {
	o := &office{}
	e := boot(t, Config{}, o)
	base := "/api/contacts/" + account
	for _, wrong := range []struct{ method, path, body, field string }{
		{http.MethodGet, "/nobody", "", "contactId"},
		{http.MethodGet, "/1234567890?refresh=perhaps", "", "refresh"},
		{http.MethodPut, "/1234567890", `{"fullName":""}`, "fullName"},
		{http.MethodPost, "/nobody/subscribe", "", "contactId"},
	} {
		refusal := e.ask(wrong.method, base+wrong.path, wrong.body).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, wrong.field, refusal.Details.Field, "%s %s: %s", wrong.path, wrong.body, refusal.Message)
	}
	require.Empty(t, o.questions())
}
