// Package follow brings the events of accounts to consumers that must not miss any,
// such as webhooks and brokers.
//
// What is promised:
//   - A consumer gets every event that has happened since it came to be, at least
//     once, and those of one account in their order. What it has done with is stored
//     beside the log, in the account's own scope; after a crash a few come again,
//     under the same cursors.
//   - Different accounts are served beside one another. One whose events cannot be
//     delivered waits alone; where the receiver as such fails nothing is tried until a
//     single account has got through.
//   - An account is followed on the node where it lives, and its place moves with it.
//   - The log is what is read. The feed only tells that there is more, so that it may
//     break off at any time; nothing is asked of accounts where nothing happens.
//   - Memory holds a place for each account, and one page for each that is being served.
//
// What is not: an event that the log no longer has cannot be delivered. The consumer
// is told, and goes on with the oldest that is left.
package follow

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Source is where events come from, and where places are kept. Its methods answer with
// an [*actors.Error], and no later than ctx ends.
type Source interface {
	// Numbers lists the accounts of this node.
	Numbers() []string
	EventLog(ctx context.Context, account string) (oldest, head actors.Cursor, err error)
	// Events reads a log. Of an account that lives on another node, which follows it
	// there, it refuses to with routing_unavailable.
	Events(ctx context.Context, account string, after actors.Cursor, limit int) ([]actors.Event, error)
	Subscribe(limits actors.FeedLimits) *actors.Subscription
	// Place is how far a consumer has got; the zero cursor if it has no place yet.
	Place(ctx context.Context, account, consumer string) (actors.Cursor, error)
	Keep(ctx context.Context, account string, keep actors.Keep) error
}

// Config is what a consumer wants.
type Config struct {
	// Consumer names it for good: its places are kept under this name.
	Consumer string
	// Since is when it came to be. In a log where it has no place yet it begins with
	// the first event from then on, which may be the first of all.
	Since time.Time
	// Account is the one account that it follows; empty for all that Follows allows.
	Account string
	// Follows tells whether it follows an account; nil allows all. It must be quick.
	Follows func(account string) bool
	// Kinds are the events that it wants; none is all that are durable.
	Kinds []actors.EventKind
	// Width is how many accounts are served beside one another; zero is one.
	Width int
	// Page is how many events are given at once at most; zero is 100.
	Page int
	// Deliver brings events of one account, in their order, to where they go. It runs in
	// a lane of the actor, has a deadline of its own, and returns soon after ctx ends.
	Deliver func(ctx context.Context, events []actors.Event) Outcome
	// Met is called in the actor's goroutine for each account that comes into view. Nil
	// tells nobody.
	Met func(account string)
	// Missed is told that the events between two places are no longer there, in a lane.
	// Nil tells nobody but the log.
	Missed func(account string, from, to actors.Cursor)
	Log    *zap.Logger
}

// Outcome is what has become of events.
type Outcome struct {
	// Done is how many of them need not come again, from the first one on.
	Done int
	// Keep is stored in one with the place behind those that are done.
	Keep []persist.Mutation
	// Err is why they are not all done. The others come again.
	Err error
	// Alone says that the fault is with the first that is left, so that only its account
	// waits; else it is with the receiver, and everybody does.
	Alone bool
	// Wait is how long; zero follows a schedule from half a second to a minute.
	Wait time.Duration
}

const (
	defaultPage = 100
	// reviewEvery is how often accounts are compared with those that there are, and
	// places stored of what nobody wanted.
	reviewEvery = time.Minute
	// skipAtMost is how many events that nobody wants are passed over before that is
	// stored.
	skipAtMost     = 1000
	storageTimeout = 30 * time.Second

	firstWait = 500 * time.Millisecond
	lastWait  = time.Minute
)

// waiting bounds what the feed holds, which is taken at once and only tells whose log
// has more.
var waiting = actors.FeedLimits{Events: 4096, Bytes: 1 << 20}

// Follower serves one consumer. It is a part of an actor, whose goroutine calls its
// methods.
type Follower struct {
	config Config
	source Source
	self   *actors.Self

	serving   *actors.Lane
	listening *actors.Lane
	feed      *actors.Subscription
	review    *time.Timer

	accounts map[string]*place
	ready    []*place // whose turn comes
	running  int
	width    int // how many may run: one while it is tried whether the receiver is back
	held     *time.Timer
	failures int // of the receiver, in a row
}

// place is where the consumer is in one account's log.
type place struct {
	account  string
	at, kept actors.Cursor // in memory, and in storage

	busy     bool // a step runs, or it waits for its turn
	more     bool // something has come since
	gone     bool // from this node
	save     bool // where it is gets stored, though only what nobody wants has moved it
	timer    *time.Timer
	failures int
}

// Start begins to follow, from the actor's Started on. Close must be called from its
// Stopped.
func Start(self *actors.Self, source Source, config Config) *Follower {
	if config.Width == 0 {
		config.Width = 1
	}
	if config.Page == 0 {
		config.Page = defaultPage
	}
	config.Since = config.Since.Truncate(time.Millisecond) // as the log has times
	f := &Follower{
		config: config, source: source, self: self, width: config.Width,
		serving: self.WideLane(config.Width, config.Width), listening: self.Lane(1),
		accounts: make(map[string]*place),
	}
	f.subscribe()
	f.listen()
	f.reviewLater()
	return f
}

// Close gives the feed up; lanes and timers end with the actor.
func (f *Follower) Close() {
	f.feed.Close()
	f.review.Stop()
	f.unhold()
	for _, p := range f.accounts {
		p.rest()
	}
}

// subscribe comes before the logs are looked at, so that nothing falls in between.
func (f *Follower) subscribe() {
	f.feed = f.source.Subscribe(waiting)
	if f.config.Account != "" {
		f.feed.Follow(f.config.Account)
	} else {
		f.feed.FollowAll()
	}
	for _, account := range f.numbers() {
		f.wake(account)
	}
}

func (f *Follower) numbers() []string {
	if f.config.Account == "" {
		return f.source.Numbers()
	}
	if slices.Contains(f.source.Numbers(), f.config.Account) {
		return []string{f.config.Account}
	}
	return nil
}

func (f *Follower) follows(account string) bool {
	return f.config.Account == "" && (f.config.Follows == nil || f.config.Follows(account)) || f.config.Account == account && account != ""
}

// listen waits for the feed beside the actor.
func (f *Follower) listen() {
	feed := f.feed
	_ = actors.Do(f.listening, func(ctx context.Context) (struct{}, error) {
		select {
		case <-feed.More():
		case <-ctx.Done():
		}
		return struct{}{}, nil
	}, func(struct{}, error) {
		f.hear()
		f.listen()
	})
}

func (f *Follower) hear() {
	for range f.feed.Len() {
		event, ok := f.feed.Next()
		if ok && event.Cursor.Log != "" {
			f.wake(event.Account)
		}
	}
	if f.feed.Err() != nil { // too much at once: all logs are looked at
		f.feed.Close()
		f.subscribe()
	}
}

// reviewLater has accounts that are gone forgotten, new ones met, and places stored.
func (f *Follower) reviewLater() {
	f.review = f.self.After(reviewEvery, func() {
		there := make(map[string]bool)
		for _, account := range f.numbers() {
			there[account] = true
			if f.accounts[account] == nil {
				f.wake(account)
			}
		}
		for account, p := range f.accounts {
			switch {
			case !there[account] || !f.follows(account):
				f.forget(p)
			case p.at != p.kept:
				p.save = true
				f.wake(account)
			}
		}
		f.reviewLater()
	})
}

// wake has an account's log looked at, as if something had come.
func (f *Follower) wake(account string) {
	p := f.accounts[account]
	if p == nil {
		if !f.follows(account) {
			return
		}
		p = &place{account: account}
		f.accounts[account] = p
		if f.config.Met != nil {
			f.config.Met(account)
		}
	}
	p.more = true
	f.line(p)
}

// line puts an account into the line of those whose turn comes.
func (f *Follower) line(p *place) {
	if p.busy || p.timer != nil || p.gone {
		return
	}
	p.busy, p.more = true, false
	f.ready = append(f.ready, p)
	f.turn()
}

func (f *Follower) turn() {
	for f.held == nil && f.running < f.width && len(f.ready) > 0 {
		p := f.ready[0]
		f.ready[0] = nil
		f.ready = f.ready[1:]
		if p.gone {
			continue
		}
		f.running++
		begun := step{place: *p}
		p.save = false
		err := actors.Do(f.serving, func(ctx context.Context) (step, error) {
			return run(ctx, f, begun)
		}, func(done step, err error) { f.stepped(p, done, err) })
		if err != nil { // the actor is ending
			return
		}
	}
}

// stepped takes what a step has come to.
func (f *Follower) stepped(p *place, done step, crash error) {
	f.running--
	p.busy = false
	if crash != nil {
		f.config.Log.Error("delivering events crashed", zap.String("consumer", f.config.Consumer), zap.Error(crash))
		done = step{place: *p, failed: crash}
	}
	p.at, p.kept = done.at, done.kept
	switch {
	case done.lost:
		f.forget(p)
	case done.failed != nil:
		f.later(p, 0)
	case done.outcome.Err == nil:
		f.recovered()
		p.failures = 0
		if done.left || p.more {
			f.line(p)
		}
	case done.outcome.Alone:
		f.recovered()
		f.later(p, done.outcome.Wait)
	default:
		p.more = true
		f.hold(done.outcome)
		f.line(p)
	}
	f.turn()
}

// later has an account wait by itself.
func (f *Follower) later(p *place, wait time.Duration) {
	if wait == 0 {
		wait = backoff(p.failures)
	}
	p.failures++
	p.timer = f.self.After(wait, func() {
		p.timer = nil
		f.line(p)
	})
}

// hold has everybody wait, and then one go first. Who fails meanwhile began before.
func (f *Follower) hold(outcome Outcome) {
	if f.held != nil {
		return
	}
	if f.failures == 0 {
		f.config.Log.Warn("events cannot be delivered now", zap.String("consumer", f.config.Consumer), zap.Error(outcome.Err))
	}
	wait := outcome.Wait
	if wait == 0 {
		wait = backoff(f.failures)
	}
	f.failures++
	f.width = 1
	f.held = f.self.After(wait, func() {
		f.held = nil
		f.turn()
	})
}

// recovered follows a delivery that has got through, unless a failure came meanwhile.
func (f *Follower) recovered() {
	if f.held == nil {
		f.width, f.failures = f.config.Width, 0
	}
}

func (f *Follower) unhold() {
	if f.held != nil {
		f.held.Stop()
		f.held = nil
	}
}

func (f *Follower) forget(p *place) {
	p.gone = true
	p.rest()
	delete(f.accounts, p.account)
}

func (p *place) rest() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// backoff doubles from one failure to the next; half of it is chance.
func backoff(failures int) time.Duration {
	wait := min(firstWait<<min(failures, 10), lastWait)
	return wait/2 + rand.N(wait/2)
}
