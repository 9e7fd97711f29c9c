package simulator

import (
	"maps"
	"slices"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// heldBack are the stanzas that faults hold back until the next of their kind has gone. It is a leaf lock.
type heldBack struct {
	mu sync.Mutex
	by map[string]waBinary.Node // by operation
}

// release takes out what is held back, if anything.
func (h *heldBack) release(op string) (held []waBinary.Node) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if node, ok := h.by[op]; ok {
		delete(h.by, op)
		held = append(held, node)
	}
	return held
}

func (h *heldBack) hold(op string, node waBinary.Node) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil {
		h.by = map[string]waBinary.Node{}
	}
	h.by[op] = node
}

// deliveryOp is the operation that a stanza on its way to a companion belongs to, if any.
func deliveryOp(node *waBinary.Node) (op string, ok bool) {
	switch {
	case node.Tag == "message" && attr(node, "category") != "peer":
		return opMessage, true
	case node.Tag == "receipt":
		return opReceipt, true
	default:
		return "", false
	}
}

// distort turns the stanzas that should be sent into those that are sent now, as the faults want it.
func (c *connection) distort(nodes []waBinary.Node) (sent []waBinary.Node) {
	if c.sim.faults.none() {
		return nodes
	}
	number, _ := c.label()
	for _, node := range nodes {
		if op, ok := deliveryOp(&node); ok {
			sent = append(sent, c.struck(op, c.sim.faults.match(op, number), node)...)
		} else {
			sent = append(sent, node)
		}
	}
	return sent
}

// struck is what is sent now of a stanza, given the fault that strikes it, if any.
func (c *connection) struck(op string, fault *Fault, node waBinary.Node) []waBinary.Node {
	if held := c.held.release(op); len(held) > 0 {
		return append([]waBinary.Node{node}, held...)
	}
	if fault == nil {
		return []waBinary.Node{node}
	}
	switch fault.Action {
	case actionDuplicate:
		return []waBinary.Node{node, node}
	case actionMalformed:
		return []waBinary.Node{damaged(node)}
	case actionTruncate:
		return []waBinary.Node{withoutID(node)}
	case actionReorder:
		c.held.hold(op, node)
	case actionDelay:
		c.later(fault.Delay, func() { c.emit(node) })
	}
	return nil
}

// later does something after a while, unless the connection ends before.
func (c *connection) later(delay time.Duration, do func()) {
	c.sim.tasks.start(func() {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			do()
		case <-c.ended:
		}
	})
}

func withoutID(node waBinary.Node) waBinary.Node {
	node.Attrs = maps.Clone(node.Attrs)
	delete(node.Attrs, "id")
	return node
}

// damaged is a copy of a message with one bit of its first ciphertext turned, or of an ack with a wrong device hash.
func damaged(node waBinary.Node) waBinary.Node {
	if node.Tag == "ack" {
		return withAttr(node, "phash", "2:wrong")
	}
	children := slices.Clone(node.GetChildren())
	for i, child := range children {
		if body := slices.Clone(content(&child)); child.Tag == "enc" && len(body) > 0 {
			body[len(body)-1] ^= 1
			children[i].Content = body
			break
		}
	}
	node.Content = children
	return node
}

// skewed shifts the time on stanzas if a fault wants it.
func (c *connection) skewed(nodes []waBinary.Node) []waBinary.Node {
	if c.sim.faults.none() {
		return nodes
	}
	number, _ := c.label()
	nodes = slices.Clone(nodes)
	for i, node := range nodes {
		if t := attrInt(&node, "t"); t != 0 {
			if fault := c.sim.faults.match(opClock, number); fault != nil {
				nodes[i] = withAttr(node, "t", t+int64(fault.Delay.Seconds()))
			}
		}
	}
	return nodes
}
