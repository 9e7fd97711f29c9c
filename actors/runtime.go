package actors

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/anthdm/hollywood/actor"
)

// inboxSize is what Hollywood allocates for an idle actor's inbox, which grows
// when needed: 16 places cost 1 KB, its default of 1024 costs 28 KB.
const inboxSize = 16

// Behaviour is what an actor does. The runtime calls it from one goroutine at a
// time, so that its fields need no locks. It must not block: what waits for
// network or disk belongs in a [Lane].
//
// A panic in any method ends the incarnation: no further message is executed.
type Behaviour interface {
	// Started comes first, before any message.
	Started(*Self)
	// Receive is called with a [*Command] for what was asked with [Ask], and with
	// the plain value for what came through Tell.
	Receive(self *Self, message any)
	// Stopped comes last and exactly once, also after a panic. The incarnation's
	// context is cancelled by then; jobs in lanes may still be returning, see
	// [Self.Join].
	Stopped(*Self)
}

// Spec describes an actor to be spawned.
type Spec struct {
	// Kind and Name together are the identity of which there is never more than
	// one living incarnation.
	Kind, Name string
	Behaviour  Behaviour
	// Mailbox is how many commands may wait; zero means [DefaultMailbox].
	Mailbox int
	// OnEnd is called once, after Gone is closed, from the actor's goroutine. It
	// may send messages and spawn the next incarnation; it may be called before
	// Spawn has returned. Nil tells nobody.
	OnEnd func(Ended)
}

// Ended tells an owner how an incarnation ended.
type Ended struct {
	Kind, Name  string
	Incarnation uint64
	// Crash is the panic that ended it; nil after an orderly stop.
	Crash *PanicError
	// Teardown is a panic in Stopped: something may have been left behind.
	Teardown *PanicError
}

// PanicError is a recovered panic.
type PanicError struct {
	During string // "Started", "Stopped", "lane", or the type of the message
	Value  any
	Stack  []byte
}

// Error gives the value without the stack.
func (p *PanicError) Error() string { return fmt.Sprintf("panic during %s: %v", p.During, p.Value) }

// Runtime is the guard around one Hollywood engine: it keeps every panic and
// every unsafe feature away from it. Its methods may be called by anyone.
//
// Under these rules Hollywood has nothing to report above slog's debug level,
// and no message of ours ever becomes a dead letter.
type Runtime struct {
	engine *actor.Engine

	mu     sync.Mutex
	last   uint64 // number of the newest incarnation
	living map[string]bool
}

// NewRuntime makes a runtime without actors. It needs no closing: it owns no
// goroutine, and each actor is stopped by whoever spawned it.
func NewRuntime() *Runtime {
	engine, err := actor.NewEngine(actor.NewEngineConfig())
	if err != nil {
		panic(err) // only a remote can fail to start, and there is none
	}
	return &Runtime{engine: engine, living: make(map[string]bool)}
}

// Spawn starts a new incarnation and returns at once: Started runs in the
// actor's own goroutine. While an earlier incarnation of the same kind and name
// is not gone it refuses with [ErrAlive].
func (r *Runtime) Spawn(spec Spec) (*Ref, error) {
	identity := spec.Kind + "/" + spec.Name
	number, free := r.claim(identity)
	if !free {
		return nil, fmt.Errorf("spawn %s: %w", identity, ErrAlive)
	}
	ctx, cancel := context.WithCancel(context.Background())
	i := &incarnation{
		Spec: spec, identity: identity, number: number, runtime: r,
		ctx: ctx, cancel: cancel, gone: make(chan struct{}),
	}
	id := fmt.Sprintf("%s#%d", spec.Name, number)
	pid := r.engine.Spawn(func() actor.Receiver { return i }, spec.Kind,
		actor.WithID(id), actor.WithInboxSize(inboxSize), actor.WithMaxRestarts(math.MaxInt32))
	i.mailbox.open(r.engine, pid, spec.Mailbox)
	i.mailbox.tell(begin{}) // nobody else knows of the mailbox yet: it is the first
	return &Ref{i}, nil
}

func (r *Runtime) claim(identity string) (number uint64, free bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.living[identity] {
		return 0, false
	}
	r.living[identity] = true
	r.last++
	return r.last, true
}

func (r *Runtime) release(identity string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.living, identity)
}

// incarnation is one life of an actor, and the receiver that Hollywood knows.
// Fields without a lock of their own belong to the actor's goroutine.
type incarnation struct {
	Spec
	identity string
	number   uint64
	runtime  *Runtime

	mailbox mailbox
	ctx     context.Context // cancelled when the incarnation ends
	cancel  context.CancelFunc
	lanes   []*Lane
	working sync.WaitGroup // the lanes' goroutines
	gone    chan struct{}

	crash    *PanicError
	teardown *PanicError
}

type (
	begin      struct{} // runs Started in the actor's goroutine, not in the spawner's
	completion func()   // what follows a lane's job or a timer
)

// Receive implements Hollywood's receiver. Nothing in it panics.
func (i *incarnation) Receive(c *actor.Context) {
	switch message := c.Message().(type) {
	case actor.Initialized, actor.Started:
	case actor.Stopped:
		i.end()
	case begin:
		i.guard("Started", func() { i.Behaviour.Started(&Self{i}) })
	case completion:
		i.guard("completion", message)
	case *Command:
		i.execute(message)
	default:
		i.guard(fmt.Sprintf("%T", message), func() { i.Behaviour.Receive(&Self{i}, message) })
	}
}

// execute runs one command, unless nobody waits for it any more.
func (i *incarnation) execute(command *Command) {
	i.mailbox.taken()
	switch {
	case i.crash != nil:
		command.Reply(nil, ErrGone)
	case command.ctx.Err() != nil:
	default:
		i.guard(fmt.Sprintf("%T", command.Body), func() { i.Behaviour.Receive(&Self{i}, command) })
		if i.crash != nil {
			command.Reply(nil, ErrCrashed)
		}
	}
}

// guard runs one step of the behaviour; a panic is the incarnation's last one.
func (i *incarnation) guard(during string, step func()) {
	if i.crash != nil {
		return
	}
	if i.crash = recovered(during, step); i.crash != nil {
		i.cancel()
		i.mailbox.close()
	}
}

// end is the last thing that runs: the pill is the mailbox's last entry.
func (i *incarnation) end() {
	i.cancel()
	for _, lane := range i.lanes {
		lane.close()
	}
	i.teardown = recovered("Stopped", func() { i.Behaviour.Stopped(&Self{i}) })
	i.working.Wait()
	i.runtime.release(i.identity)
	close(i.gone)
	i.report()
}

func (i *incarnation) report() {
	if i.OnEnd == nil {
		return
	}
	ended := Ended{i.Kind, i.Name, i.number, i.crash, i.teardown}
	if p := recovered("OnEnd", func() { i.OnEnd(ended) }); p != nil {
		slog.Error("owner of an actor panicked", "actor", i.identity, "panic", p.Value, "stack", string(p.Stack))
	}
}

// recovered runs step and returns its panic, if any.
func recovered(during string, step func()) (p *PanicError) {
	defer func() {
		if value := recover(); value != nil {
			p = &PanicError{During: during, Value: value, Stack: debug.Stack()}
		}
	}()
	step()
	return nil
}

// Self is an actor's view of itself. Lane and Join are for the actor's own
// goroutine, the rest for any.
type Self struct{ incarnation *incarnation }

// Incarnation is the number of this life: higher than that of any earlier one
// in the process.
func (s *Self) Incarnation() uint64 { return s.incarnation.number }

// Context is cancelled when the incarnation ends, before Stopped is called.
func (s *Self) Context() context.Context { return s.incarnation.ctx }

// Ref is the handle that others may have.
func (s *Self) Ref() *Ref { return &Ref{s.incarnation} }

// Tell sends the actor a message of its own; see [Ref.Tell].
func (s *Self) Tell(message any) bool { return s.incarnation.mailbox.tell(message) }

// Stop ends the actor after what is already in its mailbox. It does not wait.
func (s *Self) Stop() { s.incarnation.mailbox.close() }

// After calls do in the actor's goroutine when d has passed, unless the timer
// is stopped or the actor ends before. A timer stopped too late may have its
// call in the mailbox already.
func (s *Self) After(d time.Duration, do func()) *time.Timer {
	return time.AfterFunc(d, func() { s.incarnation.mailbox.tell(completion(do)) })
}

// Join waits until no lane runs a job. It is for Stopped alone, for what must
// follow the last job, such as closing what the jobs use.
func (s *Self) Join() { s.incarnation.working.Wait() }
