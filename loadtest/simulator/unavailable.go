package simulator

import (
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"
)

// withheld is whether companions get a message, or are told that there is one.
type withheld struct {
	told bool
	why  events.UnavailableType
}

// viewedOnceAlone withholds what may be seen once: it is for phones alone.
func viewedOnceAlone(message *waE2E.Message) withheld {
	if viewedOnce(message) {
		return withheld{true, events.UnavailableTypeViewOnce}
	}
	return withheld{}
}

func (w withheld) from(to endpoint) bool { return w.told && to.number != 0 }

// children are what the stanza tells the service of it.
func (w withheld) children() []waBinary.Node {
	if !w.told {
		return nil
	}
	return []waBinary.Node{element("unavailable", waBinary.Attrs{"type": string(w.why)})}
}

// tellWithheld tells the companions of both sides that there is a message which is not for them.
func (s *Simulator) tellWithheld(from endpoint, node *waBinary.Node) {
	parts := node.GetChildrenByTag("unavailable")
	if len(parts) == 0 {
		return
	}
	s.mu.Lock()
	all := from.account.endpointsLocked()[1:]
	if to := s.accountOfLocked(chatOf(node)); to != nil && to != from.account {
		all = append(all, to.endpointsLocked()[1:]...)
	}
	s.mu.Unlock()
	for _, e := range all {
		s.relayTo(from, e.lid(), node, parts)
	}
}
