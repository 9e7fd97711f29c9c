package simulator

import (
	"errors"
	"sync"
)

// What can have changed.
const (
	changedPhone = "phone" // whether it is switched on, its name, its devices
	changedChat  = "chat"  // something was sent, received or confirmed
	changedAll   = "all"   // more than can be told one by one
)

// change names something to look at again.
type change struct{ kind, number string }

const (
	// maxWatchers bounds who can watch at a time: a change is told to each of them.
	maxWatchers = 32
	// maxPendingChanges bounds what a watcher has not taken yet. At the bound all of it gives way to changedAll.
	maxPendingChanges = 1000
)

// errTooManyWatchers is the refusal of one watcher more.
var errTooManyWatchers = errors.New("too many watch already")

// changes tells watchers what has changed, though not how: who lags behind has the same to look at once, not many
// times. It is a leaf lock.
type changes struct {
	mu       sync.Mutex
	watchers map[*watcher]struct{}
}

// watcher has what one viewer has not looked at yet.
type watcher struct {
	pending []change
	seen    map[change]struct{} // those in pending
	wake    chan struct{}       // capacity 1
}

func (c *changes) watch() (*watcher, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.watchers) >= maxWatchers {
		return nil, errTooManyWatchers
	}
	w := &watcher{seen: map[change]struct{}{}, wake: make(chan struct{}, 1)}
	if c.watchers == nil {
		c.watchers = map[*watcher]struct{}{}
	}
	c.watchers[w] = struct{}{}
	return w, nil
}

func (c *changes) unwatch(w *watcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.watchers, w)
}

// tell notes a change for every watcher. Callers may hold Simulator.mu.
func (c *changes) tell(kind, number string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.watchers {
		w.note(change{kind, number})
	}
}

func (w *watcher) note(news change) {
	if news.kind == changedAll || len(w.pending) >= maxPendingChanges {
		news = change{kind: changedAll}
		w.clear()
	}
	_, known := w.seen[news]
	_, covered := w.seen[change{kind: changedAll}]
	if !known && !covered {
		w.pending = append(w.pending, news)
		w.seen[news] = struct{}{}
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take returns what is pending, in the order of the first change of each.
func (c *changes) take(w *watcher) []change {
	c.mu.Lock()
	defer c.mu.Unlock()
	pending := w.pending
	w.clear()
	return pending
}

func (w *watcher) clear() {
	w.pending = nil
	clear(w.seen)
}
