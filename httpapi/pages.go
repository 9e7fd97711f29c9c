package httpapi

import (
	"context"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor"
)

// Reader reads what accounts have stored, whether their sessions run or not; see
// the methods of [supervisor.Supervisor] for what each promises.
type Reader interface {
	Conversations(ctx context.Context, account string, page supervisor.Page) (supervisor.ConversationList, error)
	Conversation(ctx context.Context, account, chat string) (supervisor.ConversationDetail, error)
	Messages(ctx context.Context, account, chat, before string, page supervisor.Page) (supervisor.MessageList, error)
	Message(ctx context.Context, account, chat, id string) (supervisor.Message, error)
	Search(ctx context.Context, account, text, chat string, page supervisor.Page) (supervisor.MessageList, error)
	Statuses(ctx context.Context, account string, page supervisor.Page) (supervisor.MessageList, error)
	Contacts(ctx context.Context, account, search string, page supervisor.Page) (supervisor.ContactList, error)
	Contact(ctx context.Context, account, address string) (supervisor.Contact, error)
	Labels(ctx context.Context, account string) ([]actors.Label, error)
	LabelItems(ctx context.Context, account, label string, page supervisor.Page) ([]supervisor.LabelItem, string, error)
	Outbox(ctx context.Context, account string, page supervisor.Page) ([]supervisor.Delivery, string, error)
	Delivery(ctx context.Context, account, id string) (supervisor.Delivery, error)
}

// PageInput is where in a list a page begins. How long it is, is each list's own
// field, since their defaults differ. It is exported because Huma overlooks what
// is embedded otherwise.
type PageInput struct {
	Offset int    `query:"offset" minimum:"0" maximum:"10000" default:"0" doc:"how many to skip; a cursor is better where the list changes"`
	Cursor string `query:"cursor" maxLength:"4096" doc:"nextCursor of the page before; it stays good while the list changes"`
}

// page is what to ask for. A place by cursor and one by number contradict each
// other.
func (p PageInput) page(limit int) (supervisor.Page, error) {
	if p.Cursor != "" && p.Offset > 0 {
		return supervisor.Page{}, refuseField("cursor", "cursor: not together with offset")
	}
	return supervisor.Page{Limit: limit, Offset: p.Offset, Cursor: p.Cursor}, nil
}

// pagination tells where a page lies in its list.
type pagination struct {
	Limit      int    `json:"limit"`
	Offset     int    `json:"offset"`
	Total      *int   `json:"total,omitempty" doc:"how many there are altogether, where that is known"`
	HasMore    bool   `json:"hasMore"`
	NextCursor string `json:"nextCursor,omitempty" doc:"gives the next page as cursor"`
}

func showPage(page supervisor.Page, next string) pagination {
	return pagination{Limit: page.Limit, Offset: page.Offset, HasMore: next != "", NextCursor: next}
}

// person is somebody beside what they said or did. Both addresses are there,
// null where they are not known.
type person struct {
	Number *string `json:"number" doc:"phone number in digits"`
	LID    *string `json:"lid" doc:"hidden id"`
	Name   *string `json:"name" doc:"best known name"`
}

func showPerson(known actors.Person) person {
	return person{Number: orNull(known.Number), LID: orNull(known.LID), Name: orNull(known.Name)}
}

// orNull is text, or null where there is none.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
