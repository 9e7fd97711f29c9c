package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/supervisor"
)

func (s *Server) contactRoutes() {
	tags := []string{"contacts"}
	const summary = "List or search an account's contacts"
	route(s, huma.Operation{
		OperationID: "listContacts", Method: http.MethodGet, Path: "/api/contacts/{accountNumber}", Tags: tags, Summary: summary,
	}, func(ctx context.Context, input *contactsInput) (*reply[contactList], error) {
		return s.listContacts(ctx, input.AccountNumber, input.Search, input.Limit, input.PageInput)
	})
	route(s, huma.Operation{
		OperationID: "listContactsOf", Method: http.MethodGet, Path: "/api/contacts", Tags: tags, Summary: summary,
	}, func(ctx context.Context, input *contactsOfInput) (*reply[contactList], error) {
		return s.listContacts(ctx, input.AccountNumber, input.Search, input.Limit, input.PageInput)
	})
}

type contactsInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Limit         int    `query:"limit" minimum:"1" maximum:"200" default:"100"`
	Search        string `query:"search" maxLength:"100" doc:"beginnings of words of a name, or of the number" example:"john"`
	PageInput
}

type contactsOfInput struct {
	AccountNumber number `query:"accountNumber" required:"true" doc:"phone number of the account" example:"31612345678"`
	Limit         int    `query:"limit" minimum:"1" maximum:"200" default:"100"`
	Search        string `query:"search" maxLength:"100" doc:"beginnings of words of a name, or of the number" example:"john"`
	PageInput
}

type contactList struct {
	Contacts   []Contact  `json:"contacts"`
	Pagination pagination `json:"pagination"`
}

// Contact is somebody as lists show them. It is exported because Huma overlooks what
// is embedded otherwise.
type Contact struct {
	ClientID     string   `json:"clientId" doc:"the accountNumber"`
	ID           string   `json:"id" doc:"number@c.us where the number is known, else …@lid"`
	Number       *string  `json:"number" doc:"phone number in digits"`
	LID          *string  `json:"lid" doc:"hidden id"`
	Name         *string  `json:"name" doc:"best known name"`
	FullName     *string  `json:"fullName" doc:"as in the phone's address book"`
	FirstName    *string  `json:"firstName" doc:"as in the phone's address book"`
	PushName     *string  `json:"pushName" doc:"what they call themselves"`
	BusinessName *string  `json:"businessName"`
	Photo        photo    `json:"photo"`
	Presence     presence `json:"presence"`
}

// photo is null where none was asked for yet.
type photo struct {
	ID  *string `json:"id"`
	URL *string `json:"url"`
}

// presence is unknown until somebody subscribes to it.
type presence struct {
	State    string     `json:"state" enum:"available,unavailable,unknown"`
	LastSeen *time.Time `json:"lastSeen"`
	Known    bool       `json:"known"`
}

func (s *Server) listContacts(ctx context.Context, account number, search string, limit int, at PageInput) (*reply[contactList], error) {
	page, err := at.page(limit)
	if err != nil {
		return nil, err
	}
	list, err := s.accounts.Contacts(ctx, string(account), search, page)
	if err != nil {
		return nil, err
	}
	shown := contactList{make([]Contact, len(list.Contacts)), showPage(page, list.Next)}
	if search == "" {
		shown.Pagination.Total = &list.Total
	}
	for i, c := range list.Contacts {
		shown.Contacts[i] = showContact(account, c)
	}
	return &reply[contactList]{succeed(shown)}, nil
}

func showContact(account number, c supervisor.Contact) Contact {
	return Contact{
		ClientID: string(account), ID: cmp.Or(c.Person.Address(), c.Names.JID),
		Number: orNull(c.Person.Number), LID: orNull(c.Person.LID), Name: orNull(c.Person.Name),
		FullName: orNull(c.Names.FullName), FirstName: orNull(c.Names.FirstName),
		PushName: orNull(c.Names.PushName), BusinessName: orNull(c.Names.BusinessName),
		Presence: presence{State: "unknown"},
	}
}
