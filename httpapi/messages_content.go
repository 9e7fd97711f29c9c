package httpapi

import (
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/media"
)

// content is what a message says, in one of its kinds, and how it is sent.
type content struct {
	TextContent
	FileContent
	Location     *locationContent     `json:"location,omitempty"`
	LiveLocation *liveLocationContent `json:"liveLocation,omitempty"`
	Contacts     []cardContent        `json:"contacts,omitempty" minItems:"1" maxItems:"257"`
	Poll         *pollContent         `json:"poll,omitempty"`
	Vote         *voteContent         `json:"vote,omitempty"`
	Reaction     *reactionContent     `json:"reaction,omitempty"`
	Edit         *editContent         `json:"edit,omitempty"`
	Delete       *deleteContent       `json:"delete,omitempty"`
	Forward      *forwardContent      `json:"forward,omitempty"`
	MannerContent
}

// kinds are what a message can be; each gives a draft where it is meant.
var kinds = []struct {
	name  string
	draft func(content) actors.Draft
}{
	{"text", content.text},
	{"image", fileOf(media.Image)},
	{"video", fileOf(media.Video)},
	{"audio", fileOf(media.Audio)},
	{"voice", fileOf(media.Voice)},
	{"document", fileOf(media.Document)},
	{"sticker", fileOf(media.Sticker)},
	{"location", content.location},
	{"liveLocation", content.liveLocation},
	{"contacts", content.contacts},
	{"poll", content.poll},
	{"vote", content.vote},
	{"reaction", content.reaction},
	{"edit", content.edit},
	{"delete", content.deletion},
	{"forward", content.forward},
}

// Resolve refuses what is not exactly one kind.
func (c content) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	var given, names []string
	for _, kind := range kinds {
		names = append(names, kind.name)
		if kind.draft(c) != nil {
			given = append(given, kind.name)
		}
	}
	switch {
	case len(given) == 0:
		return wrongAt(at, "expected one of "+strings.Join(names, ", "))
	case len(given) > 1:
		return wrong(at.With(given[1]), "not together with "+given[0])
	default:
		return append(c.check(at), c.checkFile(at)...)
	}
}

// draft is the content in the account's words.
func (c content) draft() actors.Draft {
	for _, kind := range kinds {
		if draft := kind.draft(c); draft != nil {
			return draft
		}
	}
	return nil
}

// MannerContent is what stands beside the content of a message.
type MannerContent struct {
	QuotedID   string   `json:"quotedId,omitempty" maxLength:"2048" doc:"id of the message of the same chat that it answers"`
	Mentions   []string `json:"mentions,omitempty" maxItems:"1024" doc:"people who are told of it: numbers, or addresses at c.us, s.whatsapp.net or lid, each shown as a name where the text has @ and its digits; all is everybody in the group" example:"[\"1234567890@c.us\"]"`
	Expiration *int     `json:"expiration,omitempty" enum:"0,86400,604800,7776000" doc:"seconds after which it disappears, 0 for never; where not given, as is set for the chat"`
	ViewOnce   bool     `json:"viewOnce,omitempty" doc:"an image, a video or a voice note that phones show a single time"`
}

func (m MannerContent) manner() actors.Manner {
	manner := actors.Manner{QuotedID: m.QuotedID, Mentions: m.Mentions, ViewOnce: m.ViewOnce}
	if m.Expiration != nil {
		after := time.Duration(*m.Expiration) * time.Second
		manner.Expiration = &after
	}
	return manner
}
