package httpapi

import (
	"net/http"
	"testing"

	"whatsapp-web-server/actors"
)

func TestContactRoutesAskTheAccount(t *testing.T) {
	for name, errand := range map[string]errand{
		"check":   {http.MethodPost, "/check", `{"numbers":["+1 234567890"]}`, actors.CheckNumbers{Numbers: []string{"+1 234567890"}}, actors.CheckedNumbers{}, 0},
		"blocked": {http.MethodGet, "/blocked", "", actors.ListBlocked{}, actors.BlockedContacts{}, 0},
		"block":   {http.MethodPost, "/1234567890/block", "", actors.BlockContact{Contact: "1234567890@c.us", On: true}, actors.BlockedContacts{}, 0},
		"unblock": {http.MethodPost, "/1234567890/unblock", "", actors.BlockContact{Contact: "1234567890@c.us"}, actors.BlockedContacts{}, 0},
	} {
		t.Run(name, func(t *testing.T) { errand.run(t, "/api/contacts/") })
	}
	errand{http.MethodPut, "/presence", `{"state":"available"}`, actors.SetPresence{Available: true}, actors.Done{}, 0}.run(t, "/api/clients/")
}
