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
)

// keeper has one actor run for each endpoint, as the endpoint is now: one that was
// changed ends and begins anew, where it was in each log.
type keeper struct {
	service  *Service
	runtime  *actors.Runtime
	self     *actors.Self
	erasing  *actors.Lane
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
	k.self, k.erasing = self, self.Lane(actors.DefaultMailbox)
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
	}
}

func (k *keeper) command(command *actors.Command) {
	switch body := command.Body.(type) {
	case place:
		command.Reply(struct{}{}, k.place(body.hook))
	case remove:
		command.Reply(k.remove(body.hook.ID), nil)
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
	if c.want != nil && c.want.Version > hook.Version {
		return nil // somebody has changed it meanwhile
	}
	c.want = &hook
	if c.ref != nil {
		c.ref.Tell(leave{}) // and again once it is gone
		return nil
	}
	return k.spawn(c)
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
