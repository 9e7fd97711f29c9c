package actors

import (
	"context"
	"fmt"
	"strings"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

// maxContacts is how many cards WhatsApp's own clients put into one message.
const maxContacts = 257

// Contacts is a draft of contact cards.
type Contacts []Card

// Card is a contact card: what is on it, or the vCard itself.
type Card struct {
	Name         string
	Numbers      []string // as [ParseNumber] reads them
	Organization string
	VCard        string
}

func (cards Contacts) compose(context.Context, *composition) (*waE2E.Message, error) {
	if len(cards) == 0 || len(cards) > maxContacts {
		return nil, wrongField("message.contacts", fmt.Sprintf("must be 1 to %d", maxContacts))
	}
	written := make([]*waE2E.ContactMessage, len(cards))
	for i, card := range cards {
		vcard, err := card.write(fmt.Sprintf("message.contacts[%d]", i))
		if err != nil {
			return nil, err
		}
		written[i] = &waE2E.ContactMessage{DisplayName: proto.String(card.Name), Vcard: proto.String(vcard)}
	}
	if len(written) == 1 {
		return &waE2E.Message{ContactMessage: written[0]}, nil
	}
	return &waE2E.Message{ContactsArrayMessage: &waE2E.ContactsArrayMessage{
		DisplayName: proto.String(fmt.Sprintf("%d contacts", len(written))), Contacts: written,
	}}, nil
}

// escape keeps a value from being read as more than one (RFC 2426, section 4).
var escape = strings.NewReplacer(`\`, `\\`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`, ",", `\,`, ";", `\;`)

// write makes the vCard as WhatsApp's clients have it: waid is what lets a reader
// open a chat with the number.
func (c Card) write(field string) (string, error) {
	switch {
	case c.Name == "":
		return "", wrongField(field+".name", "missing")
	case c.VCard != "" && (len(c.Numbers) > 0 || c.Organization != ""):
		return "", wrongField(field+".vcard", "not together with what it is made of")
	case c.VCard != "" && !strings.HasPrefix(c.VCard, "BEGIN:VCARD"):
		return "", wrongField(field+".vcard", "not a vCard")
	case c.VCard != "":
		return c.VCard, nil
	case len(c.Numbers) == 0:
		return "", wrongField(field+".numbers", "missing")
	}
	lines := []string{"BEGIN:VCARD", "VERSION:3.0", "N:;" + escape.Replace(c.Name) + ";;;", "FN:" + escape.Replace(c.Name)}
	if c.Organization != "" {
		lines = append(lines, "ORG:"+escape.Replace(c.Organization)+";")
	}
	for i, text := range c.Numbers {
		number, ok := ParseNumber(text)
		if !ok {
			return "", wrongField(fmt.Sprintf("%s.numbers[%d]", field, i), "not a phone number")
		}
		lines = append(lines, "TEL;type=CELL;type=VOICE;waid="+number+":+"+number)
	}
	return strings.Join(append(lines, "END:VCARD"), "\n"), nil
}
