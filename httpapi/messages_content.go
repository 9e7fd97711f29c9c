package httpapi

import "whatsapp-web-server/actors"

// content is what a message says, in one of its fields.
type content struct {
	// WhatsApp's own clients cut off at 65,536 characters.
	Text string `json:"text" minLength:"1" maxLength:"65536"`
}

// draft is the content in the account's words.
func (c content) draft() actors.Draft { return actors.Text{Body: c.Text} }
