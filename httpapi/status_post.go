package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

func (s *Server) storyRoutes() {
	sent := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[success[sentMessage]](), true, "")
	content := map[string]*huma.MediaType{typeJSON: {Schema: sent}}
	responses := map[string]*huma.Response{
		"201": {Description: "WhatsApp has it", Content: content},
		"202": {Description: "It is durable and will be sent; events tell what becomes of it", Content: content},
	}
	route(s, huma.Operation{
		OperationID: "postStatus", Method: http.MethodPost, Path: "/api/status/{accountNumber}", Tags: []string{"status"},
		Summary:      "Show something for a day to whom the account's privacy settings let see it",
		Description:  "A file comes as with a send: by URL, in base64, or as the part named file of a form that has the fields of the body.",
		MaxBodyBytes: maxSendJSON, BodyReadTimeout: transferTimeout, Middlewares: huma.Middlewares{s.readForm},
		DefaultStatus: http.StatusCreated, Responses: responses,
	}, s.postStatus)
	route(s, huma.Operation{
		OperationID: "deleteStatus", Method: http.MethodDelete, Path: "/api/status/{accountNumber}/{id}", Tags: []string{"status"},
		Summary:       "Delete an own status for everybody",
		DefaultStatus: http.StatusCreated, Responses: maps.Clone(responses), // each is completed on its own
	}, s.deleteStatus)
}

// PostInput is how a status is posted or deleted.
type PostInput struct {
	Wait int    `query:"wait" minimum:"0" maximum:"60" doc:"seconds to wait for WhatsApp's answer, 20 where not given; 0 answers at acceptance"`
	Key  string `header:"Idempotency-Key" minLength:"1" maxLength:"255" pattern:"^[ -~]+$" patternDescription:"printable ASCII" doc:"the same key and body within 24 hours posts once"`
}

// Resolve completes the wait and refuses an empty key.
func (i *PostInput) Resolve(ctx huma.Context) []error { return settle(ctx, &i.Wait) }

func (i *PostInput) patience() time.Duration { return time.Duration(i.Wait) * time.Second }

type storyInput struct {
	AccountNumber number `path:"accountNumber" doc:"who posts" example:"31612345678"`
	PostInput
	Body storyBody
}

// patience is the time that the account is given beyond that of the request.
func (i *storyInput) patience() time.Duration {
	if _, file := i.Body.Message.files().fileGiven(); file != nil {
		return i.PostInput.patience() + transferTimeout
	}
	return i.PostInput.patience()
}

type storyBody struct {
	Message storyContent `json:"message"`
	SendOptions
}

// storyContent is what a status says or shows, and how it looks if it is words.
type storyContent struct {
	Text            string          `json:"text,omitempty" minLength:"1" maxLength:"700"`
	BackgroundColor string          `json:"backgroundColor,omitempty" pattern:"^#[0-9A-Fa-f]{6}$" patternDescription:"#RRGGBB" example:"#128C7E"`
	TextColor       string          `json:"textColor,omitempty" pattern:"^#[0-9A-Fa-f]{6}$" patternDescription:"#RRGGBB" example:"#FFFFFF"`
	Font            string          `json:"font,omitempty" enum:"system,system-text,script,bold,morning-breeze,calistoga,exo,courier"`
	Image           *pictureContent `json:"image,omitempty" doc:"JPEG, PNG or WebP"`
	Video           *videoContent   `json:"video,omitempty" doc:"MP4 or 3GP"`
	Audio           *soundContent   `json:"audio,omitempty" doc:"MP3, M4A, AAC, AMR or Ogg with Opus"`
	Voice           *soundContent   `json:"voice,omitempty" doc:"Ogg with Opus"`
}

// Resolve refuses what is not one thing, and a look for what is not words.
func (c storyContent) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	var given []string
	for _, kind := range []struct {
		name string
		is   bool
	}{{"text", c.Text != ""}, {"image", c.Image != nil}, {"video", c.Video != nil}, {"audio", c.Audio != nil}, {"voice", c.Voice != nil}} {
		if kind.is {
			given = append(given, kind.name)
		}
	}
	switch {
	case len(given) == 0:
		return wrongAt(at, "expected one of text, image, video, audio, voice")
	case len(given) > 1:
		return wrong(at.With(given[1]), "not together with "+given[0])
	case c.Video != nil && c.Video.Round:
		return wrong(at.With("video.round"), "not in a status")
	case c.Text == "" && c.look() != "":
		return wrong(at.With(c.look()), "only with text")
	default:
		return c.files().checkFile(at)
	}
}

// look is the first field of how words look that was given; empty if none was.
func (c storyContent) look() string {
	switch {
	case c.BackgroundColor != "":
		return "backgroundColor"
	case c.TextColor != "":
		return "textColor"
	case c.Font != "":
		return "font"
	default:
		return ""
	}
}

func (c storyContent) files() FileContent {
	return FileContent{Image: c.Image, Video: c.Video, Audio: c.Audio, Voice: c.Voice}
}

func (c storyContent) draft() actors.Draft {
	if c.Text != "" {
		return actors.Story{Body: c.Text, Background: opaque(c.BackgroundColor), Color: opaque(c.TextColor), Font: c.Font}
	}
	file, source := c.files().fileGiven()
	file.URL, file.MIMEType = source.URL, source.MIMEType
	return file
}

// opaque reads #RRGGBB into 0xAARRGGBB; zero where nothing was said.
func opaque(color string) uint32 {
	rgb, err := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 24)
	if err != nil {
		return 0 // it is empty: others were refused
	}
	return 0xFF000000 | uint32(rgb)
}

func (s *Server) postStatus(ctx context.Context, input *storyInput) (*sendReply, error) {
	canonical, err := json.Marshal(input.Body)
	if err != nil {
		return nil, fmt.Errorf("hash request: %w", err)
	}
	hash := sha256.Sum256(fmt.Appendf(canonical, "post to %s", actors.StatusChat))
	draft, file, err := input.Body.Message.files().attach(ctx, input.Body.Message.draft(), &hash)
	if err != nil {
		return nil, err
	}
	if file != nil {
		defer file.Close()
	}
	return s.sendStatus(ctx, input.AccountNumber, input.PostInput, actors.Send{
		Draft: draft, ID: input.Body.ID, Delivery: input.Body.delivery(), RequestHash: hash,
	})
}

type storyDeletion struct {
	AccountNumber number    `path:"accountNumber" doc:"who has posted it" example:"31612345678"`
	ID            messageID `path:"id" maxLength:"2048" doc:"the status' id"`
	PostInput
}

func (s *Server) deleteStatus(ctx context.Context, input *storyDeletion) (*sendReply, error) {
	id := string(input.ID)
	return s.sendStatus(ctx, input.AccountNumber, input.PostInput, actors.Send{
		Draft: actors.Deletion{MessageID: id}, RequestHash: sha256.Sum256(fmt.Appendf(nil, "delete %s of %s", id, actors.StatusChat)),
	})
}

// sendStatus gives an account something to do to its status.
func (s *Server) sendStatus(ctx context.Context, account number, how PostInput, send actors.Send) (*sendReply, error) {
	send.To, send.Wait, send.Key, send.Principal = actors.StatusChat, how.patience(), how.Key, principalOf(ctx).ID
	sent, err := s.accounts.Send(ctx, string(account), send)
	if err != nil {
		return nil, unsettled(err)
	}
	return showSent(string(account), sent)
}
