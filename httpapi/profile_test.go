package httpapi

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

func TestProfileRoutesAskTheAccount(t *testing.T) {
	for name, errand := range map[string]errand{
		"profile":     {http.MethodGet, "/profile", "", actors.GetProfile{}, actors.Profile{}, 0},
		"rename":      {http.MethodPut, "/profile", `{"name":"Desk","about":""}`, actors.SetProfile{Name: new("Desk"), About: new("")}, actors.Done{}, 0},
		"picture":     {http.MethodPut, "/profile/picture", `{"picture":"cGlj"}`, actors.SetPicture{Picture: []byte("pic")}, actors.PictureID{}, 0},
		"no picture":  {http.MethodDelete, "/profile/picture", "", actors.SetPicture{}, actors.PictureID{}, 0},
		"privacy":     {http.MethodGet, "/privacy", "", actors.GetPrivacy{}, actors.Privacy{}, 0},
		"set privacy": {http.MethodPut, "/privacy", `{"lastSeen":"none"}`, actors.SetPrivacy{Change: actors.Privacy{LastSeen: "none"}}, actors.Privacy{}, 0},
		"timer":       {http.MethodPut, "/disappearing", `{"seconds":86400}`, actors.SetDefaultTimer{Seconds: 86400}, actors.Done{}, 0},
		"status":      {http.MethodGet, "/privacy/status", "", actors.GetStatusPrivacy{}, actors.StatusAudience{Audience: "contacts"}, 0},
		"link":        {http.MethodGet, "/contact-link", "", actors.GetContactLink{}, actors.ContactLink{}, 0},
		"new link":    {http.MethodPost, "/contact-link/reset", "", actors.GetContactLink{Reset: true}, actors.ContactLink{}, 0},
	} {
		t.Run(name, func(t *testing.T) { errand.run(t, "/api/clients/") })
	}
	errand{
		http.MethodGet, "?link=https%3A%2F%2Fwa.me%2Fqr%2FAbC", "", actors.ResolveLink{Link: "https://wa.me/qr/AbC"}, actors.LinkTarget{Kind: "contact"}, 0,
	}.run(t, "/api/links/")
	errand{http.MethodGet, "/1234567890", "", actors.GetBusiness{ID: "1234567890@c.us"}, actors.Business{}, 0}.run(t, "/api/businesses/")

	o := &office{}
	e := boot(t, Config{}, o)
	for path, field := range map[string]string{"/privacy": "lastSeen", "/profile": "name", "/disappearing": "seconds"} {
		body := map[string]string{"lastSeen": `{"lastSeen":"nobody"}`, "name": `{"name":""}`, "seconds": `{"seconds":5}`}[field]
		refusal := e.ask(http.MethodPut, "/api/clients/"+account+path, body).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, field, refusal.Details.Field)
	}
	require.Empty(t, o.questions())
}
