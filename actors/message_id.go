package actors

import (
	"context"
	"errors"
	"regexp"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

func newMessageID() string {
	return whatsmeow.GenerateMessageID() //nolint:staticcheck // the newer form is a client's, and who is offline has none
}

// idForm is what WhatsApp's clients give their messages: web 18 to 22, phones 20 or 32
// digits.
var idForm = regexp.MustCompile(`^[0-9A-F]{16,32}$`)

// checkID refuses an id that a caller has chosen and cannot have; empty is none.
func (o outbox) checkID(ctx context.Context, to types.JID, id string) error {
	if id == "" {
		return nil
	}
	if !idForm.MatchString(id) {
		return wrongField("id", "must be 16 to 32 of 0-9 and A-F")
	}
	used, err := o.isUsed(ctx, to, id)
	if err == nil && used {
		err = &Error{Code: CodeMessageIDUsed, Field: "id", Message: "id: there is a message with this id already"}
	}
	return err
}

// isUsed tells whether a message of the chat has an id, or anything that was accepted.
func (o outbox) isUsed(ctx context.Context, to types.JID, id string) (bool, error) {
	journal, scope := o.inbound.ledger.journal, o.inbound.people.scope
	if waits, err := isStored(persist.Outbox.Get(ctx, journal, scope, id)); waits || err != nil {
		return waits, err
	}
	if amended, err := isStored(persist.SendResults.Get(ctx, journal, scope, id)); amended || err != nil {
		return amended, err
	}
	c, err := o.composition(ctx, nil, to)
	if err != nil {
		return false, err
	}
	namesakes, err := c.namesakes(ctx, c.chat, id)
	return len(namesakes) > 0, err
}

// isStored tells whether what was asked for was found.
func isStored[T any](_ T, err error) (bool, error) {
	if errors.Is(err, persist.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
