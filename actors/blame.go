package actors

import (
	"time"

	"go.uber.org/zap"
)

// AccountKind is the kind of the accounts' actors. It is also the label that tells the
// number, in profiles and tracebacks, of the account that a goroutine works for: those
// of its lanes, and those that whatsmeow starts in them.
const AccountKind = "account"

// ProcessCrash is the end of an earlier process by a panic in a goroutine that works
// for an account: whatsmeow's handlers of stanzas do not recover.
type ProcessCrash struct {
	Account string // empty if nobody is to blame
	// At tells one crash from another; in milliseconds.
	At time.Time
}

const (
	// maxCrashes is after how many crashes an account is kept from connecting: the
	// stanza that did it comes again at every login.
	maxCrashes = 2
	// crashFades is how long after a crash the next one counts as the first.
	crashFades = 24 * time.Hour
	// suspectDelay is how long the others, if they are few, have to take what waits for
	// them before a suspect connects. If they are many, it waits for its turn as well.
	suspectDelay = 10 * time.Second

	reasonCrashed = "process_crashed"
)

// blame counts the crash of the last process, once, if it was of this account. The
// account then connects after all others; the second time it is quarantined, until
// somebody starts it.
func (a *Account) blame() {
	crash := a.node.Crash
	if crash.Account != a.number {
		return
	}
	if !crash.At.Equal(a.record.CrashedAt) {
		a.strike(crash.At)
	}
	a.suspect = a.record.Crashes > 0 && time.Since(crash.At) < crashFades
}

func (a *Account) strike(at time.Time) {
	if at.Sub(a.record.CrashedAt) > crashFades {
		a.record.Crashes = 0
	}
	a.record.Crashes++
	a.record.CrashedAt = at
	a.log.Error("the last process died of this account", zap.Int64("crashes", a.record.Crashes))
	if a.record.Crashes >= maxCrashes && !a.session.State.Terminal() {
		a.become(StateQuarantined, time.Time{}, reasonCrashed)
		return
	}
	a.saveThen(func() {})
}

// resumeLater lets the others be at work first.
func (a *Account) resumeLater() {
	until := time.Now().Add(suspectDelay)
	a.become(StateBackoff, until, reasonCrashed)
	a.at(until, a.connect)
}
