package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

// contactOperation is an operation below the contacts of an account.
func contactOperation(id, method, path, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: "/api/contacts/{accountNumber}" + path, Tags: []string{"contacts"}, Summary: summary,
	}
}

func (s *Server) contactRequestRoutes() {
	performs[checkInput, actors.CheckedNumbers](s, contactOperation("checkNumbers", http.MethodPost, "/check",
		"Tell which numbers are on WhatsApp"),
		func(i *checkInput) (number, actors.Request) {
			return i.AccountNumber, actors.CheckNumbers{Numbers: i.Body.Numbers}
		})
	performs[clientInput, actors.BlockedContacts](s, contactOperation("listBlocked", http.MethodGet, "/blocked",
		"List whom an account has blocked"),
		func(i *clientInput) (number, actors.Request) { return i.AccountNumber, actors.ListBlocked{} })
	for path, on := range map[string]bool{"block": true, "unblock": false} {
		performs[contactInput, actors.BlockedContacts](s, contactOperation(path+"Contact", http.MethodPost, "/{contactId}/"+path,
			"Keep somebody from reaching an account, or end that"),
			func(i *contactInput) (number, actors.Request) {
				return i.AccountNumber, actors.BlockContact{Contact: string(i.ContactID), On: on}
			})
	}
	performs[presenceInput, actors.Done](s, huma.Operation{
		OperationID: "setPresence", Method: http.MethodPut, Path: "/api/clients/{accountNumber}/presence", Tags: []string{"clients"},
		Summary: "Show an account as available, or not",
	}, func(i *presenceInput) (number, actors.Request) {
		return i.AccountNumber, actors.SetPresence{Available: i.Body.State == "available"}
	})
}

type checkInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          struct {
		Numbers []string `json:"numbers" minItems:"1" maxItems:"100" doc:"phone numbers" example:"[\"31600000002\"]"`
	}
}

type contactInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ContactID     chat   `path:"contactId" doc:"a person" example:"1234567890@c.us"`
}

type presenceInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          struct {
		State string `json:"state" enum:"available,unavailable" doc:"until the connection ends"`
	}
}
