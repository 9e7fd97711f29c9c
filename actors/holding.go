package actors

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrFenced says that this node has no right to the account just now, or not any
// more.
var ErrFenced = errors.New("the account is not this node's")

// Holding is an incarnation's right to its account, where other nodes may have it
// one day. The zero value is the right of a node without others beside it.
type Holding struct {
	// Floor is what the account's fencing number has to be above.
	Floor uint64
	// Confirm is told the number before anything is done under it. An error ends the
	// incarnation.
	Confirm func(ctx context.Context, generation uint64) error
	// Valid is nil while the account may say something to WhatsApp. It is asked before
	// each frame and must neither wait nor fail for any other reason.
	Valid func() error
}

func (h Holding) confirm(ctx context.Context, generation uint64) error {
	if h.Confirm == nil {
		return nil
	}
	return fenced(h.Confirm(ctx, generation))
}

func (h Holding) valid() error {
	if h.Valid == nil {
		return nil
	}
	return fenced(h.Valid())
}

// fenced marks an error.
func fenced(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrFenced, err)
}

// Fenced tells an account that its node has lost the right to it: it disconnects and
// ends. What was accepted is in the storage, for the node that has the account next.
type Fenced struct{ Cause error }

// fence ends the incarnation. Only who listens at the moment hears of it: the log is
// the next owner's.
func (a *Account) fence(cause error) {
	if a.link != nil {
		a.link.giveUp(cause)
	}
	if a.record.Running && !a.session.State.Terminal() {
		a.publish(EventConnectionState, ConnectionStateEvent{
			ClientID: a.number, State: string(StateFenced), Previous: string(a.session.State), Reason: "lease_lost",
			Metadata: a.record.Metadata,
		})
	}
	a.refuseEarly(&Error{Code: CodeRoutingUnavailable, Message: "the account is between two nodes", RetryAfter: time.Second, Cause: cause})
	a.self.Stop()
}
