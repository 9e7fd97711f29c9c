package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/loadtest/simulator"
)

// caller sends through the API as a client should: each message has a key, and
// is asked for again, with the same key and body, until there is an answer.
type caller struct {
	entrance        *entrance
	client          *http.Client
	account, friend string
	answered        *atomic.Int64 // by the callers together
	sends           []send
}

// send is one message that was asked for; id is what the answer named.
type send struct {
	key, text, id string
	file          []byte    // a picture, of which the text is the caption
	at            time.Time // when it is due, if that is not at once
}

// body is the request, the same each time.
func (s send) body(account, friend string) string {
	message, due := fmt.Sprintf(`{"text":%q}`, s.text), ""
	if s.file != nil {
		message = fmt.Sprintf(`{"image":{"base64":%q,"caption":%q}}`, base64.StdEncoding.EncodeToString(s.file), s.text)
	}
	if !s.at.IsZero() {
		due = fmt.Sprintf(`,"sendAt":%q`, s.at.Format(time.RFC3339Nano))
	}
	return fmt.Sprintf(`{"accountNumber":%q,"chatId":"%s@c.us","message":%s%s}`, account, friend, message, due)
}

// answer is what the API says of a send.
type answer struct {
	status   int
	replayed bool
	Data     struct{ ID, Status string }
	Error    struct{ Code, Message string }
}

const (
	// retryPause is between two attempts of a caller.
	retryPause = 10 * time.Millisecond
	// callTimeout is when a caller gives an attempt up.
	callTimeout = 30 * time.Second
)

// run sends one message after the other until stop is closed, and finishes the
// last one. Every other message is not waited for longer than its acceptance.
func (c *caller) run(ctx context.Context, t *testing.T, stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		s := send{key: fmt.Sprintf("key %d", n), text: fmt.Sprintf("%s says %d", c.account, n)}
		got, err := c.insist(ctx, s, n%2*20)
		if err != nil {
			t.Errorf("send %q: %v", s.text, err)
			return
		}
		s.id = got.Data.ID
		c.sends = append(c.sends, s)
		c.answered.Add(1)
	}
}

// insist asks until it is answered, whichever process that takes.
func (c *caller) insist(ctx context.Context, s send, wait int) (answer, error) {
	for {
		base, err := c.entrance.find(ctx)
		if err != nil {
			return answer{}, err
		}
		got, err := c.ask(ctx, base, s, wait)
		if err == nil && got.status <= http.StatusInternalServerError { // above it means: not now
			return got, got.err()
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return answer{}, errors.Join(context.Cause(ctx), err, got.err())
		}
	}
}

func (a answer) err() error {
	if a.status == http.StatusCreated || a.status == http.StatusAccepted {
		return nil
	}
	return fmt.Errorf("answered %d %s: %s", a.status, a.Error.Code, a.Error.Message)
}

func (c *caller) ask(ctx context.Context, base string, s send, wait int) (got answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		base+"/api/messages/send?wait="+strconv.Itoa(wait), strings.NewReader(s.body(c.account, c.friend)))
	if err != nil {
		return got, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", s.key)
	response, err := c.client.Do(request)
	if err != nil {
		return got, err
	}
	defer response.Body.Close()
	got.status, got.replayed = response.StatusCode, response.Header.Get("Idempotency-Replayed") == "true"
	return got, json.NewDecoder(response.Body).Decode(&got)
}

// correspondent is what happens on the phones meanwhile: the friend writes and
// reads, and the account's owner writes on the phone.
type correspondent struct {
	world         *simulator.Simulator
	owner, friend *simulator.Phone
	received      []string // ids of what the friend wrote to the account
	own           []string // ids of what the owner wrote on the phone
}

const (
	// correspondence is the time between two messages of a correspondent.
	correspondence = 40 * time.Millisecond
	// backlog is how much may wait for the server before the phones pause, so that
	// a slow machine is not given more and more to do.
	backlog = 60
)

func (c *correspondent) run(ctx context.Context, t *testing.T, stop <-chan struct{}) {
	tick := time.NewTicker(correspondence)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if c.world.Stats().PendingOffline > backlog {
			continue
		}
		if err := c.write(ctx, n); err != nil {
			t.Errorf("phones of %s: %v", c.owner.Number(), err)
			return
		}
	}
}

// write is one step of the correspondence; phones address by LID and, as older
// ones do, by number.
func (c *correspondent) write(ctx context.Context, n int) error {
	text := "message " + strconv.Itoa(n)
	if n%4 == 3 {
		id, err := c.owner.SendText(ctx, c.friend.Number(), text)
		c.own = append(c.own, id)
		return err
	}
	mode := types.AddressingModeLID
	if n%4 == 2 {
		mode = types.AddressingModePN
	}
	id, err := c.friend.SendTextAs(ctx, c.owner.Number(), text, mode)
	c.received = append(c.received, id)
	return err
}
