package simulator

import (
	"fmt"
	"maps"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// call is a call from its offer until somebody ends it. Only its signalling is modelled: there is no sound.
type call struct {
	id             string
	caller, callee *account
	group          types.JID // of a group call
	video          bool
	over           bool // rejected or ended
}

// What a client is told of the phone that calls.
var callPlatform = waBinary.Attrs{"platform": "android", "version": "2.26.40.1"}

// callNode is what of a call is told: the action, with whose call it is.
func (k *call) callNode(from endpoint, action string, attrs waBinary.Attrs) waBinary.Node {
	inner := waBinary.Attrs{"call-id": k.id, "call-creator": k.caller.lid, "caller_pn": k.caller.pn}
	if !k.group.IsEmpty() {
		inner["group-jid"] = k.group
	}
	maps.Copy(inner, attrs)
	outer := waBinary.Attrs{"from": from.lid(), "id": newStanzaID(), "t": now(), "notify": from.account.name}
	maps.Copy(outer, callPlatform)
	return element("call", outer, element(action, inner, k.mediaNodes(action)...))
}

func (k *call) mediaNodes(action string) []waBinary.Node {
	if action != "offer" {
		return nil
	}
	media := []waBinary.Node{element("audio", waBinary.Attrs{"enc": "opus", "rate": "16000"})}
	if k.video {
		media = append(media, element("video", waBinary.Attrs{"enc": "h.264"}))
	}
	return media
}

// receiveCall takes what a companion does about a call. Clients only reject.
func (s *Simulator) receiveCall(c *connection, d *device, node *waBinary.Node) error {
	children := node.GetChildren()
	if attr(node, "id") == "" || len(children) != 1 {
		return fmt.Errorf("%w: call without id or action", errBadNode)
	}
	action := children[0]
	if err := s.actOnCall(d.endpoint(), attr(&action, "call-id"), action.Tag, attr(&action, "reason")); err != nil {
		s.recordNote(c, "call: "+err.Error())
	}
	c.push(element("ack", waBinary.Attrs{"class": "call", "id": attr(node, "id"), "from": answeringJID(node), "type": action.Tag}))
	return nil
}

// startCall tells all devices of the callee that somebody calls.
func (s *Simulator) startCall(from endpoint, k *call) {
	offer := k.callNode(from, "offer", nil)
	if !k.group.IsEmpty() {
		media := "audio"
		if k.video {
			media = "video"
		}
		offer = k.callNode(from, "offer_notice", waBinary.Attrs{"media": media, "type": "group"})
	}
	s.mu.Lock()
	blocked := k.callee.blocksLocked(k.caller)
	s.calls.put(k.id, k)
	s.mu.Unlock()
	if !blocked {
		s.tellOfCall(k.callee, endpoint{}, offer)
	}
}

// tellOfCall tells all devices of an account but one.
func (s *Simulator) tellOfCall(a *account, but endpoint, node waBinary.Node) {
	for _, e := range s.endpoints(a) {
		if e != but {
			s.deliver(e, node)
		}
	}
}

// actOnCall is one side's accepting, rejecting or ending of a call: the other side is told, and the own other devices
// hear that somebody else has taken or refused it.
func (s *Simulator) actOnCall(by endpoint, id, action, reason string) error {
	own, attrs := reason, waBinary.Attrs{}
	switch action {
	case "accept":
		own = "accepted_elsewhere"
	case "reject":
		own = "rejected_elsewhere"
	case "terminate":
		attrs["reason"] = reason
	default:
		return fmt.Errorf("%w, not %q", ErrBadCall, action)
	}
	k, err := s.advanceCall(by.account, id, action)
	if err != nil {
		return err
	}
	other := k.callee
	if by.account == k.callee {
		other = k.caller
	}
	s.tellOfCall(other, endpoint{}, k.callNode(by, action, attrs))
	s.tellOfCall(by.account, by, k.callNode(by, "terminate", waBinary.Attrs{"reason": own}))
	return nil
}

// advanceCall finds a call that is not over for one of its sides, and ends it unless it is accepted.
func (s *Simulator) advanceCall(by *account, id, action string) (*call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, known := s.calls.get(id)
	if !known || k.over || by != k.caller && by != k.callee {
		return nil, fmt.Errorf("%q: %w", id, ErrUnknownCall)
	}
	k.over = action != "accept"
	return k, nil
}
