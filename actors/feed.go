package actors

import (
	"errors"
	"sync"
	"sync/atomic"
)

// ErrSlow is why a subscription ended whose reader did not keep up. The reader
// comes back with its last cursor and misses nothing.
var ErrSlow = errors.New("subscriber does not keep up")

// Feed carries events from accounts to those who listen at the moment. It keeps
// nothing: what a listener missed is in the accounts' logs. Its methods may be
// called by anyone.
type Feed struct {
	mu       sync.RWMutex
	every    map[*Subscription]struct{}
	accounts map[string]map[*Subscription]struct{}

	open, slow atomic.Int64
}

// NewFeed makes a feed without listeners.
func NewFeed() *Feed {
	return &Feed{every: make(map[*Subscription]struct{}), accounts: make(map[string]map[*Subscription]struct{})}
}

// Publish offers an event to every subscription that follows its account. It
// never blocks: a subscription whose queue is full ends with [ErrSlow].
func (f *Feed) Publish(event Event) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for s := range f.every {
		s.push(event)
	}
	for s := range f.accounts[event.Account] {
		if _, once := f.every[s]; !once {
			s.push(event)
		}
	}
}

// Listeners counts the subscriptions that are open, and those that have ended with
// [ErrSlow] until now.
func (f *Feed) Listeners() (open, slow int64) { return f.open.Load(), f.slow.Load() }

// FeedLimits bound what waits for a listener. One event fits in any case.
type FeedLimits struct{ Events, Bytes int }

// Subscription is one listener's queue. Next and Len are for the listener, the
// other methods for anyone.
type Subscription struct {
	feed     *Feed
	limits   FeedLimits
	sees     func(account string) bool // nil: every account
	more     chan struct{}
	followed map[string]struct{} // guarded by the feed

	mu    sync.Mutex
	queue []Event
	bytes int
	over  bool
	err   error
}

// Subscribe opens a subscription that follows no account yet. It must be closed.
func (f *Feed) Subscribe(limits FeedLimits) *Subscription {
	f.open.Add(1)
	return &Subscription{feed: f, limits: limits, more: make(chan struct{}, 1), followed: make(map[string]struct{})}
}

// Narrow keeps events of accounts that the listener does not see out of the queue,
// whatever it follows; sees is asked at each event and must not block. It comes
// before the first Follow.
func (s *Subscription) Narrow(sees func(account string) bool) { s.sees = sees }

// Follow has the account's events delivered from now on.
func (s *Subscription) Follow(account string) {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	if s.feed.accounts[account] == nil {
		s.feed.accounts[account] = make(map[*Subscription]struct{})
	}
	s.feed.accounts[account][s] = struct{}{}
	s.followed[account] = struct{}{}
}

// Unfollow ends that. What is queued stays.
func (s *Subscription) Unfollow(account string) {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.unfollowLocked(account)
}

// FollowAll has the events of every account delivered from now on, also of
// accounts that do not exist yet; each event still comes once.
func (s *Subscription) FollowAll() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.feed.every[s] = struct{}{}
}

// UnfollowAll takes FollowAll back; what [Subscription.Follow] named stays.
func (s *Subscription) UnfollowAll() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	delete(s.feed.every, s)
}

// More is readable when events wait or the subscription has ended.
func (s *Subscription) More() <-chan struct{} { return s.more }

// Len is how many events wait. All that was published before the call counts.
func (s *Subscription) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// Next takes the event that has waited longest; false if none does.
func (s *Subscription) Next() (Event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return Event{}, false
	}
	event := s.queue[0]
	s.queue[0] = Event{}
	s.queue = s.queue[1:]
	s.bytes -= sizeOf(event)
	if len(s.queue) > 0 {
		s.signal()
	}
	return event, true
}

// Err tells why the subscription ended: [ErrSlow], or nil after Close and before
// the end.
func (s *Subscription) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close ends the subscription; it may be called more than once.
func (s *Subscription) Close() {
	s.end(nil)
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	delete(s.feed.every, s)
	for account := range s.followed {
		s.unfollowLocked(account)
	}
}

func (s *Subscription) unfollowLocked(account string) {
	delete(s.followed, account)
	delete(s.feed.accounts[account], s)
	if len(s.feed.accounts[account]) == 0 {
		delete(s.feed.accounts, account)
	}
}

// push queues an event. One that does not fit ends the subscription and frees
// the queue at once: the reader gets all of it again from the log.
func (s *Subscription) push(event Event) {
	if s.sees != nil && !s.sees(event.Account) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	size := sizeOf(event)
	switch {
	case s.over:
		return
	case len(s.queue) > 0 && (len(s.queue) >= s.limits.Events || s.bytes+size > s.limits.Bytes):
		s.endLocked(ErrSlow)
	default:
		s.queue = append(s.queue, event)
		s.bytes += size
	}
	s.signal()
}

func (s *Subscription) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(err)
	s.signal()
}

func (s *Subscription) endLocked(err error) {
	if s.over {
		return
	}
	s.over, s.err, s.queue, s.bytes = true, err, nil, 0
	s.feed.open.Add(-1)
	if err != nil {
		s.feed.slow.Add(1)
	}
}

// signal makes More readable; once is enough.
func (s *Subscription) signal() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// sizeOf is what a queued event costs: its data and the struct around it.
func sizeOf(event Event) int { return len(event.Data) + 128 }
