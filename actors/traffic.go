package actors

import (
	"sync"
	"time"

	"go.mau.fi/whatsmeow/types/events"
)

// traffic is when an account last heard from WhatsApp, and how late. Handlers of
// events note it from any goroutine.
type traffic struct {
	mu   sync.Mutex
	last time.Time
	lag  time.Duration
}

// note takes down that an event was handled at this time, unless it tells that nothing
// came. How late it was is known of what bears WhatsApp's time, which has whole seconds.
func (t *traffic) note(event any, at time.Time) {
	switch event.(type) {
	case *events.KeepAliveTimeout, *events.Disconnected:
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = at
	switch e := event.(type) {
	case *events.Message:
		t.lag = max(at.Sub(e.Info.Timestamp), 0)
	case *events.Receipt:
		t.lag = max(at.Sub(e.Timestamp), 0)
	}
}

// heard is the last time that anything came, and the lag of what came last; both
// are zero before.
func (t *traffic) heard() (last time.Time, lag time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last, t.lag
}
