package httpapi

import (
	"context"
	"net/http"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor"
)

// oneContactRoutes come after those of fixed paths, which they would hide.
func (s *Server) oneContactRoutes() {
	route(s, contactOperation("getContact", http.MethodGet, "/{contactId}", "Tell of somebody, by number or hidden id"), s.getContact)
	performs[saveContactInput, actors.Done](s, contactOperation("saveContact", http.MethodPut, "/{contactId}",
		"Give somebody a name in the address book of the account's devices"), (*saveContactInput).request)
	performs[contactInput, actors.Done](s, contactOperation("subscribeContact", http.MethodPost, "/{contactId}/subscribe",
		"Have it told as presence when somebody comes online or goes away"),
		func(i *contactInput) (number, actors.Request) {
			return i.AccountNumber, actors.Subscribe{Contact: string(i.ContactID)}
		})
}

type oneContactInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ContactID     chat   `path:"contactId" doc:"a person, by number or hidden id" example:"1234567890@c.us"`
	Refresh       bool   `query:"refresh" doc:"ask WhatsApp, which takes a connection"`
}

// contactDetail is somebody with what only WhatsApp knows, which is null where it
// was not asked.
type contactDetail struct {
	Contact

	Business   bool    `json:"business" doc:"WhatsApp has verified the name of a business"`
	OnWhatsApp *bool   `json:"onWhatsApp" doc:"where WhatsApp was asked"`
	Blocked    *bool   `json:"blocked" doc:"by the account, where WhatsApp was asked"`
	About      *string `json:"about" doc:"the text under the name, where WhatsApp was asked and shows it to the account"`
}

func (s *Server) getContact(ctx context.Context, input *oneContactInput) (*reply[contactDetail], error) {
	if input.Refresh {
		return s.refreshContact(ctx, input)
	}
	known, err := s.accounts.Contact(ctx, string(input.AccountNumber), string(input.ContactID))
	if err != nil {
		return nil, err
	}
	return &reply[contactDetail]{succeed(showDetail(input.AccountNumber, known))}, nil
}

func showDetail(account number, known supervisor.Contact) contactDetail {
	return contactDetail{Contact: showContact(account, known), Business: known.Names.BusinessName != ""}
}

func (s *Server) refreshContact(ctx context.Context, input *oneContactInput) (*reply[contactDetail], error) {
	told, err := perform[actors.ContactProfile](ctx, s, input.AccountNumber, actors.GetContact{Contact: string(input.ContactID)})
	if err != nil {
		return nil, err
	}
	shown := showDetail(input.AccountNumber, supervisor.Contact{Person: told.Person, Names: told.Names})
	shown.OnWhatsApp, shown.Blocked = &told.OnWhatsApp, &told.Blocked
	shown.About = orNull(told.About)
	shown.wear(told.Look)
	return &reply[contactDetail]{succeed(shown)}, nil
}

type saveContactInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ContactID     chat   `path:"contactId" doc:"a person" example:"1234567890@c.us"`
	Body          struct {
		FullName  string `json:"fullName" minLength:"1" maxLength:"100" example:"Ann Jansen"`
		FirstName string `json:"firstName,omitempty" maxLength:"100" doc:"the full name where not given" example:"Ann"`
	}
}

func (i *saveContactInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.SaveContact{Contact: string(i.ContactID), FullName: i.Body.FullName, FirstName: i.Body.FirstName}
}
