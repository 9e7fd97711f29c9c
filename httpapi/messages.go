package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

const (
	headerKey      = "Idempotency-Key"
	headerReplayed = "Idempotency-Replayed"

	// defaultWait, in seconds, is what WhatsApp's answer rarely takes.
	defaultWait = 20
)

func (s *Server) messageRoutes() {
	sent := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[success[sentMessage]](), true, "")
	content := map[string]*huma.MediaType{typeJSON: {Schema: sent}}
	route(s, huma.Operation{
		OperationID: "sendMessage", Method: http.MethodPost, Path: sendPath, Tags: []string{"messages"},
		Summary: "Send a message",
		Description: "A file comes by URL, in base64, or as the part named file of a form (multipart/form-data) that has the fields of " +
			"the body, of which message is JSON.",
		MaxBodyBytes: maxSendJSON, BodyReadTimeout: transferTimeout, Middlewares: huma.Middlewares{s.readForm},
		DefaultStatus: http.StatusCreated,
		Responses: map[string]*huma.Response{
			"201": {Description: "WhatsApp has the message", Content: content},
			"202": {Description: "The message is durable and will be sent; events tell what becomes of it", Content: content},
		},
	}, s.send)
}

type sendInput struct {
	Wait int    `query:"wait" minimum:"0" maximum:"60" doc:"seconds to wait for WhatsApp's answer, 20 where not given; 0 answers at acceptance"`
	Key  string `header:"Idempotency-Key" minLength:"1" maxLength:"255" pattern:"^[ -~]+$" patternDescription:"printable ASCII" doc:"the same key and body within 24 hours sends once"`
	Body sendBody
}

type sendBody struct {
	AccountNumber number  `json:"accountNumber" doc:"who sends" example:"31612345678"`
	ChatID        chat    `json:"chatId" doc:"person or group" example:"1234567890@c.us"`
	Message       content `json:"message"`
	SendOptions
}

// Resolve completes the wait and refuses an empty key.
func (i *sendInput) Resolve(ctx huma.Context) []error { return settle(ctx, &i.Wait) }

// settle waits where nothing was said, since a default in the schema would also
// take the place of a zero that was given; and it refuses an empty key, whose
// sender believes to be safe from sending twice.
func settle(ctx huma.Context, wait *int) []error {
	if ctx.Query("wait") == "" {
		*wait = defaultWait
	}
	var wrongs []error
	ctx.EachHeader(func(name, value string) {
		if name == headerKey && value == "" {
			wrongs = wrong("header."+headerKey, "expected 1 to 255 printable characters")
		}
	})
	return wrongs
}

// wait is how long WhatsApp's answer is waited for.
func (i *sendInput) wait() time.Duration { return time.Duration(i.Wait) * time.Second }

// patience is the time that the account is given beyond that of the request.
func (i *sendInput) patience() time.Duration {
	if _, file := i.Body.Message.fileGiven(); file != nil {
		return i.wait() + transferTimeout
	}
	return i.wait()
}

// hash tells the same request from another, however it was spelled.
func (b sendBody) hash() ([sha256.Size]byte, error) {
	canonical, err := json.Marshal(b)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("hash request: %w", err)
	}
	return sha256.Sum256(canonical), nil
}

type sentMessage struct {
	ClientID  string    `json:"clientId"`
	ID        string    `json:"id" doc:"the message's id, unique in its chat"`
	ChatID    string    `json:"chatId"`
	Status    string    `json:"status" enum:"queued,sent,expired,cancelled,unknown" doc:"unknown: it may have been sent, and is sent again under the same id unless it is held"`
	Reason    string    `json:"reason,omitempty" doc:"error code of what it waits for"`
	Timestamp time.Time `json:"timestamp"`
}

type sendReply struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true where the key had been used for the same request"`
	Body     success[sentMessage]
}

func (s *Server) send(ctx context.Context, input *sendInput) (*sendReply, error) {
	sent, err := s.ask(ctx, input.Body, input.Key, input.wait())
	if err != nil {
		return nil, err
	}
	return showSent(string(input.Body.AccountNumber), sent)
}

// ask gives an account a message to send.
func (s *Server) ask(ctx context.Context, body sendBody, key string, wait time.Duration) (actors.Sent, error) {
	hash, err := body.hash()
	if err != nil {
		return actors.Sent{}, err
	}
	draft, file, err := body.Message.attach(ctx, body.Message.draft(), &hash)
	if err != nil {
		return actors.Sent{}, err
	}
	if file != nil {
		defer file.Close()
	}
	sent, err := s.accounts.Send(ctx, string(body.AccountNumber), actors.Send{
		To:          string(body.ChatID),
		Draft:       draft,
		Manner:      body.Message.manner(),
		ID:          body.ID,
		Key:         key,
		Principal:   principalOf(ctx).ID,
		RequestHash: hash,
		Wait:        wait,
		Delivery:    body.delivery(),
	})
	return sent, unsettled(err)
}

// unsettled says of a send that ran out of time what that means: the account may
// have accepted it.
func unsettled(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &actors.Error{Code: actors.CodeOutcomeUnknown, Cause: err}
	}
	return err
}

func showSent(account string, sent actors.Sent) (*sendReply, error) {
	shown := &sendReply{Status: http.StatusAccepted, Body: succeed(sentMessage{
		ClientID:  account,
		ID:        sent.MessageID,
		ChatID:    sent.ChatID,
		Status:    sent.Status,
		Reason:    string(sent.Reason),
		Timestamp: sent.Timestamp.UTC(),
	})}
	if sent.Replayed {
		shown.Replayed = "true"
	}
	switch sent.Status {
	case "failed":
		return nil, failedSend(sent)
	case "sent":
		shown.Status = http.StatusCreated
	}
	return shown, nil
}

// sendError is the error that a message ended with.
type sendError struct {
	reason    *actors.Error
	messageID string
}

// Error is for logs.
func (e *sendError) Error() string {
	return fmt.Sprintf("message %s failed: %v", e.messageID, e.reason)
}

// Unwrap gives the reason.
func (e *sendError) Unwrap() error { return e.reason }

func failedSend(sent actors.Sent) error {
	err := error(&sendError{reason: &actors.Error{Code: sent.Reason, Until: sent.Until}, messageID: sent.MessageID})
	if sent.Replayed {
		err = huma.ErrorWithHeaders(err, http.Header{headerReplayed: {"true"}})
	}
	return err
}
