package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

func clientOperation(id, method, path, tag, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: "/api/clients/{accountNumber}" + path, Tags: []string{tag}, Summary: summary,
	}
}

func (s *Server) profileRoutes() {
	performs[clientInput, actors.Profile](s, clientOperation("getProfile", http.MethodGet, "/profile", "profile", "Tell what an account shows of itself"),
		func(i *clientInput) (number, actors.Request) { return i.AccountNumber, actors.GetProfile{} })
	performs[profileInput, actors.Done](s, clientOperation("setProfile", http.MethodPut, "/profile", "profile", "Change an account's name, or the text under it"),
		func(i *profileInput) (number, actors.Request) { return i.AccountNumber, i.Body })
	performs[profilePictureInput, actors.PictureID](s, clientOperation("setProfilePicture", http.MethodPut, "/profile/picture", "profile",
		"Change an account's picture"),
		func(i *profilePictureInput) (number, actors.Request) {
			return i.AccountNumber, actors.SetPicture{Picture: i.Body.Picture}
		})
	performs[clientInput, actors.PictureID](s, clientOperation("removeProfilePicture", http.MethodDelete, "/profile/picture", "profile",
		"Remove an account's picture"),
		func(i *clientInput) (number, actors.Request) { return i.AccountNumber, actors.SetPicture{} })
	s.privacyRoutes()
	s.linkRoutes()
}

type profileInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          actors.SetProfile
}

type profilePictureInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          pictureBody
}

func (s *Server) privacyRoutes() {
	performs[clientInput, actors.Privacy](s, clientOperation("getPrivacy", http.MethodGet, "/privacy", "privacy", "Tell an account's privacy settings"),
		func(i *clientInput) (number, actors.Request) { return i.AccountNumber, actors.GetPrivacy{} })
	performs[privacyInput, actors.Privacy](s, clientOperation("setPrivacy", http.MethodPut, "/privacy", "privacy", "Change those privacy settings that are given"),
		func(i *privacyInput) (number, actors.Request) {
			return i.AccountNumber, actors.SetPrivacy{Change: i.Body}
		})
	performs[timerInput, actors.Done](s, clientOperation("setDefaultDisappearing", http.MethodPut, "/disappearing", "privacy",
		"Have the messages of new chats disappear after some time"),
		func(i *timerInput) (number, actors.Request) {
			return i.AccountNumber, actors.SetDefaultTimer{Seconds: i.Body.Seconds}
		})
	performs[clientInput, actors.StatusAudience](s, clientOperation("getStatusPrivacy", http.MethodGet, "/privacy/status", "privacy",
		"Tell who gets to see an account's statuses"),
		func(i *clientInput) (number, actors.Request) { return i.AccountNumber, actors.GetStatusPrivacy{} })
}

type privacyInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          actors.Privacy
}

type timerInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          struct {
		Seconds uint32 `json:"seconds" enum:"0,86400,604800,7776000" doc:"0 for never"`
	}
}

func (s *Server) linkRoutes() {
	performs[clientInput, actors.ContactLink](s, clientOperation("getContactLink", http.MethodGet, "/contact-link", "profile",
		"Tell the link by which others find an account"),
		func(i *clientInput) (number, actors.Request) { return i.AccountNumber, actors.GetContactLink{} })
	performs[clientInput, actors.ContactLink](s, clientOperation("resetContactLink", http.MethodPost, "/contact-link/reset", "profile",
		"Make a new link in place of the present one"),
		func(i *clientInput) (number, actors.Request) {
			return i.AccountNumber, actors.GetContactLink{Reset: true}
		})
	performs[linkInput, actors.LinkTarget](s, huma.Operation{
		OperationID: "resolveLink", Method: http.MethodGet, Path: "/api/links/{accountNumber}", Tags: []string{"contacts"},
		Summary: "Tell whom a link leads to: one of a contact, or to write to a business",
	}, func(i *linkInput) (number, actors.Request) { return i.AccountNumber, actors.ResolveLink{Link: i.Link} })
	performs[businessInput, actors.Business](s, huma.Operation{
		OperationID: "getBusiness", Method: http.MethodGet, Path: "/api/businesses/{accountNumber}/{contactId}", Tags: []string{"contacts"},
		Summary: "Tell what a business shows of itself",
	}, func(i *businessInput) (number, actors.Request) {
		return i.AccountNumber, actors.GetBusiness{ID: string(i.ContactID)}
	})
}

type linkInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Link          string `query:"link" required:"true" maxLength:"200" doc:"the link" example:"https://wa.me/message/ABCDEFGHIJKLM1"`
}

type businessInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ContactID     chat   `path:"contactId" doc:"a person's number or address" example:"1234567890@c.us"`
}
