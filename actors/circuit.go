package actors

import (
	"errors"
	"sync/atomic"

	"go.mau.fi/whatsmeow/store"
	"go.uber.org/zap"
)

// ErrOutdated refuses a connection while WhatsApp refuses this node's version.
var ErrOutdated = errors.New("WhatsApp refuses the version of this client")

// Version is the version of WhatsApp Web that new connections announce.
func (b *ConnectBudget) Version() store.WAVersionContainer { return *b.version.Load() }

// Outdated tells that WhatsApp refused a version that an account announced. If
// that is the node's present one, no more connections are allowed, except one
// that somebody asks for, until one was accepted or a newer version was found: a
// node that goes on trying with all accounts looks worse each time. The account
// is told as soon as the node announces another.
func (b *ConnectBudget) Outdated(account *Ref, refused store.WAVersionContainer) {
	b.ref.Tell(refusal{account, refused})
}

// Accepted tells that WhatsApp let a client in.
func (b *ConnectBudget) Accepted() { b.ref.Tell(acceptance{}) }

type (
	refusal struct {
		account *Ref
		version store.WAVersionContainer
	}
	acceptance struct{}
	// renewed tells an account that was refused that trying again makes sense.
	renewed struct{}
)

// circuit is open while WhatsApp refuses the version that the node announces.
type circuit struct {
	open    bool
	version atomic.Pointer[store.WAVersionContainer] // written by the budget alone
	// refused has the accounts to be told of another version, by their identity:
	// later incarnations take the place of earlier ones.
	refused map[string]*Ref
	lookups *Lane
	looking bool
}

// refuse opens the circuit. A connection that was made before the version
// changed, and is refused after, says nothing of the new one.
func (b *budget) refuse(r refusal) {
	if r.version != *b.version.Load() {
		r.account.Tell(renewed{})
		return
	}
	if b.Latest != nil {
		b.refused[r.account.incarnation.identity] = r.account
	}
	if b.open {
		return
	}
	b.open = true
	b.turnAway()
	b.lookUp()
}

// turnAway refuses those who wait and whom nobody waits for.
func (b *budget) turnAway() {
	for priority := ConnectRecent; priority < connectPriorities; priority++ {
		for _, w := range b.waiting[priority] {
			w.forget()
			w.Reply(nil, ErrOutdated)
		}
		b.waiting[priority] = nil
	}
}

// lookUp asks for the present version, once for each time the circuit opens.
func (b *budget) lookUp() {
	if b.Latest == nil || b.looking {
		return
	}
	b.looking = Do(b.lookups, b.Latest, b.found) == nil
}

// found takes what a lookup resulted in. Without anything newer the circuit
// stays as it is, and somebody has to act.
func (b *budget) found(latest store.WAVersionContainer, err error) {
	b.looking = false
	announced := *b.version.Load()
	log := b.Log.With(zap.Stringer("announced", announced), zap.Stringer("latest", latest))
	switch {
	case err != nil:
		log.Error("WhatsApp refuses this version, and no other was found", zap.Error(err))
	case !announced.LessThan(latest):
		log.Error("WhatsApp refuses this version, and has no newer one")
	default:
		log.Warn("WhatsApp refused this version; the latest is announced from now on")
		b.renew(latest)
	}
}

// renew closes the circuit and has those come back whom it kept away.
func (b *budget) renew(version store.WAVersionContainer) {
	b.version.Store(&version)
	b.open = false
	for _, account := range b.refused {
		account.Tell(renewed{})
	}
	clear(b.refused)
}
