package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor"
)

func (s *Server) contactRoutes() {
	tags := []string{"contacts"}
	const summary = "List or search an account's contacts"
	route(s, huma.Operation{
		OperationID: "listContacts", Method: http.MethodGet, Path: "/api/contacts/{accountNumber}", Tags: tags, Summary: summary,
	}, func(ctx context.Context, input *contactsInput) (*reply[contactList], error) {
		return s.listContacts(ctx, *input)
	})
	route(s, huma.Operation{
		OperationID: "listContactsOf", Method: http.MethodGet, Path: "/api/contacts", Tags: tags, Summary: summary,
	}, func(ctx context.Context, input *contactsOfInput) (*reply[contactList], error) {
		return s.listContacts(ctx, contactsInput{input.AccountNumber, input.ContactsQuery})
	})
}

type contactsInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ContactsQuery
}

type contactsOfInput struct {
	AccountNumber number `query:"accountNumber" required:"true" doc:"phone number of the account" example:"31612345678"`
	ContactsQuery
}

// ContactsQuery is what both ways of asking for contacts share. It is exported for the
// sake of Huma, as Contact is.
type ContactsQuery struct {
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"100" doc:"how many at most"`
	Search  string `query:"search" maxLength:"100" doc:"beginnings of words of a name, or of the number" example:"john"`
	Refresh bool   `query:"refresh" doc:"ask WhatsApp for photos, which takes a connection, and tell the presence of those who were subscribed to"`
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

// photo is null where none was asked for yet, or there is none to see.
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

func (s *Server) listContacts(ctx context.Context, asked contactsInput) (*reply[contactList], error) {
	page, err := asked.page(asked.Limit)
	if err != nil {
		return nil, err
	}
	list, err := s.accounts.Contacts(ctx, string(asked.AccountNumber), asked.Search, page)
	if err != nil {
		return nil, err
	}
	shown := contactList{make([]Contact, len(list.Contacts)), showPage(page, list.Next)}
	if asked.Search == "" {
		shown.Pagination.Total = &list.Total
	}
	for i, c := range list.Contacts {
		shown.Contacts[i] = showContact(asked.AccountNumber, c)
	}
	if asked.Refresh {
		err = s.refreshContacts(ctx, asked.AccountNumber, shown.Contacts)
	}
	return &reply[contactList]{succeed(shown)}, err
}

// refreshContacts asks WhatsApp about all of them at once.
func (s *Server) refreshContacts(ctx context.Context, account number, shown []Contact) error {
	request := actors.GetLooks{Contacts: make([]string, len(shown))}
	for i, c := range shown {
		request.Contacts[i] = c.ID
	}
	looks, err := perform[actors.Looks](ctx, s, account, request)
	for i, look := range looks {
		shown[i].wear(look)
	}
	return err
}

// wear shows what WhatsApp has told. The URL of a photo is this server's, below
// wherever it is reached: WhatsApp's own takes a question for each.
func (c *Contact) wear(look actors.Look) {
	if look.PhotoID != "" {
		url := "/api/contacts/" + c.ClientID + "/" + c.ID + "/photo?format=jpeg"
		c.Photo = photo{&look.PhotoID, &url}
	}
	if seen := look.Presence; seen != nil {
		c.Presence = presence{State: seen.State, LastSeen: seen.LastSeen, Known: true}
	}
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
