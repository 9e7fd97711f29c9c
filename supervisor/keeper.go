package supervisor

import (
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/ownership"
)

const (
	// earlyEnd is what counts as ending early: a life shorter than this makes the
	// next one start later.
	earlyEnd = time.Minute
	// maxPause bounds the time between two lives.
	maxPause = time.Minute
)

// What the keeper is asked and told.
type (
	ensure struct{ account, tenant string } // reply: struct{}
	drain  struct{}                         // reply: map[string]*actors.Ref, of those alive
	ended  struct{ actors.Ended }
	// retire asks that no incarnation follow the present one; reply: *actors.Ref.
	retire struct{ account string }
	// retired tells whether the account is gone now, else it lives again; reply: struct{}.
	retired struct {
		account string
		gone    bool
	}
)

// keeper is the supervisor's behaviour: one child per account, one incarnation
// per child.
type keeper struct {
	Config

	node     *actors.Node // with the keeper in it
	living   *directory
	children map[string]*child
	self     *actors.Self
	draining bool
	storage  storage
	cluster  cluster
}

// child is an account that is to be alive.
type child struct {
	ref *actors.Ref // nil before the first life
	// claim is what the present life lives by. While claiming another is asked for, and
	// waiting are those who want to know what comes of it.
	claim    ownership.Claim
	claiming bool
	waiting  []*actors.Command
	// leaving says that another node is to have the account.
	leaving bool

	born  time.Time
	early int // lives in a row that ended early
	// interrupted says that storage failed in this life.
	interrupted bool
	// retiring says that the account is being removed: nothing follows this life.
	retiring bool
}

// Started implements [actors.Behaviour].
func (k *keeper) Started(self *actors.Self) {
	k.self = self
	k.watch()
	k.join()
}

// Stopped implements [actors.Behaviour]. The accounts have been stopped before.
func (k *keeper) Stopped(*actors.Self) {
	k.storage.timer.Stop()
	k.part()
}

// Receive implements [actors.Behaviour].
func (k *keeper) Receive(_ *actors.Self, message any) {
	switch m := message.(type) {
	case *actors.Command:
		k.command(m)
	case ended:
		k.ended(m.Ended)
	case storageFailed:
		k.failed(m)
	case ownersChanged:
		k.ownersChanged()
	}
}

func (k *keeper) command(command *actors.Command) {
	switch body := command.Body.(type) {
	case ensure:
		k.ensure(command, body.account, body.tenant)
	case bring:
		k.bring(command, body.accounts)
	case retire:
		command.Reply(k.retire(body.account))
	case retired:
		k.retired(body)
		command.Reply(struct{}{}, nil)
	case drain:
		k.draining = true
		refs := make(map[string]*actors.Ref)
		for account, child := range k.children {
			if child.ref != nil {
				refs[account] = child.ref
			}
		}
		command.Reply(refs, nil)
	}
}

// ensure answers when the account lives here, or why it does not.
func (k *keeper) ensure(command *actors.Command, account, tenant string) {
	c, known := k.children[account]
	switch {
	case k.draining:
		command.Reply(nil, &actors.Error{Code: actors.CodeDraining, Message: "this server is stopping", RetryAfter: time.Second})
	case k.storage.lost:
		command.Reply(nil, errUnavailable())
	case known && c.retiring:
		command.Reply(nil, errRetiring())
	case known && c.leaving:
		command.Reply(nil, errElsewhere())
	case known && c.ref != nil:
		command.Reply(struct{}{}, nil)
	default:
		if !known {
			c = &child{}
			k.children[account] = c
			k.living.own(account, tenant)
		}
		c.waiting = append(c.waiting, command)
		k.claim(account, c)
	}
}

func errRetiring() error {
	return &actors.Error{Code: actors.CodeAccountBusy, Message: "the account is being removed", RetryAfter: time.Second}
}

func (k *keeper) retire(account string) (*actors.Ref, error) {
	c, known := k.children[account]
	switch {
	case !known:
		return nil, errNoAccount()
	case c.leaving || c.ref == nil:
		return nil, errElsewhere()
	case c.retiring:
		return nil, errRetiring()
	}
	c.retiring = true
	return c.ref, nil
}

func (k *keeper) retired(r retired) {
	c := k.children[r.account]
	if r.gone {
		delete(k.children, r.account)
		k.living.remove(r.account)
		return
	}
	c.retiring = false
	k.again(r.account, c) // else its end is still to come
}

func (k *keeper) spawn(account string, c *child) error {
	life := actors.Life{Interrupted: c.interrupted, Holding: k.holding(c.claim)}
	ref, err := k.Runtime.Spawn(actors.Spec{
		Kind: actors.AccountKind, Name: account, Behaviour: actors.NewAccount(account, k.node, life),
		OnEnd: func(e actors.Ended) { k.self.Tell(ended{e}) },
	})
	if err != nil {
		return err
	}
	c.ref, c.born, c.interrupted = ref, time.Now(), false
	k.living.set(account, ref)
	return nil
}

// ended starts the next incarnation, at once after a long life and later and
// later after short ones.
func (k *keeper) ended(e actors.Ended) {
	c := k.children[e.Name]
	if k.draining || c == nil || c.retiring || c.leaving || c.ref.Incarnation() != e.Incarnation {
		return
	}
	if e.Crash != nil {
		k.living.tally.crashes.Add(1)
		k.Log.Error("account crashed", zap.String("during", e.Crash.During), zap.Any("panic", e.Crash.Value),
			zap.ByteString("stack", e.Crash.Stack))
	}
	if k.storage.lost {
		return // until it is found again
	}
	c.early++
	if time.Since(c.born) >= earlyEnd {
		c.early = 0
	}
	k.self.After(pause(c.early), func() { k.again(e.Name, c) })
}

// again begins the next life, if the account may live here.
func (k *keeper) again(account string, c *child) {
	if k.draining || k.storage.lost || c.retiring || c.leaving || k.children[account] != c || !c.over() {
		return
	}
	k.claim(account, c)
}

// over tells whether no incarnation is alive.
func (c *child) over() bool {
	if c.ref == nil {
		return true
	}
	select {
	case <-c.ref.Gone():
		return true
	default:
		return false
	}
}

// pause is none for the first early end, so that a fresh device after a logout
// is there at once, then doubles from half a second.
func pause(early int) time.Duration {
	if early <= 1 {
		return 0
	}
	return min(time.Second<<min(early-2, 10)/2, maxPause)
}
