package actors

import (
	"errors"
	"slices"
	"sync"
)

// ErrSlow is why a subscription ended whose reader did not keep up. The reader
// comes back with its last cursor and misses nothing.
var ErrSlow = errors.New("subscriber does not keep up")

// Feed carries events from accounts to those who listen at the moment. It keeps
// nothing: what a listener missed is in the accounts' logs.
type Feed struct {
	mu        sync.Mutex
	listeners map[*Subscription]struct{}
}

// NewFeed makes a feed without listeners.
func NewFeed() *Feed { return &Feed{listeners: make(map[*Subscription]struct{})} }

// Publish offers an event to every subscription that wants it. It never blocks:
// a subscription whose queue is full ends with [ErrSlow].
func (f *Feed) Publish(event Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.listeners {
		if !s.filter.wants(event) {
			continue
		}
		select {
		case s.events <- event:
		default:
			f.end(s, ErrSlow)
		}
	}
}

// Filter selects events. An empty list selects all.
type Filter struct {
	Accounts []string
	Kinds    []EventKind
}

func (f Filter) wants(event Event) bool {
	return (len(f.Accounts) == 0 || slices.Contains(f.Accounts, event.Account)) &&
		(len(f.Kinds) == 0 || slices.Contains(f.Kinds, event.Kind))
}

// Subscription is one listener's queue.
type Subscription struct {
	feed   *Feed
	filter Filter
	events chan Event
	err    error // guarded by the feed
}

// Subscribe opens a subscription with room for limit events that the listener
// has not taken yet. It must be closed.
func (f *Feed) Subscribe(filter Filter, limit int) *Subscription {
	s := &Subscription{feed: f, filter: filter, events: make(chan Event, limit)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listeners[s] = struct{}{}
	return s
}

// Events gives the events in order; it is closed when the subscription ends.
func (s *Subscription) Events() <-chan Event { return s.events }

// Wants tells whether the subscription's filter selects the event.
func (s *Subscription) Wants(event Event) bool { return s.filter.wants(event) }

// Err tells why the subscription ended: [ErrSlow], or nil after Close.
func (s *Subscription) Err() error {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	return s.err
}

// Close ends the subscription; it may be called more than once.
func (s *Subscription) Close() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.feed.end(s, nil)
}

// Close ends every subscription, for the end of the process.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.listeners {
		f.end(s, nil)
	}
}

// end is called with the lock held.
func (f *Feed) end(s *Subscription, err error) {
	if _, listening := f.listeners[s]; listening {
		delete(f.listeners, s)
		s.err = err
		close(s.events)
	}
}
