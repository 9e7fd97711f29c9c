package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/fetch"
	"whatsapp-web-server/persist"
)

const (
	// postTimeout is how long an endpoint has to answer.
	postTimeout = 15 * time.Second
	// lastMoment is how long a request may go on when the server is stopping.
	lastMoment = 2 * time.Second
)

// sender posts to one endpoint.
type sender struct {
	hook    persist.Webhook
	poster  *fetch.Poster
	header  http.Header
	signers []signer
}

// signer signs until its time is over; zero is never.
type signer struct {
	*standardwebhooks.Webhook
	until time.Time
}

func newSender(hook persist.Webhook, poster *fetch.Poster) (*sender, error) {
	s := &sender{hook: hook, poster: poster, header: http.Header{}}
	for _, secret := range []struct {
		text  string
		until time.Time
	}{{hook.Secret, time.Time{}}, {hook.OldSecret, hook.OldSecretUntil}} {
		if secret.text == "" {
			continue
		}
		key, err := standardwebhooks.NewWebhook(secret.text)
		if err != nil {
			return nil, fmt.Errorf("secret of webhook %s is damaged", hook.ID) // and not to be told
		}
		s.signers = append(s.signers, signer{key, secret.until})
	}
	headers, err := headersOf(hook)
	if err != nil {
		return nil, err
	}
	for name, value := range headers {
		s.header.Set(name, value)
	}
	s.header.Set("Content-Type", "application/json")
	s.header.Set("User-Agent", "whatsapp-web-server")
	return s, nil
}

// headersOf are those that the owner has go along.
func headersOf(hook persist.Webhook) (headers map[string]string, err error) {
	if hook.Headers == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(hook.Headers), &headers); err != nil {
		return nil, fmt.Errorf("headers of webhook %s are damaged", hook.ID)
	}
	return headers, nil
}

// verdict is what an endpoint says to an event.
type verdict struct {
	status int
	// failure is why it was not taken; empty if it was.
	failure string
	// silent says that the endpoint as such does not answer, or asks for a pause.
	silent bool
	// gone says that it wants nothing any more.
	gone bool
	// wait is how long it asks to be left alone.
	wait time.Duration
	took time.Duration
}

// post sends a body under an id.
func (s *sender) post(ctx context.Context, id string, body []byte) verdict {
	begun := time.Now()
	header := maps.Clone(s.header)
	header[standardwebhooks.HeaderWebhookID] = []string{id} // in lower case, as the scheme has them
	header[standardwebhooks.HeaderWebhookTimestamp] = []string{strconv.FormatInt(begun.Unix(), 10)}
	header[standardwebhooks.HeaderWebhookSignature] = []string{s.sign(id, begun, body)}
	ctx, cancel := patient(ctx)
	defer cancel()
	answer, err := s.poster.Post(ctx, s.hook.URL, header, body)
	v := judge(answer, err)
	v.took = time.Since(begun)
	return v
}

// patient has what is underway go on for a moment when the actor is ending: an endpoint
// that has taken the event would get it again.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), postTimeout)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastMoment, cancel) })
	return lasting, func() { stop(); cancel() }
}

func (s *sender) sign(id string, at time.Time, body []byte) string {
	var signatures []string
	for _, signer := range s.signers {
		if !signer.until.IsZero() && !at.Before(signer.until) {
			continue
		}
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			panic(fmt.Sprintf("sign webhook: %v", err)) // it never does
		}
		signatures = append(signatures, signature)
	}
	return strings.Join(signatures, " ")
}

// judge tells apart what an event and what the endpoint as such fails by.
func judge(answer fetch.Answer, err error) verdict {
	v := verdict{status: answer.Status, wait: answer.RetryAfter}
	switch {
	case errors.Is(err, fetch.ErrNotAllowed):
		v.failure, v.silent = "url_not_allowed", true
	case errors.Is(err, context.DeadlineExceeded):
		v.failure, v.silent = "timeout", true
	case err != nil:
		v.failure, v.silent = "unreachable", true
	case answer.Status >= 200 && answer.Status < 300:
	default:
		v.failure, v.gone = "status_"+strconv.Itoa(answer.Status), answer.Status == http.StatusGone
		switch answer.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusGone:
			v.silent = true
		}
	}
	return v
}

func bodyOf(event actors.Event) []byte {
	body, err := json.Marshal(actors.FrameOf(event))
	if err != nil {
		panic(fmt.Sprintf("encode %s event: %v", event.Kind, err)) // a plain struct around JSON
	}
	return body
}
