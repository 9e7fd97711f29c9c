package httpapi

import (
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

// number is the number of an account. It is in the caller's spelling until Huma
// has resolved it, and in digits from then on.
type number string

// Resolve reads the number.
func (n *number) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	text, err := decoded(string(*n), at)
	digits, ok := actors.ParseNumber(text)
	if err != nil || !ok {
		return wrongAt(at, "expected a phone number of 5 to 20 digits")
	}
	*n = number(digits)
	return nil
}

// chat is the address of a person or group, in the caller's spelling until Huma
// has resolved it, and as the API shows it from then on.
type chat string

// Resolve reads the address.
func (c *chat) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	text, err := decoded(string(*c), at)
	jid, ok := actors.ParseChat(text)
	if err != nil || !ok {
		return wrongAt(at, "expected a number, or an address at c.us, s.whatsapp.net, lid or g.us")
	}
	*c = chat(actors.FormatChat(jid))
	return nil
}

// anyChat is a chat, or empty for all.
type anyChat string

// Resolve reads the address, if there is one.
func (c *anyChat) Resolve(ctx huma.Context, at *huma.PathBuffer) []error {
	if *c == "" {
		return nil
	}
	return (*chat)(c).Resolve(ctx, at)
}

// messageID is the id of a message, encoded until Huma has resolved it.
type messageID string

// Resolve decodes the id.
func (m *messageID) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	text, err := decoded(string(*m), at)
	if err != nil {
		return wrongAt(at, "expected the id of a message")
	}
	*m = messageID(text)
	return nil
}

// decoded is text as the caller meant it: Fiber leaves path parameters encoded.
func decoded(text string, at *huma.PathBuffer) (string, error) {
	if strings.HasPrefix(at.String(), "path.") {
		return url.PathUnescape(text)
	}
	return text, nil
}

func wrongAt(at *huma.PathBuffer, message string) []error { return wrong(at.String(), message) }

func wrong(location, message string) []error {
	return []error{&huma.ErrorDetail{Location: location, Message: message}}
}

// clientInput is the input of what asks for nothing but an account. Others repeat
// its field: Huma resolves no embedded struct in an input that has a Resolve of
// its own.
type clientInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
}
