package actors

import (
	"context"
	"net/http"
	"strings"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

// maxThumbnail bounds a small picture that a caller gives, in bytes; phones make some
// of 20 KB.
const maxThumbnail = 64 << 10

// checkThumbnail refuses what is no small picture. There may be none.
func checkThumbnail(field string, picture []byte) error {
	switch {
	case len(picture) > maxThumbnail:
		return wrongField(field, "must have at most 64 KB")
	case len(picture) > 0 && http.DetectContentType(picture) != "image/jpeg":
		return wrongField(field, "not a JPEG")
	default:
		return nil
	}
}

// Linked is a draft of words with a preview of a link that is in them.
type Linked struct {
	Body    string
	Preview Preview
}

// Preview is what a link leads to, as its sender sees it.
type Preview struct {
	URL         string // as it stands in the text
	Title       string
	Description string
	Thumbnail   []byte // a JPEG
}

func (l Linked) compose(context.Context, *composition) (*waE2E.Message, error) {
	if err := checkText("message.text", l.Body); err != nil {
		return nil, err
	}
	if err := l.Preview.check(l.Body); err != nil {
		return nil, err
	}
	return l.Preview.within(l.Body), nil
}

func (p Preview) check(body string) error {
	switch {
	case p.URL == "" || !strings.Contains(body, p.URL):
		return wrongField("message.linkPreview.url", "must stand in the text")
	case p.Title == "":
		return wrongField("message.linkPreview.title", "missing")
	default:
		return checkThumbnail("message.linkPreview.thumbnail", p.Thumbnail)
	}
}

// within is a text with the preview.
func (p Preview) within(body string) *waE2E.Message {
	return &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{
		Text: proto.String(body), MatchedText: proto.String(p.URL), Title: proto.String(p.Title),
		Description: optional(p.Description), JPEGThumbnail: p.Thumbnail,
		PreviewType: waE2E.ExtendedTextMessage_NONE.Enum(),
	}}
}
