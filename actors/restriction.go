package actors

import (
	"strings"
	"time"

	"go.mau.fi/whatsmeow/types/events"
)

// Limits of what is done where WhatsApp asks for fewer messages: as long as nobody
// knows how long to wait, twice as long each time.
const (
	leastSlowness = 15 * time.Second
	mostSlowness  = 15 * time.Minute
)

// slowness is the pause after the last refusal for too many messages.
type slowness time.Duration

func (s slowness) next() slowness {
	return min(max(2*s, slowness(leastSlowness)), slowness(mostSlowness))
}

// slowDown keeps the queue back for a while.
func (a *Account) slowDown() {
	a.slow = a.slow.next()
	a.queue.pause(time.Now().Add(time.Duration(a.slow)))
}

// forgetOpenEnd forgets a restriction whose end nobody knows: a refusal would tell
// of it again.
func (a *Account) forgetOpenEnd() {
	if a.limits != nil && a.limits.until.IsZero() {
		a.limits = nil
	}
}

// restriction is WhatsApp's word that an account may not write to strangers.
type restriction struct {
	until  time.Time // zero if unknown
	reason string
	end    *time.Timer // lifts it; nil while it has no end
}

// rest stops its timer.
func (r *restriction) rest() {
	if r != nil && r.end != nil {
		r.end.Stop()
	}
}

// over tells whether it has ended.
func (r *restriction) over(now time.Time) bool { return !r.until.IsZero() && !r.until.After(now) }

// refused takes notice of what a message's end says of the account.
func (a *Account) refused(sent *Sent) {
	switch {
	case sent.Status == "sent":
		a.slow = 0
	case sent.Reason == CodeAccountRestricted:
		if a.limits == nil || a.limits.over(time.Now()) {
			a.limits = &restriction{reason: "refused"}
		}
		a.restrict()
		sent.Until = a.limits.until
	default: // it says nothing of the account
	}
}

// timelocked is told by WhatsApp that a restriction has begun or ended.
func (a *Account) timelocked(e *events.NotifyAccountReachoutTimelock) {
	if !e.IsActive {
		a.unrestrict()
		return
	}
	a.limits.rest()
	a.limits = &restriction{until: e.TimeEnforcementEnds.Time, reason: strings.ToLower(e.EnforcementType)}
	a.restrict()
}

// restrict brings a session that is ready into the state of the restriction, if
// there is one, and one that is restricted up to what is known of its end.
func (a *Account) restrict() {
	limits := a.limits
	switch {
	case limits == nil:
	case limits.over(time.Now()):
		a.limits = nil
	case a.session.State == StateReady:
		a.become(StateRestricted, limits.until, limits.reason)
		a.awaitEnd(limits)
	case a.session.State == StateRestricted && !a.record.Until.Equal(stamp(limits.until)):
		changed, until := a.session, stamp(limits.until)
		changed.Until, changed.Reason = &until, limits.reason
		a.enter(changed)
		a.awaitEnd(limits)
	default: // it is told once the session is ready
	}
}

// awaitEnd lifts a restriction when it is over.
func (a *Account) awaitEnd(limits *restriction) {
	if limits.until.IsZero() {
		return
	}
	limits.rest()
	limits.end = a.self.After(time.Until(limits.until), func() {
		if a.limits == limits {
			a.unrestrict()
		}
	})
}

func (a *Account) unrestrict() {
	a.limits.rest()
	a.limits = nil
	if a.session.State == StateRestricted {
		a.become(StateReady, time.Time{}, "")
	}
}
