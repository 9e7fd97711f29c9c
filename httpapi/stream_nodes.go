package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/ownership"
)

const (
	// eventsPath is where a node hears all events of another, and statesPath where it
	// asks for the states of accounts.
	eventsPath = "/nodes/events"
	statesPath = "/nodes/states"
	// eventsAtOnce is how many events a message between nodes has at most.
	eventsAtOnce = 256
)

// toldEvent is an event on its way to another node; without a name it is a place, see
// [placeOf].
type toldEvent struct {
	Account string `json:"account"`
	actors.Frame
}

func (t toldEvent) event() (event actors.Event, err error) {
	event = actors.Event{Account: t.Account, Kind: t.Event, At: t.Time, Data: t.Data}
	if t.ID != "" {
		event.Cursor, err = actors.ParseCursor(t.ID)
	}
	return event, err
}

func (s *Server) nodeStreamRoutes() {
	s.app.Get(eventsPath, s.openNodeStream)
	s.app.Get(statesPath, s.tellStates)
}

// meant refuses what does not come from another node, or was meant for another one.
func (s *Server) meant(c *fiber.Ctx) error {
	told := callOf(c.UserContext()).passedOn
	if told == nil || s.config.Elsewhere == nil {
		return fiber.ErrNotFound
	}
	if self := s.config.Cluster.Self(); told.Session != self.Session {
		return misdirected(self.Session)
	}
	return nil
}

// openNodeStream tells another node what happens on this one.
func (s *Server) openNodeStream(c *fiber.Ctx) error {
	if err := s.meant(c); err != nil {
		return err
	}
	if err := checkHandshake(c); err != nil {
		return err
	}
	current := callOf(c.UserContext())
	return upgrade(c, s.streams.limits, func(client *socket) { s.streams.serveNode(client, current, s.config.Elsewhere.Own) })
}

func (s *streams) serveNode(client *socket, current *call, own Events) {
	if err := s.enter(client, math.MaxInt); err != nil {
		client.close(err)
		return
	}
	defer s.leave(client)
	ctx, end := context.WithCancelCause(current.within(s.ctx))
	feed := own.Subscribe(s.limits.nodeWaiting) // who is slower begins anew
	defer feed.Close()
	feed.FollowAll()
	told := make(chan struct{})
	defer func() { <-told }()
	stream := &nodeStream{own: own, feed: feed, client: client, owed: own.Numbers()}
	go func() {
		defer close(told)
		end(survive(current, func() error { return stream.run(ctx) }))
		client.close(context.Cause(ctx))
	}()
	end(survive(current, func() error { return client.listen(ctx, end, nil) }))
}

// nodeStream tells another node all that happens here, and at first how far each log
// has come, so that it knows whether it has missed something.
type nodeStream struct {
	own    Events
	feed   *actors.Subscription
	client *socket
	owed   []string // whose place is to be told
}

func (s *nodeStream) run(ctx context.Context) error {
	beat, ping := time.NewTicker(s.client.limits.nodeBeat), time.NewTicker(s.client.limits.ping)
	defer beat.Stop()
	defer ping.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.feed.More():
			err = s.tell(s.next())
		case <-s.due():
			err = s.tell(s.places(ctx))
		case <-beat.C:
			err = s.client.write([]byte("\n"))
		case <-ping.C:
			err = s.client.ping()
		}
		if err == nil && s.feed.Err() != nil {
			err = errTooSlow
		}
		if err != nil {
			return err
		}
	}
}

func (s *nodeStream) due() <-chan struct{} {
	if len(s.owed) > 0 {
		return always
	}
	return nil
}

// next takes events that wait.
func (s *nodeStream) next() (events []actors.Event) {
	for size := 0; len(events) < eventsAtOnce && size < maxWaitingBytes; {
		event, ok := s.feed.Next()
		if !ok {
			break
		}
		events = append(events, event)
		size += len(event.Data)
	}
	return events
}

// places tells of the next accounts where they are, and which codes they are showing.
// Those that are too busy to say it are in their logs.
func (s *nodeStream) places(ctx context.Context) (events []actors.Event) {
	batch := s.owed[:min(len(s.owed), greetings)]
	s.owed = s.owed[len(batch):]
	for i, answer := range askStates(ctx, batch, s.own.Status) {
		at := answer.status.Events
		if answer.err != nil {
			_, at, _ = s.own.EventLog(ctx, batch[i])
		}
		if at.Log != "" {
			events = append(events, placeOf(batch[i], at))
		}
		if answer.err == nil {
			events = append(events, pairingOf(answer.status)...)
		}
	}
	return events
}

// tell sends events as lines of JSON.
func (s *nodeStream) tell(events []actors.Event) error {
	if len(events) == 0 {
		return nil
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for _, event := range events {
		if err := encoder.Encode(toldEvent{event.Account, actors.FrameOf(event)}); err != nil {
			panic(fmt.Sprintf("encode %s event: %v", event.Kind, err)) // frames are plain structs around JSON
		}
	}
	return s.client.write(lines.Bytes())
}

// tellStates answers another node with the states of those of the accounts that live
// here, and that the caller sees.
func (s *Server) tellStates(c *fiber.Ctx) error {
	if err := s.meant(c); err != nil {
		return err
	}
	states := []actors.Status{}
	ctx := c.UserContext()
	for _, answer := range askStates(ctx, strings.Split(c.Query("accounts"), ","), s.accounts.Status) {
		if answer.err == nil {
			states = append(states, answer.status)
		}
	}
	return c.JSON(states)
}

// statesElsewhere asks all other nodes for the states of accounts, and gives those that
// are told in time.
func (s *Server) statesElsewhere(ctx context.Context, accounts []string) map[string]actors.Status {
	target := statesPath + "?" + url.Values{"accounts": {strings.Join(accounts, ",")}}.Encode()
	states := make(map[string]actors.Status)
	askOthers(ctx, s, target, greetingTime, func(node ownership.Node, told []actors.Status, err error) {
		if err != nil {
			s.log.Info("a node does not tell the states of its accounts", zap.String("node", node.Name), zap.Error(err))
		}
		for _, state := range told {
			states[state.Account] = state
		}
	})
	return states
}
