package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"whatsapp-web-server/actors"
)

// maxCommands bounds what a socket has asked for at a time, progress that it waits
// for included.
const maxCommands = 32

// maxCommandID bounds what a client calls a command.
const maxCommandID = 128

// command is a client's frame that asks for an operation of the specification.
type command struct {
	id        string
	operation string
	arguments map[string]json.RawMessage
	progress  bool
	wrong     error // why it cannot be carried out
}

// parseCommand reads a command. One that is wrong says so itself once it is known by
// its id.
func parseCommand(action string, fields map[string]json.RawMessage) (*command, error) {
	asked := &command{operation: action, id: textOf(fields["id"])}
	if asked.id == "" || len(asked.id) > maxCommandID {
		return nil, refuseField("id", fmt.Sprintf("expected a text of 1 to %d bytes, for the reply to be known by", maxCommandID))
	}
	asked.wrong = asked.read(fields)
	return asked, nil
}

func (c *command) read(fields map[string]json.RawMessage) error {
	if err := expect(fields, "id", "action", "accountNumber", "arguments", "progress"); err != nil {
		return err
	}
	c.arguments = map[string]json.RawMessage{}
	if given := fields["arguments"]; given != nil && (json.Unmarshal(given, &c.arguments) != nil || c.arguments == nil) {
		return refuseField("arguments", "expected an object")
	}
	if given := fields["progress"]; given != nil && json.Unmarshal(given, &c.progress) != nil {
		return refuseField("progress", "expected true or false")
	}
	if c.progress && progressOf[c.operation] == nil {
		return refuseField("progress", c.operation+" is done when it is answered")
	}
	account, given := fields["accountNumber"]
	if _, twice := c.arguments["accountNumber"]; twice && given {
		return refuseField("accountNumber", "stands twice in the frame")
	}
	if given {
		c.arguments["accountNumber"] = account
	}
	return nil
}

// replyFrame is the data of a reply: the envelope of REST, with what stands in its
// status line and headers there.
type replyFrame struct {
	ID         string          `json:"id"`
	Status     int             `json:"status"`
	Success    bool            `json:"success"`
	Data       json.RawMessage `json:"data,omitempty"`
	Error      json.RawMessage `json:"error,omitempty"`
	Replayed   bool            `json:"replayed,omitempty"`   // the idempotency key had been used
	RetryAfter int             `json:"retryAfter,omitempty"` // seconds
}

// progressFrame is the data of progress: an event that tells what becomes of a
// command that was accepted.
type progressFrame struct {
	ID    string   `json:"id"`
	Done  bool     `json:"done"` // it is the last
	Event *frame   `json:"event,omitempty"`
	Error *problem `json:"error,omitempty"` // why no more will be told
}

// commands are what one client has asked for. Its methods are for the goroutine of
// the stream, apart from those that say otherwise.
type commands struct {
	run    func(ctx context.Context, operation string, arguments map[string]json.RawMessage) Outcome
	events audible
	call   *call
	limits actors.FeedLimits

	open    map[string]struct{} // by id
	said    chan said
	running sync.WaitGroup
}

// said is a frame about a command.
type said struct {
	what string
	data any
	over string // the id of the command, if it is the last frame
}

func newCommands(streams *streams, current *call) *commands {
	return &commands{
		run: streams.run, events: streams.events, call: current, limits: streams.limits.waiting,
		open: make(map[string]struct{}), said: make(chan said),
	}
}

// begin has a command carried out beside the stream, until ctx ends.
func (c *commands) begin(ctx context.Context, asked command) error {
	if _, twice := c.open[asked.id]; twice {
		return refuseField("id", "a command with this id is under way")
	}
	if len(c.open) >= maxCommands {
		return &actors.Error{
			Code: actors.CodeRateLimited, RetryAfter: time.Second,
			Message: "This socket has " + strconv.Itoa(maxCommands) + " commands under way.",
		}
	}
	c.open[asked.id] = struct{}{}
	own := *c.call
	own.id = ulid.Make().String()
	c.running.Go(func() {
		if err := survive(&own, func() error { c.carryOut(own.within(ctx), asked); return nil }); err != nil {
			c.reply(ctx, asked, refused(own.within(ctx), err), false)
		}
	})
	return nil
}

// carryOut runs in a goroutine of its own.
func (c *commands) carryOut(ctx context.Context, asked command) {
	account, ok := actors.ParseNumber(textOf(asked.arguments["accountNumber"]))
	follows := progressOf[asked.operation]
	if !asked.progress || !ok || follows == nil {
		c.reply(ctx, asked, c.run(ctx, asked.operation, asked.arguments), false)
		return
	}
	feed := c.events.Subscribe(ctx, c.limits)
	defer feed.Close()
	feed.Follow(account)
	outcome := make(chan Outcome, 1)
	c.running.Go(func() { outcome <- c.run(ctx, asked.operation, asked.arguments) })
	early := &early{feed: feed}
	for {
		select {
		case <-feed.More():
			early.take()
		case answer := <-outcome:
			goesOn := answer.Status == http.StatusAccepted
			c.reply(ctx, asked, answer, goesOn)
			if goesOn {
				c.follow(ctx, asked.id, follows(answer.Body), early)
			}
			return
		}
	}
}

// reply runs in a goroutine of its own.
func (c *commands) reply(ctx context.Context, asked command, answer Outcome, goesOn bool) {
	told := said{"reply", replyOf(asked.id, answer), asked.id}
	if goesOn {
		told.over = ""
	}
	c.tell(ctx, told)
}

func replyOf(id string, answer Outcome) replyFrame {
	reply := replyFrame{ID: id, Status: answer.Status, Replayed: answer.Header.Get(headerReplayed) != ""}
	reply.RetryAfter, _ = strconv.Atoi(answer.Header.Get("Retry-After")) // zero without one
	var body struct {
		Success bool            `json:"success"`
		Data    json.RawMessage `json:"data"`
		Error   json.RawMessage `json:"error"`
	}
	_ = json.Unmarshal(answer.Body, &body) // it was made here
	reply.Success, reply.Data, reply.Error = body.Success, body.Data, body.Error
	return reply
}

func (c *commands) tell(ctx context.Context, frame said) {
	select {
	case c.said <- frame:
	case <-ctx.Done():
	}
}

// early are the events of an account that came before it was known which of them are
// about the command.
type early struct {
	feed   *actors.Subscription
	events []actors.Event
}

// maxEarly bounds the events that are kept until the command has been answered.
const maxEarly = 1024

func (e *early) take() {
	for {
		event, ok := e.feed.Next()
		if !ok {
			return
		}
		if tellsProgress(event.Kind) && len(e.events) < maxEarly {
			e.events = append(e.events, event)
		}
	}
}

// follow tells what becomes of a command, in a goroutine of its own.
func (c *commands) follow(ctx context.Context, id string, about follower, seen *early) {
	for {
		seen.take()
		for _, event := range seen.events {
			if concerns, done := about(event); concerns {
				shown := frameOf(event)
				last := said{what: "progress", data: progressFrame{ID: id, Done: done, Event: &shown}}
				if done {
					last.over = id
				}
				c.tell(ctx, last)
				if done {
					return
				}
			}
		}
		seen.events = nil
		if seen.feed.Err() != nil {
			missed := callOf(ctx).refuse(&actors.Error{Code: actors.CodeAccountBusy}).Problem
			c.tell(ctx, said{"progress", progressFrame{ID: id, Done: true, Error: &missed}, id})
			return
		}
		select {
		case <-seen.feed.More():
		case <-ctx.Done():
			return
		}
	}
}

// follower tells whether an event is about a command, and whether it is the last
// that is.
type follower func(event actors.Event) (concerns, done bool)

// progressOf are the operations that are answered while there is more to be done, and
// how to tell the events about that.
var progressOf = map[string]func(reply json.RawMessage) follower{
	"sendMessage":    followMessage,
	"postStatus":     followMessage,
	"deleteStatus":   followMessage,
	"requestHistory": followHistory,
}

func tellsProgress(kind actors.EventKind) bool {
	return kind == actors.EventMessageStatus || kind == actors.EventSyncProgress || kind == actors.EventSyncComplete
}

// settled are the states of a message in which its outbox is done with it.
var settled = map[string]bool{"sent": true, "delivered": true, "read": true, "played": true, "failed": true, "expired": true, "cancelled": true}

func followMessage(reply json.RawMessage) follower {
	var sent success[sentMessage]
	_ = json.Unmarshal(reply, &sent) // it was made here
	return func(event actors.Event) (concerns, done bool) {
		var told actors.MessageStatusEvent
		if event.Kind != actors.EventMessageStatus || json.Unmarshal(event.Data, &told) != nil {
			return false, false
		}
		return told.ID == sent.Data.ID, settled[told.Status]
	}
}

func followHistory(reply json.RawMessage) follower {
	var asked success[actors.RequestedHistory]
	_ = json.Unmarshal(reply, &asked) // it was made here
	return func(event actors.Event) (concerns, done bool) {
		var told actors.SyncCompleteEvent // sync-progress has its id in the same place
		if !tellsProgress(event.Kind) || json.Unmarshal(event.Data, &told) != nil {
			return false, false
		}
		return told.RequestID == asked.Data.RequestID, event.Kind == actors.EventSyncComplete
	}
}

// textOf is a JSON text, or nothing.
func textOf(value json.RawMessage) (text string) {
	_ = json.Unmarshal(value, &text)
	return text
}
