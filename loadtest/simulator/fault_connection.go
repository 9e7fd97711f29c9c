package simulator

import (
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// strikeConnections lets a fault of connections strike those that are logged in now.
func (s *Simulator) strikeConnections(a *activeFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.connections {
		d := c.device
		if d == nil || c.closing || !a.concerns(d.account.number) || !s.faults.strikes(a) {
			continue
		}
		if a.Action != actionMalformed && a.Action != actionSlow {
			c.detachLocked()
		}
		c.suffer(&a.Fault)
	}
}

// suffer does to the connection what the fault asks for.
func (c *connection) suffer(f *Fault) {
	switch f.Action {
	case actionStreamError:
		c.outbox.end(c.graceOf(f), streamErrorFor(f.Code))
	case actionFailure:
		c.finish(failureFor(f))
	case actionHalfOpen:
		c.silent.Store(true)
	case actionMalformed:
		c.emit(waBinary.Node{Tag: "malformed", Content: malformations[f.Code]})
	case actionTruncate:
		c.outbox.end(0, waBinary.Node{Tag: "truncated", Content: cutFrame{}})
	case actionSlow:
		c.pace.Store(int64(f.Delay))
	default:
		c.abort()
	}
}

// graceOf is how long the connection stays open after its last stanza.
func (c *connection) graceOf(f *Fault) time.Duration {
	if f.Delay > 0 {
		return f.Delay
	}
	return c.sim.Settings().CloseGrace
}

// rawFrame is sent in the place of an encoded node. cutFrame is sent by half.
type (
	rawFrame []byte
	cutFrame struct{}
)

// malformations are what the fault's codes stand for: a length without what it is of, nothing, and a node whose tag is
// a list.
var malformations = map[int]rawFrame{1: {0, 248, 5}, 2: {}, 3: {0, 248, 2, 248, 0}}

// encode is a node's plaintext.
func encode(node *waBinary.Node) ([]byte, error) {
	switch content := node.Content.(type) {
	case rawFrame:
		return content, nil
	case cutFrame:
		return make([]byte, 64), nil
	default:
		return waBinary.Marshal(*node)
	}
}

func streamErrorFor(code int) waBinary.Node {
	switch code {
	case 401:
		return deviceRemoved()
	case 409:
		return replacedConflict()
	default:
		return streamError(code)
	}
}

// defaultBan is how long a temporary ban lasts if the fault does not say; its code 101 is "sent too many messages to
// people who have not saved the number".
const defaultBan = time.Hour

func failureFor(f *Fault) waBinary.Node {
	failure := loginFailure(f.Code)
	if f.Code == 402 {
		ban := f.Delay
		if ban == 0 {
			ban = defaultBan
		}
		failure.Attrs["code"], failure.Attrs["expire"] = 101, int(ban.Seconds())
	}
	return failure
}
