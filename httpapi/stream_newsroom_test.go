package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"whatsapp-web-server/actors"
)

const friend = "31612345679"

// newsroom has accounts that do nothing but keep a log and publish.
type newsroom struct {
	*actors.Feed

	publishing sync.Mutex // keeps the order
	mu         sync.Mutex
	accounts   map[string]*source
}

type source struct {
	log    string
	events []actors.Event // the log; of sequence pruned+1 and up
	pruned int64
	status actors.Status
	err    error // what it answers instead of its status
	asked  int
	failed error // what its log answers
	hangs  bool  // its log answers when nobody waits any more
}

func (s *source) head() actors.Cursor {
	return actors.Cursor{Log: s.log, Seq: s.pruned + int64(len(s.events))}
}

func newNewsroom(accounts ...string) *newsroom {
	n := &newsroom{Feed: actors.NewFeed(), accounts: map[string]*source{}}
	for _, account := range accounts {
		n.accounts[account] = &source{log: "01LOG" + account[len(account)-1:], status: actors.Status{
			Account: account, Session: actors.Session{State: actors.StateConnecting, Since: noon},
		}}
	}
	return n
}

// change changes an account.
func (n *newsroom) change(account string, how func(*source)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	how(n.accounts[account])
}

// happen appends a durable event and publishes it a moment later, as a commit
// and its callback do.
func (n *newsroom) happen(account string, kind actors.EventKind) actors.Cursor {
	n.publishing.Lock()
	defer n.publishing.Unlock()
	event := n.append(account, kind)
	n.Publish(event)
	return event.Cursor
}

func (n *newsroom) append(account string, kind actors.EventKind) actors.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.accounts[account]
	seq := s.head().Seq + 1
	event := actors.Event{
		Account: account, Kind: kind, At: noon.Add(time.Duration(seq) * time.Second),
		Data:   fmt.Appendf(nil, `{"clientId":%q,"n":%d}`, account, seq),
		Cursor: actors.Cursor{Log: s.log, Seq: seq},
	}
	s.events = append(s.events, event)
	return event
}

// pass publishes an event that is in no log.
func (n *newsroom) pass(account string, kind actors.EventKind, data string) {
	n.Publish(actors.Event{Account: account, Kind: kind, At: time.Now(), Data: json.RawMessage(data)})
}

// prune removes the oldest events of a log.
func (n *newsroom) prune(account string, count int) {
	n.change(account, func(s *source) { s.pruned, s.events = s.pruned+int64(count), s.events[count:] })
}

func (n *newsroom) find(account string) (*source, error) {
	if s := n.accounts[account]; s != nil {
		return s, s.failed
	}
	return nil, actors.Refuse(actors.CodeAccountNotFound, "no account has this number")
}

func (n *newsroom) Numbers() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var numbers []string
	for number := range n.accounts {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	return numbers
}

func (n *newsroom) Status(_ context.Context, account string) (actors.Status, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, err := n.find(account)
	if s == nil {
		return actors.Status{}, err
	}
	s.asked++
	status := s.status
	status.Events = s.head()
	return status, s.err
}

func (n *newsroom) EventLog(_ context.Context, account string) (oldest, head actors.Cursor, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, err := n.find(account)
	if err != nil {
		return oldest, head, err
	}
	return actors.Cursor{Log: s.log, Seq: s.pruned}, s.head(), nil
}

func (n *newsroom) Events(ctx context.Context, account string, after actors.Cursor, limit int) ([]actors.Event, error) {
	if n.hangs(account) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s, err := n.find(account)
	if err != nil {
		return nil, err
	}
	from := after.Seq - s.pruned
	if after.Log != s.log || from < 0 || from > int64(len(s.events)) {
		return nil, actors.Refuse(actors.CodeCursorExpired, "expired")
	}
	return slices.Clone(s.events[from:min(from+int64(limit), int64(len(s.events)))]), nil
}

func (n *newsroom) hangs(account string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.accounts[account].hangs
}

// station is a server that streams from a newsroom.
type station struct {
	*edge
	streams string        // the address for WebSockets alone
	caught  chan struct{} // some reader has caught up
}

func broadcast(t *testing.T, config Config, events Events, changes ...func(*streamLimits)) *station {
	t.Helper()
	return broadcastFor(t, config, &office{}, events, changes...)
}

// broadcastFor also has accounts that answer.
func broadcastFor(t *testing.T, config Config, accounts Accounts, events Events, changes ...func(*streamLimits)) *station {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	server := New(config, accounts, events, zap.New(core))
	for _, change := range changes {
		change(&server.streams.limits)
	}
	var served sync.WaitGroup
	var addresses []string
	for _, serve := range []func(net.Listener) error{server.Serve, server.ServeStreams} {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		served.Go(func() { _ = serve(listener) })
		addresses = append(addresses, listener.Addr().String())
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, server.Shutdown(ctx))
		require.NoError(t, server.CloseStreams(ctx))
		served.Wait()
	})
	return &station{&edge{t, server, addresses[0], logs, held(t, transport)}, addresses[1], make(chan struct{}, 1)}
}

// audience is a client of a stream.
type audience struct {
	t          *testing.T
	connection *websocket.Conn
}

// heardFrame is a frame as a client sees it.
type heardFrame struct {
	Event string
	ID    string
	Time  time.Time
	Data  map[string]any
}

// tune opens a socket at the port for WebSockets alone.
func (s *station) tune(query string, headers ...string) *audience {
	s.t.Helper()
	listening, answer, err := s.dial("ws://"+s.streams+"/"+query, headers...)
	require.NoError(s.t, err, "%v", answer)
	return listening
}

func (s *station) dial(url string, headers ...string) (*audience, *http.Response, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	options := &websocket.DialOptions{HTTPClient: s.client, HTTPHeader: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		options.HTTPHeader.Set(headers[i], headers[i+1])
	}
	options.Host = options.HTTPHeader.Get("Host")
	if protocols := options.HTTPHeader.Get("Sec-WebSocket-Protocol"); protocols != "" {
		options.Subprotocols = strings.Split(protocols, ",")
	}
	connection, answer, err := websocket.Dial(ctx, url, options)
	if err != nil {
		return nil, answer, err
	}
	connection.SetReadLimit(1 << 20)
	s.t.Cleanup(func() { _ = connection.CloseNow() })
	return &audience{s.t, connection}, answer, nil
}

// next is the next frame.
func (a *audience) next() heardFrame {
	a.t.Helper()
	heard, err := a.read()
	require.NoError(a.t, err)
	return heard
}

func (a *audience) read() (heard heardFrame, err error) {
	ctx, cancel := context.WithTimeout(a.t.Context(), 10*time.Second)
	defer cancel()
	kind, data, err := a.connection.Read(ctx)
	if err != nil {
		return heard, err
	}
	require.Equal(a.t, websocket.MessageText, kind)
	require.NoError(a.t, json.Unmarshal(data, &heard), "%s", data)
	return heard, nil
}

// expect checks the names of the next frames and returns the last.
func (a *audience) expect(events ...string) (last heardFrame) {
	a.t.Helper()
	for _, event := range events {
		last = a.next()
		require.Equal(a.t, event, last.Event, "%v", last)
	}
	return last
}

// settle takes what comes before live.
func (a *audience) settle() {
	a.t.Helper()
	for a.next().Event != "caught-up" {
	}
}

func (a *audience) say(frame string) {
	a.t.Helper()
	require.NoError(a.t, a.connection.Write(a.t.Context(), websocket.MessageText, []byte(frame)))
}

// ended reads to the end and returns why the server closed.
func (a *audience) ended() websocket.CloseError {
	a.t.Helper()
	for {
		if _, err := a.read(); err != nil {
			var closed websocket.CloseError
			require.ErrorAs(a.t, err, &closed)
			return closed
		}
	}
}

// n is the number that happen gave to the event.
func (h heardFrame) n() int { return int(h.Data["n"].(float64)) }

func cursorOf(account string, seq int) string {
	return "01LOG" + account[len(account)-1:] + "-" + strconv.Itoa(seq)
}
