package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
)

// Limits of sockets.
const (
	// maxSockets bounds the sockets of a process; one costs about 45 KB.
	maxSockets = 10_000
	// maxSubscriptions bounds the accounts that a socket names; all accounts count
	// as none.
	maxSubscriptions = 1000
	// maxFrame is the size of a frame from a client: a subscription of
	// maxSubscriptions accounts with their cursors fits.
	maxFrame = 64 << 10
	// maxWaitingEvents and maxWaitingBytes bound what waits for a slow reader.
	maxWaitingEvents = 4096
	maxWaitingBytes  = 1 << 20
	// maxNodeEvents and maxNodeBytes bound what waits for another node.
	maxNodeEvents = 16384
	maxNodeBytes  = 16 << 20
	// nodeBeat is how often a node that has nothing to tell says so.
	nodeBeat = 2 * time.Second

	pingEvery    = 25 * time.Second // below the minute after which proxies give up
	maxSilence   = time.Minute      // two pings without an answer
	maxWrite     = 10 * time.Second // for a frame to leave
	closingGrace = 2 * time.Second  // for the client to answer a close
)

// streamLimits are the limits above, for tests to change.
type streamLimits struct {
	sockets                       int
	waiting, nodeWaiting          actors.FeedLimits
	ping, silence, write, closing time.Duration
	nodeBeat                      time.Duration
}

// Events is where streams get what they tell. Its methods answer with an
// [*actors.Error] where the client can act on it, and no later than ctx ends.
type Events interface {
	// Numbers lists the accounts that exist.
	Numbers() []string
	Status(ctx context.Context, account string) (actors.Status, error)
	// EventLog tells what an account's log holds: what comes after oldest, up to
	// and including head.
	EventLog(ctx context.Context, account string) (oldest, head actors.Cursor, err error)
	// Events reads an account's log after a cursor, at most limit events. It
	// refuses with cursor_expired what the log does not go back to.
	Events(ctx context.Context, account string, after actors.Cursor, limit int) ([]actors.Event, error)
	// Subscribe opens a queue of live events that follows no account yet.
	Subscribe(limits actors.FeedLimits) *actors.Subscription
}

// streams are the open sockets of a server.
type streams struct {
	run      func(ctx context.Context, operation string, arguments map[string]json.RawMessage) Outcome
	events   audible
	limits   streamLimits
	observer Observer
	ctx      context.Context // ends with the closure of all
	end      context.CancelCauseFunc

	mu       sync.Mutex
	open     map[*socket]struct{}
	draining bool
	running  sync.WaitGroup
}

func newStreams(events audible) *streams {
	ctx, end := context.WithCancelCause(context.Background())
	return &streams{
		events: events, observer: unobserved{}, ctx: ctx, end: end, open: make(map[*socket]struct{}),
		limits: streamLimits{
			sockets: maxSockets, waiting: actors.FeedLimits{Events: maxWaitingEvents, Bytes: maxWaitingBytes},
			nodeWaiting: actors.FeedLimits{Events: maxNodeEvents, Bytes: maxNodeBytes}, nodeBeat: nodeBeat,
			ping: pingEvery, silence: maxSilence, write: maxWrite, closing: closingGrace,
		},
	}
}

// openStream answers the request for a socket. What can be refused is refused
// here, while there is an HTTP status for it.
func (s *Server) openStream(c *fiber.Ctx) error {
	if err := checkHandshake(c); err != nil {
		return err
	}
	current := callOf(c.UserContext())
	if err := current.spend(c.UserContext(), c.Set); err != nil {
		return err
	}
	if err := permit(current.principal, streamRight); err != nil {
		return err
	}
	if err := s.streams.admit(); err != nil {
		return err
	}
	selection, err := selectionOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), s.config.RequestTimeout)
	defer cancel()
	for _, place := range selection.places {
		if _, _, err := s.streams.events.EventLog(ctx, place.account); err != nil {
			return about(err, "accountNumber")
		}
	}
	return upgrade(c, s.streams.limits, func(client *socket) { s.streams.serve(client, current, selection) })
}

// checkHandshake refuses what is no opening handshake of RFC 6455.
func checkHandshake(c *fiber.Ctx) error {
	switch {
	case !websocket.IsWebSocketUpgrade(c) || c.Method() != http.MethodGet:
		c.Set(fiber.HeaderUpgrade, "websocket")
		return actors.Refuse(actors.CodeInvalidRequest, "This path is for WebSockets: open it as ws:// or wss://.")
	case c.Get(fiber.HeaderSecWebSocketVersion) != "13":
		c.Set(fiber.HeaderSecWebSocketVersion, "13")
		return refuseField(fiber.HeaderSecWebSocketVersion, "expected version 13")
	case c.Get(fiber.HeaderSecWebSocketKey) == "":
		return refuseField(fiber.HeaderSecWebSocketKey, "expected a key")
	default:
		return nil
	}
}

func selectionOf(c *fiber.Ctx) (selection, error) {
	query, err := url.ParseQuery(string(c.Request().URI().QueryString()))
	if err != nil {
		return selection{}, refuseField("query", "malformed")
	}
	query.Del(ticketParameter) // the guard has taken it
	return parseQuery(query)
}

// admit refuses a socket that [streams.enter] would close at once.
func (s *streams) admit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return actors.Refuse(actors.CodeDraining, "")
	}
	if len(s.open) >= s.limits.sockets {
		return &actors.Error{
			Code: actors.CodeRateLimited, Message: "This server has as many sockets open as it allows.", RetryAfter: time.Minute,
		}
	}
	return nil
}

// serve has a stream run until the client leaves, or has to. The goroutine of
// the request reads, one other writes; both are over when serve returns.
func (s *streams) serve(client *socket, current *call, opening selection) {
	if err := s.enter(client, s.limits.sockets); err != nil {
		client.close(err)
		return
	}
	defer s.leave(client)
	ctx, end := context.WithCancelCause(current.within(s.ctx))
	if current.grant != nil {
		stop := context.AfterFunc(current.grant.Life(), func() { end(errKeyOver) })
		defer stop()
	}
	feed := s.events.Subscribe(ctx, s.limits.waiting)
	defer feed.Close()
	s.observer.Opened()
	defer func() { s.observer.Closed(closingCode(ctx)) }()
	frames, told := make(chan []byte), make(chan struct{})
	defer func() { <-told }()
	stream := newStream(s.events, feed, client, current)
	stream.commands = newCommands(s, current)
	go func() {
		defer close(told)
		end(survive(current, func() error { return stream.run(ctx, opening, frames) }))
		client.close(context.Cause(ctx))
		stream.commands.running.Wait()
	}()
	end(survive(current, func() error { return client.listen(ctx, end, frames) }))
}

// survive turns a panic into a closure; a socket must not end the process.
func survive(current *call, do func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			current.log.Error("stream panicked", zap.String("requestId", current.id), zap.Any("panic", value),
				zap.ByteString("stack", debug.Stack()))
			err = errBroken
		}
	}()
	return do()
}

// enter counts a socket among those that are open, unless there are most already.
func (s *streams) enter(client *socket, most int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return errGoingAway
	}
	if len(s.open) >= most {
		return errTooMany
	}
	s.open[client] = struct{}{}
	s.running.Add(1)
	return nil
}

func (s *streams) leave(client *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, client)
	s.running.Done()
}

// drain accepts no more sockets; those open stay.
func (s *streams) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

// close tells every client that the server goes away, and waits until all are
// gone. Those that have not left when ctx ends are cut off.
func (s *streams) close(ctx context.Context) error {
	s.drain()
	s.end(errGoingAway)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		s.running.Wait()
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		n := s.cutOff()
		<-gone
		return fmt.Errorf("close sockets: %d cut off: %w", n, context.Cause(ctx))
	}
}

func (s *streams) cutOff() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for client := range s.open {
		client.cutOff()
	}
	return len(s.open)
}
