package actors

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/anthdm/hollywood/actor"
)

// DefaultMailbox is how many commands wait for an actor before it is busy. An
// actor answers in microseconds, so that a queue of 64 means that it is stuck
// or flooded.
const DefaultMailbox = 64

// What the runtime itself refuses with.
var (
	// ErrBusy means that the mailbox is full. The command was not executed.
	ErrBusy error = &Error{Code: CodeAccountBusy, Message: "too many commands are waiting", RetryAfter: time.Second}
	// ErrGone means that the incarnation is ending or gone. The command was not
	// executed and may be given to the next one.
	ErrGone error = &Error{Code: CodeAccountBusy, Message: "restarting", RetryAfter: time.Second}
	// ErrCrashed means that the command made the actor panic. What it did before
	// is unknown.
	ErrCrashed error = &Error{Code: CodeInternal, Message: "crashed on this command"}
	// ErrUnanswered means that the command was executed, and the actor ended
	// before its answer was known.
	ErrUnanswered error = &Error{Code: CodeOutcomeUnknown, Message: "stopped before the outcome was known"}
	// ErrAlive means that an earlier incarnation is not gone.
	ErrAlive error = &Error{Code: CodeAccountBusy, Message: "an earlier incarnation is still ending", RetryAfter: time.Second}
)

// Ref is a handle on one incarnation of an actor, for anyone to keep. It stays
// valid when the incarnation is gone, and refuses then.
type Ref struct{ incarnation *incarnation }

// String names the incarnation for logs: kind/name#number.
func (r *Ref) String() string {
	return fmt.Sprintf("%s#%d", r.incarnation.identity, r.incarnation.number)
}

// Incarnation is the number that [Ended] tells.
func (r *Ref) Incarnation() uint64 { return r.incarnation.number }

// Gone is closed when Stopped has run and every lane's goroutine has returned.
func (r *Ref) Gone() <-chan struct{} { return r.incarnation.gone }

// Tell delivers an internal message, in order with all others of the sender.
// It is never refused while the actor lives: senders bound what they have
// underway. False means that the actor is ending and will not see it.
func (r *Ref) Tell(message any) bool { return r.incarnation.mailbox.tell(message) }

// Stop ends the actor after what is already in its mailbox, and waits until it
// is gone. When ctx ends first the actor may still be alive: its owner must not
// replace it, and hears of its end through OnEnd if that ever comes.
func (r *Ref) Stop(ctx context.Context) error {
	r.incarnation.mailbox.close()
	select {
	case <-r.incarnation.gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop %s: %w", r, context.Cause(ctx))
	}
}

// Ask gives an actor a command and waits for its reply, which must be an R or
// nil. It returns early with the cause when ctx ends: a command that was still
// waiting is then never executed. See [ErrBusy], [ErrGone], [ErrCrashed] and
// [ErrUnanswered] for the other refusals.
func Ask[R any](ctx context.Context, ref *Ref, command any) (R, error) {
	var none R
	value, err := ref.ask(ctx, command)
	if err != nil || value == nil {
		return none, err
	}
	typed, ok := value.(R)
	if !ok {
		return none, fmt.Errorf("%T was answered with %T", command, value)
	}
	return typed, nil
}

func (r *Ref) ask(ctx context.Context, body any) (any, error) {
	command := &Command{Body: body, ctx: ctx, replies: make(chan reply, 1)}
	if err := r.incarnation.mailbox.put(command); err != nil {
		return nil, err
	}
	select {
	case reply := <-command.replies:
		return reply.value, reply.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-r.incarnation.gone:
		return command.lastReply()
	}
}

// Command is what somebody asked of an actor. The actor owes it one Reply,
// from Receive or later.
type Command struct {
	Body    any
	ctx     context.Context
	replies chan reply
}

type reply struct {
	value any
	err   error
}

// Context ends when the one who asked no longer waits.
func (c *Command) Context() context.Context { return c.ctx }

// Reply answers the command. It never blocks, and only the first counts.
func (c *Command) Reply(value any, err error) {
	select {
	case c.replies <- reply{value, err}:
	default:
	}
}

// lastReply is for when nothing more can come.
func (c *Command) lastReply() (any, error) {
	select {
	case reply := <-c.replies:
		return reply.value, reply.err
	default:
		return nil, ErrUnanswered
	}
}

// mailbox is the way into a Hollywood inbox. It bounds what waits there, which
// Hollywood does not, and makes the poison pill the last entry, since Hollywood
// loses what comes behind it without a word.
type mailbox struct {
	engine *actor.Engine
	pid    *actor.PID
	limit  int

	mu      sync.Mutex
	waiting int // commands not yet taken
	closed  bool
}

func (m *mailbox) open(engine *actor.Engine, pid *actor.PID, limit int) {
	if limit == 0 {
		limit = DefaultMailbox
	}
	m.engine, m.pid, m.limit = engine, pid, limit
}

func (m *mailbox) put(command *Command) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return ErrGone
	case m.waiting >= m.limit:
		return ErrBusy
	}
	m.waiting++
	m.engine.Send(m.pid, command)
	return nil
}

func (m *mailbox) taken() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting--
}

func (m *mailbox) tell(message any) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.engine.Send(m.pid, message)
	}
	return !m.closed
}

func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		m.engine.Poison(m.pid)
	}
}
