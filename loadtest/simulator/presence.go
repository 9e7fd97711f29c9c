package simulator

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// ErrBadTyping is the refusal of a typing state that does not exist.
var ErrBadTyping = errors.New("typing is composing, recording or paused")

// ReceivedTyping is a change of typing that a phone was shown.
type ReceivedTyping struct {
	Seq   int64  `json:"seq"`
	From  string `json:"from"` // the writer as number@s.whatsapp.net
	State string `json:"state" enum:"composing,recording,paused"`
}

// maxTyping is how many changes of typing a phone remembers; at the bound the oldest quarter is dropped.
const maxTyping = 1000

// receivePresence keeps a companion's presence and push name, and tells its subscribers; or subscribes it to another.
func (s *Simulator) receivePresence(d *device, node *waBinary.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if attr(node, "type") == "subscribe" {
		s.subscribeLocked(d, attrJID(node, "to"))
		return
	}
	if name := attr(node, "name"); name != "" {
		d.account.name = name
		d.account.tellChanged()
	}
	d.account.appearLocked(attr(node, "type"))
}

// appearLocked makes an account available or unavailable for its subscribers.
func (a *account) appearLocked(presence string) {
	a.presence, a.lastSeen = presence, now()
	for subscriber, connection := range a.subscribers {
		if subscriber.removed || subscriber.connection != connection {
			delete(a.subscribers, subscriber)
		} else {
			a.showPresenceLocked(subscriber)
		}
	}
}

func (s *Simulator) subscribeLocked(d *device, to types.JID) {
	a := s.accountOfLocked(to)
	if a == nil {
		return
	}
	a.subscribers[d] = d.connection
	if a.presence != "" {
		a.showPresenceLocked(d)
	}
}

// showPresenceLocked shows an account's presence to a subscriber who may see it. When it was last seen is a secret of
// its own, and being online follows that if the account wants it so.
func (a *account) showPresenceLocked(to *device) {
	hidesOnline := a.hidesLocked("last") && a.privacyLocked("online") == "match_last_seen"
	if !to.active || hidesOnline || a.blocksLocked(to.account) {
		return
	}
	attrs := waBinary.Attrs{"from": a.lid}
	if a.presence == "unavailable" {
		attrs["type"], attrs["last"] = "unavailable", strconv.FormatInt(a.lastSeen, 10)
		if a.hidesLocked("last") {
			attrs["last"] = "deny"
		}
	}
	to.connection.push(element("presence", attrs))
}

// SetPresence shows the account as available or not to whoever has subscribed to it.
func (p *Phone) SetPresence(_ context.Context, available bool) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	presence := types.PresenceUnavailable
	if available {
		presence = types.PresenceAvailable
	}
	p.account.appearLocked(string(presence))
}

// SetTyping shows the other side of a chat, a number, JID, LID or group, that the phone is composing a text, recording
// a voice message, or has paused. It is not kept for those who are away.
func (p *Phone) SetTyping(_ context.Context, chat, state string) error {
	to, err := types.ParseJID(chat)
	if err != nil || to.Server != types.GroupServer {
		other, err := p.sim.resolve(chat)
		if err != nil {
			return err
		}
		to = other.lid
	}
	shown := element("paused", nil)
	switch state {
	case "composing":
		shown = element("composing", nil)
	case "recording":
		shown = element("composing", waBinary.Attrs{"media": "audio"})
	case "paused":
	default:
		return fmt.Errorf("%w, not %q", ErrBadTyping, state)
	}
	node := element("chatstate", waBinary.Attrs{"to": to}, shown)
	p.sim.relayChatState(p.endpoint(), &node)
	return nil
}

// showTyping keeps what the writer of a chat state does.
func (p *Phone) showTyping(from *account, state *waBinary.Node) {
	shown := state.Tag
	if shown == "composing" && attr(state, "media") == "audio" {
		shown = "recording"
	}
	p.typing.add(func(seq int64) ReceivedTyping {
		return ReceivedTyping{Seq: seq, From: from.pn.String(), State: shown}
	})
}

// Typing returns the changes of typing in one-to-one chats that the phone was shown after the given sequence number.
func (p *Phone) Typing(after int64) []ReceivedTyping {
	entries, _ := p.typing.after(after)
	return entries
}

// WaitTyping returns the changes of typing after the given sequence number as soon as there is one.
func (p *Phone) WaitTyping(ctx context.Context, after int64) ([]ReceivedTyping, error) {
	return p.typing.wait(ctx, after)
}
