package httpapi

import (
	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

// TextContent is a text with what belongs to it.
type TextContent struct {
	// WhatsApp's own clients cut off at 65,536 characters.
	Text        string       `json:"text,omitempty" minLength:"1" maxLength:"65536"`
	Preview     bool         `json:"preview,omitempty" doc:"fetch what the first link in the text leads to, and show that; the text goes without where that cannot be reached"`
	LinkPreview *linkPreview `json:"linkPreview,omitempty" doc:"what a link in the text leads to, as recipients are to see it"`
}

type linkPreview struct {
	URL         string `json:"url" minLength:"1" maxLength:"2048" doc:"as it stands in the text" example:"https://example.com/"`
	Title       string `json:"title" minLength:"1" maxLength:"1024"`
	Description string `json:"description,omitempty" maxLength:"4096"`
	Thumbnail   []byte `json:"thumbnail,omitempty" doc:"a small JPEG of at most 64 KB, in base64"`
}

func (c content) text() actors.Draft {
	switch {
	case c.Text == "":
		return nil
	case c.Preview:
		return actors.Unfurled{Body: c.Text}
	case c.LinkPreview != nil:
		return actors.Linked{Body: c.Text, Preview: actors.Preview(*c.LinkPreview)}
	default:
		return actors.Text{Body: c.Text}
	}
}

func (c TextContent) check(at *huma.PathBuffer) []error {
	switch {
	case c.LinkPreview != nil && c.Preview:
		return wrong(at.With("linkPreview"), "not together with preview")
	case c.LinkPreview != nil && c.Text == "":
		return wrong(at.With("linkPreview"), "only with a text")
	case c.Preview && c.Text == "":
		return wrong(at.With("preview"), "only with a text")
	default:
		return nil
	}
}
