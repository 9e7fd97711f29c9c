package webhook

import (
	"context"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// afterCrash is the time between an endpoint's crash and its next life.
const afterCrash = 10 * time.Second

// What the keeper is asked and told.
type (
	place  struct{ hook persist.Webhook } // as it is now; reply: struct{}
	remove struct{ hook persist.Webhook } // reply: *actors.Ref, of what is ending, or nil
	erase  struct{ hook persist.Webhook } // has what accounts keep of it removed; reply: struct{}
	find   struct{ id string }            // reply: *actors.Ref, or nil
	drain  struct{}                       // reply: []*actors.Ref
	ended  struct{ actors.Ended }
	look   struct{} // another node may have changed something
	// strays asks which endpoints there are here and not among those of the storage. They
	// are ending then; reply: []stray.
	strays struct{ there map[string]bool }
)

// stray is an endpoint that is ending, as another node has removed it.
type stray struct {
	hook persist.Webhook
	ref  *actors.Ref // nil: it did not run
}

// keeper has one actor run for each endpoint, as the endpoint is now: one that was
// changed ends and begins anew, where it was in each log.
type keeper struct {
	service  *Service
	runtime  *actors.Runtime
	self     *actors.Self
	erasing  *actors.Lane
	looking  *actors.Lane
	children map[string]*child
	draining bool
}

// child is an endpoint that there is, or that is ending.
type child struct {
	want *persist.Webhook // nil: nothing follows
	ref  *actors.Ref      // nil: none is alive
}

// Started implements [actors.Behaviour].
func (k *keeper) Started(self *actors.Self) {
	k.self, k.erasing, k.looking = self, self.Lane(actors.DefaultMailbox), self.Lane(1)
	k.lookLater()
}

// Stopped implements [actors.Behaviour]. The endpoints have been stopped before.
func (k *keeper) Stopped(*actors.Self) {}

// Receive implements [actors.Behaviour].
func (k *keeper) Receive(_ *actors.Self, message any) {
	switch m := message.(type) {
	case *actors.Command:
		k.command(m)
	case ended:
		k.ended(m.Ended)
	case look:
		k.look()
	}
}

func (k *keeper) lookLater() {
	if k.service.Review > 0 {
		k.self.After(k.service.Review, func() { k.look(); k.lookLater() })
	}
}

// look compares the endpoints with the storage. What waits already will see it all.
func (k *keeper) look() {
	_ = actors.Do(k.looking, func(ctx context.Context) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, storageTimeout)
		defer cancel()
		return struct{}{}, k.service.refresh(ctx)
	}, func(_ struct{}, err error) {
		if err != nil {
			k.service.Log.Warn("webhooks could not be read: those that are known go on", zap.Error(err))
		}
	})
}

func (k *keeper) command(command *actors.Command) {
	switch body := command.Body.(type) {
	case place:
		command.Reply(struct{}{}, k.place(body.hook))
	case remove:
		command.Reply(k.remove(body.hook.ID), nil)
	case strays:
		command.Reply(k.strays(body.there), nil)
	case erase:
		command.Reply(struct{}{}, actors.Do(k.erasing, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, k.service.erase(ctx, body.hook)
		}, func(_ struct{}, err error) {
			if err != nil {
				k.service.Log.Warn("places of a webhook that is gone were left behind", zap.String("webhook", body.hook.ID), zap.Error(err))
			}
		}))
	case find:
		var ref *actors.Ref
		if c := k.children[body.id]; c != nil {
			ref = c.ref
		}
		command.Reply(ref, nil)
	case drain:
		k.draining = true
		var refs []*actors.Ref
		for _, c := range k.children {
			if c.ref != nil {
				refs = append(refs, c.ref)
			}
		}
		command.Reply(refs, nil)
	}
}

func (k *keeper) place(hook persist.Webhook) error {
	c := k.children[hook.ID]
	if c == nil {
		c = &child{}
		k.children[hook.ID] = c
	}
	if c.want != nil && made(*c.want) == made(hook) && c.want.Version >= hook.Version {
		return nil // it is so already, or somebody has changed it meanwhile
	}
	c.want = &hook
	if c.ref != nil {
		c.ref.Tell(leave{}) // and again once it is gone
		return nil
	}
	return k.spawn(c)
}

// made is when an endpoint came to be, as the storage has times. An account's own may be
// another one under the same id.
func made(hook persist.Webhook) int64 { return persist.Milliseconds(hook.CreatedAt) }

func (k *keeper) strays(there map[string]bool) (ending []stray) {
	for id, c := range k.children {
		if c.want != nil && !there[id] {
			hook := *c.want
			ending = append(ending, stray{hook, k.remove(id)})
		}
	}
	return ending
}

func (k *keeper) remove(id string) *actors.Ref {
	c := k.children[id]
	if c == nil {
		return nil
	}
	c.want = nil
	if c.ref == nil {
		delete(k.children, id)
		return nil
	}
	c.ref.Tell(leave{})
	return c.ref
}

func (k *keeper) spawn(c *child) error {
	if k.draining || c.want == nil || c.want.Paused || c.ref != nil {
		return nil
	}
	behaviour, err := newEndpoint(k.service, *c.want)
	if err != nil {
		return err
	}
	c.ref, err = k.runtime.Spawn(actors.Spec{
		Kind: "webhook", Name: c.want.ID, Behaviour: behaviour, OnEnd: func(e actors.Ended) { k.self.Tell(ended{e}) },
	})
	return err
}

// ended has the next incarnation begin, if there is to be one.
func (k *keeper) ended(e actors.Ended) {
	c := k.children[e.Name]
	if c == nil || c.ref == nil || c.ref.Incarnation() != e.Incarnation {
		return
	}
	c.ref = nil
	if c.want == nil {
		delete(k.children, e.Name)
		return
	}
	pause := time.Duration(0)
	if e.Crash != nil {
		pause = afterCrash
		k.service.Log.Error("webhook crashed", zap.String("webhook", e.Name), zap.String("during", e.Crash.During),
			zap.Any("panic", e.Crash.Value), zap.ByteString("stack", e.Crash.Stack))
	}
	k.self.After(pause, func() {
		if err := k.spawn(c); err != nil {
			k.service.Log.Error("webhook could not be started", zap.String("webhook", e.Name), zap.Error(err))
		}
	})
}
