package simulator

import (
	waBinary "go.mau.fi/whatsmeow/binary"
)

// suffers lets a fault strike a request in the place of its handler. It reports false if there is none.
func (s *Simulator) suffers(c *connection, d *device, request *waBinary.Node, name string) bool {
	op := opIQ
	if attr(request, "xmlns") == "w:p" {
		op = opPing
	}
	fault := s.faults.matchRequest(op, d.account.number, name)
	if fault == nil {
		return false
	}
	switch fault.Action {
	case actionError:
		c.push(failed(request, fault.Code, errorTexts[fault.Code]))
	case actionMalformed:
		c.push(result(request))
	case actionDelay:
		c.later(fault.Delay, func() { s.answerIQ(c, d, request, name) })
	}
	return true
}

// errorTexts are what the service says beside a code; whatsmeow's errors are told apart by both.
var errorTexts = map[int]string{
	400: "bad-request", 401: "not-authorized", 403: "forbidden", 404: "item-not-found", 405: "not-allowed",
	406: "not-acceptable", 410: "gone", 419: "resource-limit", 423: "locked", 429: "rate-overlimit",
	500: "internal-server-error", 503: "service-unavailable", 530: "partial-server-error",
}

// suffersLogin lets a fault strike a login. It reports true if that is the end of it.
func (s *Simulator) suffersLogin(c *connection, number string) bool {
	fault := s.faults.match(opLogin, number)
	switch {
	case fault == nil:
		return false
	case fault.Action == actionDelay:
		pause(s.stopped, fault.Delay)
		return false
	case fault.Action == actionClose:
		c.outbox.end(c.graceOf(fault), element("xmlstreamend", nil))
		return true
	default:
		c.suffer(fault)
		return true
	}
}

// sendPairSuccess sends a companion that was scanned its identity, as a fault wants it if there is one.
func (c *connection) sendPairSuccess(d *device, request string, sealed []byte) {
	action := ""
	if fault := c.sim.faults.match(opPairing, d.account.number); fault != nil {
		action = fault.Action
	}
	if action == actionMalformed {
		sealed[len(sealed)-1] ^= 1 // the HMAC comes last
	}
	success := serverIQ(request, element("pair-success", nil,
		leaf("device-identity", sealed),
		element("platform", waBinary.Attrs{"name": "android"}),
		element("device", waBinary.Attrs{"jid": d.endpoint().pn(), "lid": d.endpoint().lid()}),
	))
	if action == actionTruncate {
		delete(success.Attrs, "id")
	}
	if action != actionDrop {
		c.push(success)
	}
}
