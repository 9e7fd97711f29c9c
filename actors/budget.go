package actors

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow/store"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// ConnectPriority orders accounts that wait to connect: all of a higher
// priority go first, and within one the longest waiting.
type ConnectPriority int

// The priorities, the highest first.
const (
	ConnectAsked  ConnectPriority = iota // somebody waits for it
	ConnectRecent                        // was active lately
	ConnectRest
	ConnectSuspect // the last process died of it
	connectPriorities
)

// BudgetConfig is how fast a node opens connections to WhatsApp, or all of a cluster do;
// see [ConnectBudget.Share].
type BudgetConfig struct {
	// Rate is connections a second, Burst how many may start at once after a
	// quiet time.
	Rate  float64
	Burst int
	// Floor is the lowest rate that failures can bring about.
	Floor float64
	// Window is the time over which failures are counted: more than FailureRatio
	// of at least Samples attempts halves the rate. Each success gives back a
	// hundredth of Rate.
	Window       time.Duration
	FailureRatio float64
	Samples      int
	// MaxWaiting is how many accounts may wait.
	MaxWaiting int
	// Version is the version of WhatsApp Web that the node announces; zero means
	// whatsmeow's.
	Version store.WAVersionContainer
	// Latest looks up the version that WhatsApp has at present. It is called once
	// each time that WhatsApp begins to refuse the node's, and must return soon
	// after its context ended. Nil means that the version stays.
	Latest func(context.Context) (store.WAVersionContainer, error)
	// Log is told what came of that; nil tells nobody.
	Log *zap.Logger
}

// DefaultBudgetConfig brings 10,000 accounts back in about eight minutes.
func DefaultBudgetConfig() BudgetConfig {
	return BudgetConfig{
		Rate: 20, Burst: 40, Floor: 0.5,
		Window: 30 * time.Second, FailureRatio: 0.2, Samples: 10,
		MaxWaiting: 20_000,
	}
}

// ConnectBudget is the node's one allowance for opening connections. Without
// it, all accounts of a node that lost its network would come back at once,
// which looks like an attack and makes every login slow.
type ConnectBudget struct {
	ref     *Ref
	version *atomic.Pointer[store.WAVersionContainer]
}

// NewConnectBudget spawns the budget's actor. The owner stops it; onEnd is as
// in [Spec].
func NewConnectBudget(runtime *Runtime, config BudgetConfig, onEnd func(Ended)) (*ConnectBudget, error) {
	config.Version, config.Log = cmp.Or(config.Version, store.GetWAVersion()), cmp.Or(config.Log, zap.NewNop())
	behaviour := &budget{
		BudgetConfig: config, whole: config, limiter: rate.NewLimiter(rate.Limit(config.Rate), config.Burst),
		circuit: circuit{refused: make(map[string]*Ref)},
	}
	behaviour.version.Store(&config.Version)
	ref, err := runtime.Spawn(Spec{
		Kind: "budget", Name: "connect", Behaviour: behaviour, Mailbox: config.MaxWaiting, OnEnd: onEnd,
	})
	return &ConnectBudget{ref, &behaviour.version}, err
}

// Acquire waits for leave to open one connection. It returns early with the
// cause when ctx ends, with [ErrBusy] when too many wait already, and with
// [ErrOutdated] while WhatsApp refuses this node's version.
func (b *ConnectBudget) Acquire(ctx context.Context, priority ConnectPriority) error {
	_, err := Ask[any](ctx, b.ref, acquire{priority})
	return err
}

// Report tells how an attempt went. False is for what more attempts would make
// worse: network, time-outs, errors of the server; not for an account that was
// logged out or banned.
func (b *ConnectBudget) Report(ok bool) { b.ref.Tell(attempt{ok}) }

// Share has the node take a part of what it was configured for, above 0 and up to 1: the
// rest is for other nodes. As far as failures have lowered the rate, so is the part's.
func (b *ConnectBudget) Share(part float64) { b.ref.Tell(sharing{part}) }

// Status tells how things stand.
func (b *ConnectBudget) Status(ctx context.Context) (BudgetStatus, error) {
	return Ask[BudgetStatus](ctx, b.ref, budgetStatus{})
}

// Stop refuses those who wait with [ErrGone] and ends the actor.
func (b *ConnectBudget) Stop(ctx context.Context) error { return b.ref.Stop(ctx) }

// BudgetStatus is the present state of a [ConnectBudget].
type BudgetStatus struct {
	Rate    float64 // connections a second, as failures have left it
	Waiting int
	// Outdated is true while WhatsApp refuses the version that the node announces.
	Outdated bool
}

type (
	acquire      struct{ priority ConnectPriority }
	attempt      struct{ ok bool }
	sharing      struct{ part float64 }
	abandoned    struct{ *Command }
	budgetStatus struct{}
)

// budget is the behaviour of the budget's actor.
type budget struct {
	BudgetConfig
	whole   BudgetConfig // of which this node has a part
	limiter *rate.Limiter
	waiting [connectPriorities][]waiter
	timer   *time.Timer
	circuit

	windowStart        time.Time
	attempts, failures int
}

type waiter struct {
	*Command
	forget func() bool // ends the watch over the command's context
}

// Started implements [Behaviour].
func (b *budget) Started(self *Self) { b.lookups = self.Lane(1) }

// Stopped implements [Behaviour].
func (b *budget) Stopped(*Self) {
	if b.timer != nil {
		b.timer.Stop()
	}
	for _, queue := range b.waiting {
		for _, w := range queue {
			w.forget()
			w.Reply(nil, ErrGone)
		}
	}
}

// Receive implements [Behaviour].
func (b *budget) Receive(self *Self, message any) {
	switch m := message.(type) {
	case *Command:
		b.command(self, m)
	case attempt:
		b.learn(m.ok, time.Now())
	case sharing:
		b.share(m.part, time.Now())
	case refusal:
		b.refuse(m)
	case acceptance:
		b.open = false
	case abandoned:
		b.remove(m.Command)
	}
	b.grant(self)
}

func (b *budget) command(self *Self, command *Command) {
	switch body := command.Body.(type) {
	case acquire:
		switch {
		case b.open && body.priority != ConnectAsked:
			command.Reply(nil, ErrOutdated)
			return
		case b.count() >= b.MaxWaiting:
			command.Reply(nil, ErrBusy)
			return
		}
		forget := context.AfterFunc(command.Context(), func() { self.Tell(abandoned{command}) })
		b.waiting[body.priority] = append(b.waiting[body.priority], waiter{command, forget})
	case budgetStatus:
		command.Reply(BudgetStatus{Rate: float64(b.limiter.Limit()), Waiting: b.count(), Outdated: b.open}, nil)
	}
}

// grant lets those go for whom there are tokens, and comes back at the next.
func (b *budget) grant(self *Self) {
	if b.timer != nil {
		b.timer.Stop()
	}
	for b.count() > 0 && b.limiter.Allow() {
		w := b.first()
		w.forget()
		w.Reply(nil, nil)
	}
	if b.count() > 0 {
		missing := (1 - b.limiter.Tokens()) / float64(b.limiter.Limit())
		b.timer = self.After(max(time.Duration(missing*float64(time.Second)), time.Millisecond), func() { b.grant(self) })
	}
}

// first takes the one whose turn it is.
func (b *budget) first() waiter {
	priority := slices.IndexFunc(b.waiting[:], func(queue []waiter) bool { return len(queue) > 0 })
	w := b.waiting[priority][0]
	b.waiting[priority] = slices.Delete(b.waiting[priority], 0, 1)
	return w
}

func (b *budget) remove(command *Command) {
	for priority := range b.waiting {
		b.waiting[priority] = slices.DeleteFunc(b.waiting[priority], func(w waiter) bool { return w.Command == command })
	}
}

func (b *budget) count() (n int) {
	for _, queue := range b.waiting {
		n += len(queue)
	}
	return n
}

// learn halves the rate on many failures and raises it step by step on success,
// as TCP does. After halving, it takes new evidence to halve again.
func (b *budget) learn(ok bool, now time.Time) {
	if now.Sub(b.windowStart) >= b.Window {
		b.windowStart, b.attempts, b.failures = now, 0, 0
	}
	b.attempts++
	if ok {
		b.setRate(float64(b.limiter.Limit())+b.Rate/100, now)
		return
	}
	b.failures++
	if b.attempts >= b.Samples && float64(b.failures) > b.FailureRatio*float64(b.attempts) {
		b.setRate(float64(b.limiter.Limit())/2, now)
		b.windowStart, b.attempts, b.failures = now, 0, 0
	}
}

func (b *budget) setRate(perSecond float64, now time.Time) {
	b.limiter.SetLimitAt(now, rate.Limit(min(max(perSecond, b.Floor), b.Rate)))
}

// share takes a part of the whole.
func (b *budget) share(part float64, now time.Time) {
	lowered := float64(b.limiter.Limit()) / b.Rate
	b.Rate, b.Floor, b.Burst = b.whole.Rate*part, b.whole.Floor*part, max(int(float64(b.whole.Burst)*part), 1)
	b.limiter.SetBurstAt(now, b.Burst)
	b.setRate(lowered*b.Rate, now)
}
