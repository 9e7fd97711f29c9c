package redislease

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
	driver "github.com/redis/go-redis/v9"

	"whatsapp-web-server/supervisor/ownership"
)

// maxSkew is how far this machine's clock and Redis's may be apart: what the nodes
// write into the shared storage is ordered and expires by their clocks.
const maxSkew = 2 * time.Second

// keptFormer is of how many former sessions a process knows that they are over. One
// that it doesn't know ends by itself.
const keptFormer = 8

// hearAll is after how many beats a node hears of all nodes anew. It isn't told of
// changes that Redis had lost, and counted again.
const hearAll = 200

// run keeps a lease, one session after the other.
func (l *Lease) run(ctx context.Context) {
	defer close(l.done)
	for ctx.Err() == nil {
		l.keep(ctx, l.term.Load())
		if ctx.Err() != nil {
			return
		}
		l.tell()
		l.rejoin(ctx)
		l.tell()
	}
}

func (l *Lease) tell() {
	if l.config.Changed != nil {
		l.config.Changed()
	}
}

// keep prolongs a term until it is over.
func (l *Lease) keep(ctx context.Context, t *term) {
	wait := l.interval()
	for count := 1; t.valid(); count++ {
		if !pause(ctx, min(wait, t.left())) {
			return
		}
		if count%hearAll == 0 {
			l.changes = "0"
		}
		wait = l.beat(ctx, t)
	}
}

// rejoin begins another term, as soon as the registry answers.
func (l *Lease) rejoin(ctx context.Context) {
	for l.join(ctx, false) != nil {
		if !pause(ctx, l.retryAfter()) {
			return
		}
	}
}

// retryAfter is soon enough for several tries before the end.
func (l *Lease) retryAfter() time.Duration { return l.interval() / 3 }

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// beat prolongs the term, and returns when to do it next.
func (l *Lease) beat(ctx context.Context, t *term) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, min(l.beatTimeout(), t.left()))
	defer cancel()
	sent := l.now()
	found, err := beatScript.Run(ctx, l.beats, []string{l.nodesKey()}, t.session(), l.config.TTL.Milliseconds(), l.changes).StringSlice()
	switch {
	case errors.Is(err, driver.Nil):
		t.over.Store(true) // the registry knows it no more
		return 0
	case err != nil:
		return l.retryAfter() // it holds until its end
	}
	t.prolong(sent.add(l.config.TTL - l.margin()))
	if l.learn(found) {
		l.tell()
	}
	return l.interval()
}

func (l *Lease) beatTimeout() time.Duration { return min(l.config.TTL/5, time.Second) }

// learn takes over what a script tells of the nodes: all of them, or what has changed
// since, and in any case as how many changes that is.
func (l *Lease) learn(found []string) (news bool) {
	if found[1] == "all" {
		l.known = make(map[string]ownership.Node)
	}
	l.changes = found[0]
	news = found[1] == "all" || len(found) > 2
	for i := 2; i+1 < len(found); i += 2 {
		session, record := found[i], found[i+1]
		if node, err := decode(record); err == nil {
			l.known[session] = node
		} else { // it is over, or a later program's, which this one can't ask anything
			delete(l.known, session)
		}
	}
	if news {
		nodes := slices.SortedFunc(maps.Values(l.known), func(a, b ownership.Node) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Session, b.Session))
		})
		l.nodes.Store(&nodes)
	}
	return news
}

func decode(record string) (node ownership.Node, err error) {
	err = json.Unmarshal([]byte(record), &node)
	return node, err
}

// join begins a term under a new session. The registry's clock is asked first: a link
// that is too slow for the answer leaves no session behind.
func (l *Lease) join(ctx context.Context, first bool) error {
	l.joining.Lock()
	defer l.joining.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 3*l.beatTimeout())
	defer cancel()
	if err := l.checkClock(ctx); err != nil && (first || errors.Is(err, ownership.ErrUnavailable)) {
		return err
	}
	node := l.config.Node
	node.Session, node.Since = ulid.Make().String(), l.config.Wall()
	sent := l.now()
	found, err := joinScript.Run(ctx, l.beats, []string{l.nodesKey()},
		node.Session, encode(node), l.config.TTL.Milliseconds(), l.quarantine().Milliseconds()).StringSlice()
	if err != nil {
		return unavailable(err)
	}
	l.learn(found)
	l.begin(newTerm(node, l.now, sent.add(l.config.TTL-l.margin())))
	return nil
}

func (l *Lease) begin(t *term) {
	sessions := []string{t.session()}
	if former := l.sessions.Load(); former != nil {
		sessions = append(sessions, (*former)[:min(len(*former), keptFormer)]...)
	}
	l.sessions.Store(&sessions)
	l.term.Store(t)
}

func encode(node ownership.Node) string {
	record, err := json.Marshal(node)
	if err != nil {
		panic(err) // a weight that is no number; configurations refuse it
	}
	return string(record)
}

// quarantine is how long after the registry has lost its data there may be owners
// that it doesn't know: a lease, and what clocks run differently in that time.
func (l *Lease) quarantine() time.Duration { return l.config.TTL + l.config.TTL/3 }

// checkClock compares the clocks, as well as the time of the exchange lets tell.
func (l *Lease) checkClock(ctx context.Context) error {
	sent := l.now()
	theirs, err := l.beats.Time(ctx).Result()
	if err != nil {
		return unavailable(err)
	}
	took := -l.now().until(sent)
	ahead := sent.wall.Add(took / 2).Sub(theirs)
	if ahead.Abs() <= maxSkew+took/2 {
		return nil
	}
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	return fmt.Errorf("this machine's clock is %s %s Redis's, more than %s: set both by NTP",
		ahead.Abs().Round(100*time.Millisecond), direction, maxSkew)
}

// Cordon implements [ownership.Owner]. Sessions that begin later say it too, also
// where the registry could not be told now.
func (l *Lease) Cordon(ctx context.Context, cordoned, draining bool) error {
	l.joining.Lock()
	defer l.joining.Unlock()
	l.config.Node.Cordoned, l.config.Node.Draining = cordoned, draining
	t := l.term.Load()
	node := *t.node.Load()
	node.Cordoned, node.Draining = cordoned, draining
	t.node.Store(&node)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := l.ask(ctx, amendScript, node.Session, encode(node)).Err()
	if errors.Is(err, driver.Nil) {
		return ownership.ErrLost
	}
	return unavailable(err)
}
