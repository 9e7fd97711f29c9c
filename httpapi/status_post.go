package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
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
		Summary:       "Show something for a day to whom the account's privacy settings let see it",
		DefaultStatus: http.StatusCreated, Responses: responses,
	}, s.postStatus)
	route(s, huma.Operation{
		OperationID: "deleteStatus", Method: http.MethodDelete, Path: "/api/status/{accountNumber}/{id}", Tags: []string{"status"},
		Summary:       "Delete an own status for everybody",
		DefaultStatus: http.StatusCreated, Responses: responses,
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
	Body struct {
		Message storyContent `json:"message"`
	}
}

// storyContent is what a status says, and how it looks.
type storyContent struct {
	Text            string `json:"text" minLength:"1" maxLength:"700"`
	BackgroundColor string `json:"backgroundColor,omitempty" pattern:"^#[0-9A-Fa-f]{6}$" patternDescription:"#RRGGBB" example:"#128C7E"`
	TextColor       string `json:"textColor,omitempty" pattern:"^#[0-9A-Fa-f]{6}$" patternDescription:"#RRGGBB" example:"#FFFFFF"`
	Font            string `json:"font,omitempty" enum:"system,system-text,script,bold,morning-breeze,calistoga,exo,courier"`
}

func (c storyContent) draft() actors.Draft {
	return actors.Story{Body: c.Text, Background: opaque(c.BackgroundColor), Color: opaque(c.TextColor), Font: c.Font}
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
	return s.sendStatus(ctx, input.AccountNumber, input.PostInput, input.Body.Message.draft())
}

type storyDeletion struct {
	AccountNumber number    `path:"accountNumber" doc:"who has posted it" example:"31612345678"`
	ID            messageID `path:"id" maxLength:"2048" doc:"the status' id"`
	PostInput
}

func (s *Server) deleteStatus(ctx context.Context, input *storyDeletion) (*sendReply, error) {
	return s.sendStatus(ctx, input.AccountNumber, input.PostInput, actors.Deletion{MessageID: string(input.ID)})
}

func (s *Server) sendStatus(ctx context.Context, account number, how PostInput, draft actors.Draft) (*sendReply, error) {
	canonical, err := json.Marshal(draft)
	if err != nil {
		return nil, fmt.Errorf("hash request: %w", err)
	}
	sent, err := s.accounts.Send(ctx, string(account), actors.Send{
		To: actors.StatusChat, Draft: draft, Wait: how.patience(), Key: how.Key, Principal: callOf(ctx).principal,
		RequestHash: sha256.Sum256(fmt.Appendf(canonical, "%T to %s", draft, actors.StatusChat)),
	})
	if err != nil {
		return nil, unsettled(err)
	}
	return showSent(string(account), sent)
}
