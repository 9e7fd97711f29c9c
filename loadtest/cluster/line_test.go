package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
)

// line is an account, and the friend that it writes with.
type line struct {
	fleet   *fleet
	account string
	owner   *simulator.Phone
	friend  *simulator.Phone

	answered atomic.Int64
	sends    []send
	received []string // ids of what the friend has written
	own      []string // ids of what the owner has written on the phone
}

// send is one message that was asked for; id is what the answer named.
type send struct{ key, text, id string }

// answer is what the API says.
type answer struct {
	status   int
	after    string // when to ask again
	replayed bool
	Data     struct{ ID, Status, QR string }
	Error    struct{ Code, Message string }
}

const (
	// callTimeout is when a caller gives an attempt up.
	callTimeout = 5 * time.Second
	// longestPause is as long as a caller pauses, whatever it is told, so that tests
	// see what comes of more attempts.
	longestPause = 200 * time.Millisecond
	// correspondence is the time between two messages of one side, at least.
	correspondence = 60 * time.Millisecond
	// backlog is how much may wait for the nodes before the phones pause.
	backlog = 60
)

// join makes the nth account, linked with its phone, and a friend of it.
func (f *fleet) join(t *testing.T, n int) *line {
	t.Helper()
	l := &line{fleet: f, account: fmt.Sprintf("3161000%04d", n)}
	var err error
	l.owner, err = f.world.AddPhone(l.account, "Desk")
	require.NoError(t, err)
	l.friend, err = f.world.AddPhone(fmt.Sprintf("3162000%04d", n), "Ann")
	require.NoError(t, err)
	_, err = l.insist(t.Context(), http.MethodPost, "/api/clients/initialize", `{"accountNumber":"`+l.account+`"}`, "")
	require.NoError(t, err)
	var code struct{ QR string }
	require.Eventually(t, func() bool { return l.get(t.Context(), "/api/clients/"+l.account+"/qr", &code) == nil }, patience, 20*time.Millisecond)
	require.NoError(t, l.owner.Scan(t.Context(), code.QR))
	f.lines = append(f.lines, l)
	return l
}

// begin links accounts, and lets everybody write until conclude.
func (f *fleet) begin(t *testing.T, accounts int) {
	t.Helper()
	for n := range accounts {
		f.busy = append(f.busy, f.join(t, n))
	}
	f.awaitReady(t)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); f.traffic.Wait() })
	for _, l := range f.busy {
		f.traffic.Go(func() { l.write(ctx, t) })
		f.traffic.Go(func() { l.correspond(ctx, t) })
	}
	f.awaitAnswers(t, 2)
}

// awaitAnswers waits until each of the accounts has sent so many more messages.
func (f *fleet) awaitAnswers(t *testing.T, more int64) {
	t.Helper()
	for _, l := range f.busy {
		target := l.answered.Load() + more
		require.Eventually(t, func() bool { return l.answered.Load() >= target }, patience, 5*time.Millisecond, "%s is not answered", l.account)
	}
}

// write sends one message after the other, and finishes the last one. Every other
// message is not waited for longer than its acceptance.
func (l *line) write(ctx context.Context, t *testing.T) {
	tick := time.NewTicker(correspondence)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-l.fleet.stop:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := l.send(ctx, send{key: fmt.Sprintf("key %d", n), text: fmt.Sprintf("%s says %d", l.account, n)}, n%2*4); err != nil {
			t.Errorf("message %d of %s: %v", n, l.account, err)
			return
		}
	}
}

// send insists on a message.
func (l *line) send(ctx context.Context, s send, wait int) error {
	got, err := l.insist(ctx, http.MethodPost, "/api/messages/send?wait="+strconv.Itoa(wait), l.body(s), s.key)
	if err != nil {
		return err
	}
	s.id = got.Data.ID
	l.sends = append(l.sends, s)
	l.answered.Add(1)
	return nil
}

func (l *line) body(s send) string {
	return fmt.Sprintf(`{"accountNumber":%q,"chatId":"%s@c.us","message":{"text":%q}}`, l.account, l.friend.Number(), s.text)
}

// insist asks any node that lives, until it is answered for good. What may be asked
// again is what has come to nothing, what the API says that it may, and, under a key,
// what nobody knows the outcome of.
func (l *line) insist(ctx context.Context, method, path, body, key string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	var last error
	for {
		got, err := l.ask(ctx, l.anyNode(), method, path, body, key)
		switch {
		case err == nil && got.status < http.StatusBadRequest:
			return got, nil
		case err != nil: // no answer
			last = err
		case got.status == http.StatusServiceUnavailable && got.after != "", got.status == http.StatusGatewayTimeout:
			last = got.refusal()
		default:
			return got, got.refusal()
		}
		select {
		case <-time.After(rand.N(longestPause)):
		case <-ctx.Done():
			return answer{}, errors.Join(context.Cause(ctx), last)
		}
	}
}

func (a answer) refusal() error {
	return fmt.Errorf("answered %d %s: %s (Retry-After: %q)", a.status, a.Error.Code, a.Error.Message, a.after)
}

// anyNode is where a load balancer would lead.
func (l *line) anyNode() string {
	bases := l.fleet.living()
	if len(bases) == 0 {
		return "http://127.0.0.1:1" // nobody is there
	}
	return bases[rand.IntN(len(bases))]
}

// ask asks a node once.
func (l *line) ask(ctx context.Context, base, method, path, body, key string) (got answer, err error) {
	request, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		return got, err
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := l.fleet.http.Do(request)
	if err != nil {
		return got, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return got, err
	}
	got.status, got.after = response.StatusCode, response.Header.Get("Retry-After")
	got.replayed = response.Header.Get("Idempotency-Replayed") == "true"
	return got, json.Unmarshal(text, &got)
}

// get asks any node once.
func (l *line) get(ctx context.Context, path string, data any) error {
	return l.fleet.get(ctx, l.anyNode(), path, data)
}

// correspond has the phones write: the friend to the account, and the account's owner.
func (l *line) correspond(ctx context.Context, t *testing.T) {
	tick := time.NewTicker(correspondence)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-l.fleet.stop:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if l.fleet.world.Stats().PendingOffline > backlog {
			continue
		}
		from, to, ids := l.friend, l.owner, &l.received
		if n%4 == 3 {
			from, to, ids = l.owner, l.friend, &l.own
		}
		id, err := from.SendText(ctx, to.Number(), fmt.Sprintf("message %d", n))
		if err != nil {
			t.Errorf("phones of %s: %v", l.account, err)
			return
		}
		*ids = append(*ids, id)
	}
}
