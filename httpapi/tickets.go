package httpapi

import (
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/access"
)

const (
	// ticketLife is long enough to open a socket, and too short to be found in a log.
	ticketLife = 30 * time.Second
	maxTickets = maxSockets

	ticketParameter = "ticket"
	// homeEnd is what a ticket has behind the session of the node that gave it.
	homeEnd = "."
)

// keysInURLs are the names under which clients of other servers put a key into a URL,
// where logs and histories keep it.
var keysInURLs = []string{"key", "token", "apikey", "api_key", "access_token", "authorization"}

// tickets let web pages open a socket without their key in its URL: each is good once,
// for a while. The node that gave it has it; where there are others its text says which
// one that is. The methods may be called by anyone.
type tickets struct {
	now func() time.Time

	mu   sync.Mutex
	open map[string]ticket
}

type ticket struct {
	owner   call
	expires time.Time
}

func newTickets() *tickets { return &tickets{now: time.Now, open: make(map[string]ticket)} }

func (s *Server) ticketRoute() {
	route(s, huma.Operation{
		OperationID: "createTicket", Method: http.MethodPost, Path: "/api/ws-tickets", Tags: []string{"events"},
		Summary:       "Get a ticket that opens one WebSocket",
		Description:   "For web pages: ?ticket= in the URL of the socket stands for the key, once and within 30 seconds, on any node.",
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, _ *struct{}) (*reply[issuedTicket], error) {
		issued, err := s.tickets.issue(*callOf(ctx))
		if s.config.Cluster != nil {
			issued.Ticket = s.config.Cluster.Self().Session + homeEnd + issued.Ticket
		}
		return &reply[issuedTicket]{succeed(issued)}, err
	})
	s.app.Post(ticketPath, s.tellTicket)
}

type issuedTicket struct {
	Ticket    string    `json:"ticket"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func (t *tickets) issue(owner call) (issuedTicket, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if len(t.open) >= maxTickets {
		maps.DeleteFunc(t.open, func(_ string, known ticket) bool { return !now.Before(known.expires) })
	}
	if len(t.open) >= maxTickets {
		return issuedTicket{}, &actors.Error{
			Code: actors.CodeRateLimited, Message: "Too many tickets are waiting to be used.", RetryAfter: ticketLife,
		}
	}
	issued := issuedTicket{rand.Text(), now.Add(ticketLife).UTC()}
	t.open[issued.Ticket] = ticket{owner, issued.ExpiresAt}
	return issued, nil
}

// take uses a ticket up.
func (t *tickets) take(text string) (owner call, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, found := t.open[text]
	delete(t.open, text)
	return known.owner, found && t.now().Before(known.expires)
}

// redeem makes whoever brings a ticket the one it was given to. It stands before the
// key is asked for.
func (s *Server) redeem(c *fiber.Ctx) error {
	if !websocket.IsWebSocketUpgrade(c) {
		return c.Next()
	}
	for name := range c.Queries() {
		if slices.Contains(keysInURLs, strings.ToLower(name)) {
			return refuseField(name, name+": a key does not belong into a URL; ask for a ticket at POST /api/ws-tickets")
		}
	}
	text := c.Query(ticketParameter)
	if text == "" {
		return c.Next()
	}
	owner, err := s.ownerOf(c.UserContext(), text)
	if err != nil {
		return err
	}
	if err := stillGood(owner.grant, remoteOf(c)); err != nil {
		return err
	}
	current := callOf(c.UserContext())
	owner.id, owner.operation = current.id, ""
	*current = owner
	return c.Next()
}

// stillGood asks of a key what is asked of it where it is shown itself.
func stillGood(key *access.Grant, from netip.Addr) error {
	switch {
	case key == nil: // the bootstrap administrator's
		return nil
	case key.Life().Err() != nil:
		return errTicketsKeyOver()
	case !key.From(from):
		return errKeyElsewhere()
	default:
		return nil
	}
}

func errTicketsKeyOver() error {
	return actors.Refuse(codeUnauthorized, "The key that the ticket was given for is over.")
}
