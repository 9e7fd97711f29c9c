package actors

import (
	"context"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

// MaxChecked is how many numbers are asked for at once.
const MaxChecked = 100

// CheckNumbers asks whether numbers are on WhatsApp; the reply is [CheckedNumbers],
// in their order.
type CheckNumbers struct{ Numbers []string }

// CheckedNumbers are what WhatsApp says of numbers.
type CheckedNumbers struct {
	Numbers []CheckedNumber `json:"numbers"`
}

// CheckedNumber is one of them. Its person has both addresses where there are any.
type CheckedNumber struct {
	Asked        string `json:"asked" doc:"the number in digits"`
	OnWhatsApp   bool   `json:"onWhatsApp"`
	BusinessName string `json:"businessName,omitempty" doc:"verified by WhatsApp"`
	Person
}

func (r CheckNumbers) perform(ctx context.Context, l *link) (any, error) {
	if len(r.Numbers) == 0 || len(r.Numbers) > MaxChecked {
		return nil, refuseInput("numbers", "expected 1 to %d numbers", MaxChecked)
	}
	asked := make([]string, len(r.Numbers))
	for i, text := range r.Numbers {
		number, ok := ParseNumber(text)
		if !ok {
			return nil, refuseInput("numbers", "%q is no number", text)
		}
		asked[i] = "+" + number
	}
	answers, err := l.client.IsOnWhatsApp(ctx, asked)
	if err != nil {
		return nil, err
	}
	known := make(map[string]types.IsOnWhatsAppResponse, len(answers))
	for _, answer := range answers {
		known[answer.Query] = answer
	}
	checked := CheckedNumbers{make([]CheckedNumber, len(asked))}
	for i, query := range asked {
		if checked.Numbers[i], err = l.checked(ctx, query, known[query]); err != nil {
			return nil, err
		}
	}
	return checked, nil
}

func (l *link) checked(ctx context.Context, query string, answer types.IsOnWhatsAppResponse) (checked CheckedNumber, err error) {
	checked.Asked, checked.OnWhatsApp = query[1:], answer.IsIn
	if !answer.IsIn {
		return checked, nil
	}
	if answer.VerifiedName != nil {
		checked.BusinessName = answer.VerifiedName.Details.GetVerifiedName()
	}
	checked.Person, err = l.inbound.people.person(ctx, l.inbound.ledger.journal, answer.JID, "")
	return checked, err
}

// BlockContact keeps somebody from reaching the account, or ends that; the reply is
// the [BlockedContacts] as they are then.
type BlockContact struct {
	Contact string
	On      bool
}

// ListBlocked asks whom the account has blocked; the reply is [BlockedContacts].
type ListBlocked struct{}

// BlockedContacts are kept from reaching the account.
type BlockedContacts struct {
	Contacts []BlockedContact `json:"contacts"`
}

// BlockedContact is one of them.
type BlockedContact struct{ Person }

func (r BlockContact) perform(ctx context.Context, l *link) (any, error) {
	jid, err := l.parsePerson(ctx, r.Contact)
	if err != nil {
		return nil, err
	}
	action := events.BlocklistChangeActionUnblock
	if r.On {
		action = events.BlocklistChangeActionBlock
	}
	list, err := l.client.UpdateBlocklist(ctx, jid, action)
	if err != nil {
		return nil, changed(err)
	}
	return l.blocked(ctx, list)
}

func (ListBlocked) perform(ctx context.Context, l *link) (any, error) {
	list, err := l.client.GetBlocklist(ctx)
	if err != nil {
		return nil, err
	}
	return l.blocked(ctx, list)
}

func (l *link) blocked(ctx context.Context, list *types.Blocklist) (BlockedContacts, error) {
	all := BlockedContacts{make([]BlockedContact, len(list.JIDs))}
	for i, jid := range list.JIDs {
		person, err := l.inbound.people.person(ctx, l.inbound.ledger.journal, jid, "")
		if err != nil {
			return all, err
		}
		all.Contacts[i] = BlockedContact{person}
	}
	return all, nil
}

// SetPresence shows the account as available or not, until the connection ends; the
// reply is [Done]. While it is not, others' phones show no second tick.
type SetPresence struct{ Available bool }

func (r SetPresence) perform(ctx context.Context, l *link) (any, error) {
	if !r.Available {
		return Done{}, changed(l.client.SendPresence(ctx, types.PresenceUnavailable))
	}
	if err := l.client.SendPresence(ctx, types.PresenceAvailable); err != nil {
		return nil, changed(err)
	}
	return Done{}, changed(l.resubscribe(ctx)) // what was asked for while it was not may be lost
}
