package simulator

import (
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// maxRetries is how often a message is asked for again; whatsmeow gives up at the same count.
const maxRetries = 5

// askAgain sends a retry receipt for a message that did not decrypt. From the second on it carries keys for a new
// session, as a sender whose session looks sound will not begin one by itself.
func (p *Phone) askAgain(from endpoint, node, enc *waBinary.Node) {
	id := attr(node, "id")
	p.ratchets.Lock()
	key := id + " " + from.lid().String()
	count, _ := p.retries.get(key)
	count = max(count, int(attrInt(enc, "count"))) + 1
	p.retries.put(key, count)
	p.ratchets.Unlock()
	if count >= maxRetries {
		return
	}
	attrs := waBinary.Attrs{"id": id, "to": attrJID(node, "from"), "type": string(types.ReceiptTypeRetry)}
	for _, name := range []string{"recipient", "category", "participant"} {
		if value, ok := node.Attrs[name]; ok {
			attrs[name] = value
		}
	}
	b := p.bundle()
	children := []waBinary.Node{
		element("retry", waBinary.Attrs{"count": count, "id": id, "t": node.Attrs["t"], "v": 1}),
		leaf("registration", b.registration[:]),
	}
	if count > 1 {
		children = append(children, element("keys", nil, b.nodes()...))
	}
	receipt := element("receipt", attrs, children...)
	p.sim.relayReceipt(p.endpoint(), &receipt)
}

// answerRetry sends a message again to the one device that could not decrypt it.
func (p *Phone) answerRetry(receipt *waBinary.Node) {
	from, ok := p.sender(receipt)
	retry, hasRetry := receipt.GetOptionalChildByTag("retry")
	if !ok || !hasRetry {
		return
	}
	p.ratchets.Lock()
	defer p.ratchets.Unlock()
	out, known := p.sent.get(attr(&retry, "id"))
	if !known {
		p.sim.notef(p.Number(), "retry of unknown message %s", attr(&retry, "id"))
		return
	}
	count := int(attrInt(&retry, "count"))
	if err := p.renewSessionLocked(from, receipt, count); err != nil {
		p.sim.notef(p.Number(), "retry of message %s: %v", out.id, err)
		return
	}
	message, err := p.againLocked(from, out)
	if err != nil {
		p.sim.notef(p.Number(), "retry of message %s: %v", out.id, err)
		return
	}
	enc, err := p.encryptLocked(from, message)
	if err != nil {
		p.sim.notef(p.Number(), "retry of message %s: %v", out.id, err)
		return
	}
	outsideOf(out.message).markEnc(enc)
	enc.Attrs["count"] = count
	node := element("message", out.retryAttrs(from, p.account), enc)
	p.sim.fanOut(p.endpoint(), &node)
}

// renewSessionLocked begins a new session if the other side has sent keys, or has failed more than once without.
func (p *Phone) renewSessionLocked(to endpoint, receipt *waBinary.Node, count int) error {
	if _, ok := receipt.GetOptionalChildByTag("keys"); ok {
		b, err := parseBundle(receipt)
		if err != nil {
			return err
		}
		return p.beginSessionLocked(to, b)
	}
	if count < 2 {
		return nil
	}
	b, ok := p.sim.takeBundle(to)
	if !ok {
		return ErrUnknownDevice
	}
	return p.beginSessionLocked(to, b)
}

func (m sentMessage) retryAttrs(to endpoint, own *account) waBinary.Attrs {
	attrs := waBinary.Attrs{"id": m.id, "to": to.lid()}
	outsideOf(m.message).markMessage(attrs)
	switch {
	case m.peer():
		attrs["category"] = "peer"
	case shared(m.chat):
		attrs["to"], attrs["participant"] = m.chat, to.lid()
	case to.account == own:
		attrs["recipient"] = m.chat
	case m.chat.Server == types.DefaultUserServer:
		attrs["to"] = to.pn()
	}
	return attrs
}
