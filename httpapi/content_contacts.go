package httpapi

import "whatsapp-web-server/actors"

// cardContent is a contact card: what is on it, or a vCard.
type cardContent struct {
	Name         string   `json:"name" minLength:"1" maxLength:"256" example:"Ann Smith"`
	Numbers      []string `json:"numbers,omitempty" maxItems:"16" doc:"phone numbers with country code" example:"[\"1234567890\"]"`
	Organization string   `json:"organization,omitempty" maxLength:"256"`
	VCard        string   `json:"vcard,omitempty" maxLength:"65536" doc:"in place of numbers and organization"`
}

func (c content) contacts() actors.Draft {
	if len(c.Contacts) == 0 {
		return nil
	}
	cards := make(actors.Contacts, len(c.Contacts))
	for i, card := range c.Contacts {
		cards[i] = actors.Card(card)
	}
	return cards
}
