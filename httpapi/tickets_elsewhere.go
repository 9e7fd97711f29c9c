package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/access"
	"whatsapp-web-server/supervisor/ownership"
)

const (
	// ticketPath is where nodes have each other use tickets up.
	ticketPath   = "/nodes/ticket"
	headerTicket = "X-Ticket"
	// ticketTime is how long the node that gave a ticket may take.
	ticketTime = 3 * time.Second
	// maxHolder bounds what it tells.
	maxHolder = 1 << 20
)

// holder is whom a ticket was given to, as nodes tell each other.
type holder struct {
	Who      string         `json:"who"`
	Tenant   string         `json:"tenant,omitempty"`
	Rights   []access.Right `json:"rights"`
	Accounts []string       `json:"accounts,omitempty"`
	// Keyed says that it has a key, which counts as it is where the ticket is used.
	Keyed bool `json:"keyed,omitempty"`
}

func errNoTicket() error {
	return actors.Refuse(codeUnauthorized, "The ticket was used, has expired or was given by a node that is gone.")
}

// ownerOf uses a ticket up, on whichever node it was given.
func (s *Server) ownerOf(ctx context.Context, text string) (call, error) {
	session, own, elsewhere := strings.Cut(text, homeEnd)
	if !elsewhere {
		own = text
	}
	if owner, ok := s.tickets.take(own); ok {
		return owner, nil
	}
	if !elsewhere || s.config.Cluster == nil || session == s.config.Cluster.Self().Session {
		return call{}, errNoTicket()
	}
	nodes := s.config.Cluster.Nodes()
	i := slices.IndexFunc(nodes, func(node ownership.Node) bool { return node.Session == session })
	if i < 0 {
		return call{}, errNoTicket()
	}
	told, err := s.takeFrom(ctx, nodes[i], own)
	if err != nil {
		return call{}, err
	}
	return s.callOfHolder(told)
}

// takeFrom has another node use up a ticket that it gave.
func (s *Server) takeFrom(ctx context.Context, node ownership.Node, ticket string) (told holder, err error) {
	asking := *callOf(ctx)
	asking.principal = access.Principal{ID: "ticket"} // which may do nothing
	response, err := s.pass(asking.within(ctx), node, &relay{
		method: http.MethodPost, target: ticketPath, header: http.Header{headerTicket: {ticket}}, body: &parcel{begun: true}, time: ticketTime,
	})
	if err == nil {
		defer response.Body.Close()
		switch response.StatusCode {
		case http.StatusOK:
			err = json.NewDecoder(io.LimitReader(response.Body, maxHolder)).Decode(&told)
		case http.StatusUnauthorized:
			return told, errNoTicket()
		default:
			err = errors.New("node " + node.Name + " answered " + response.Status)
		}
	}
	if err != nil {
		err = &actors.Error{Code: actors.CodeRoutingUnavailable, RetryAfter: ownerReturns, Cause: err}
	}
	return told, err
}

// callOfHolder is a call by whom another node has given a ticket. Its key is this node's
// to judge.
func (s *Server) callOfHolder(told holder) (call, error) {
	by := call{principal: access.Principal{ID: told.Who, Tenant: told.Tenant, Rights: told.Rights, Accounts: told.Accounts}, log: s.log}
	if !told.Keyed {
		return by, nil
	}
	if by.grant = s.config.Keys.Grant(told.Who); by.grant == nil {
		return call{}, errTicketsKeyOver()
	}
	by.principal = by.grant.Principal
	return by, nil
}

// tellTicket uses up a ticket of this node for another one.
func (s *Server) tellTicket(c *fiber.Ctx) error {
	told := callOf(c.UserContext()).passedOn
	if told == nil {
		return fiber.ErrNotFound
	}
	if told.Session != s.config.Cluster.Self().Session {
		return &actors.Error{Code: codeMisdirected}
	}
	owner, ok := s.tickets.take(c.Get(headerTicket))
	if !ok {
		return errNoTicket()
	}
	by := owner.principal
	return c.JSON(holder{by.ID, by.Tenant, by.Rights, by.Accounts, owner.grant != nil})
}
