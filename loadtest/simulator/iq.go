package simulator

import (
	waBinary "go.mau.fi/whatsmeow/binary"
)

// iqHandler answers a logged-in device's request.
type iqHandler func(s *Simulator, c *connection, d *device, request *waBinary.Node) waBinary.Node

// iqHandlers is the catalogue: namespace, type and, where several share both, the first child.
var iqHandlers = map[string]iqHandler{
	"w:p get":                        answerEmpty,
	"encrypt get count":              (*Simulator).countPreKeys,
	"encrypt get key":                (*Simulator).getPreKeys,
	"abt get props":                  answerProps,
	"encrypt set":                    (*Simulator).uploadPreKeys,
	"passive set passive":            answerEmpty,
	"usync get usync":                (*Simulator).usync,
	"privacy get privacy":            (*Simulator).answerPrivacy,
	"privacy set privacy":            (*Simulator).setPrivacy,
	"privacy set tokens":             (*Simulator).issueTokens,
	"blocklist get":                  (*Simulator).blocklist,
	"blocklist set":                  (*Simulator).changeBlocklist,
	"w:m set media_conn":             (*Simulator).answerMediaConn,
	"encrypt get digest":             (*Simulator).digestKeys,
	"w:profile:picture get":          (*Simulator).getPicture,
	"w:profile:picture set":          (*Simulator).setPicture,
	"w:mex get query":                (*Simulator).answerQuery,
	"w:biz get":                      (*Simulator).businessProfile,
	"w:qr get qr":                    (*Simulator).resolveContactLink,
	"w:qr set qr":                    (*Simulator).contactLink,
	"disappearing_mode set":          (*Simulator).setDisappearing,
	"urn:xmpp:whatsapp:dirty set":    answerEmpty,
	"urn:xmpp:whatsapp:push set":     answerEmpty,
	"w:stats set":                    answerEmpty,
	"tos set":                        answerEmpty,
	"status get":                     refuse(404, "item-not-found"),
	"w:g2 get":                       (*Simulator).groupIQ,
	"w:g2 set":                       (*Simulator).groupIQ,
	"newsletter get messages":        (*Simulator).answerPosts,
	"newsletter get message_updates": (*Simulator).answerPostUpdates,
	"newsletter set live_updates":    (*Simulator).watchNewsletter,
	"w:sync:app:state set sync":      (*Simulator).syncAppState,
	"md set remove-companion-device": (*Simulator).removeCompanion,
}

// handleIQ answers a request, or lets a fault strike it. Answers of the client to the server's own requests need
// nothing more.
func (s *Simulator) handleIQ(c *connection, d *device, node *waBinary.Node) {
	kind := attr(node, "type")
	if kind != "get" && kind != "set" {
		return
	}
	name := attr(node, "xmlns") + " " + kind
	if children := node.GetChildren(); len(children) > 0 {
		name += " " + children[0].Tag
	}
	if !s.suffers(c, d, node, name) {
		s.answerIQ(c, d, node, name)
	}
}

// answerIQ answers a request of the given name: namespace, type and first child.
func (s *Simulator) answerIQ(c *connection, d *device, node *waBinary.Node, name string) {
	if name == "passive set active" {
		s.becomeActive(c, d, node)
		return
	}
	handler, known := iqHandlers[name]
	if !known {
		handler, known = iqHandlers[attr(node, "xmlns")+" "+attr(node, "type")]
	}
	if !known {
		s.recordNote(c, "unknown request "+name+", answered with an empty result")
		handler = answerEmpty
	}
	c.push(handler(s, c, d, node))
}

func answerEmpty(_ *Simulator, _ *connection, _ *device, request *waBinary.Node) waBinary.Node {
	return result(request)
}

// answerProps tells the client's experiments: there are none.
func answerProps(_ *Simulator, _ *connection, _ *device, request *waBinary.Node) waBinary.Node {
	return result(request, element("props", waBinary.Attrs{"protocol": 1}))
}

func refuse(code int, text string) iqHandler {
	return func(_ *Simulator, _ *connection, _ *device, request *waBinary.Node) waBinary.Node {
		return failed(request, code, text)
	}
}

// removeCompanion unlinks the device that asks for it. The answer is the last thing it hears.
func (s *Simulator) removeCompanion(c *connection, d *device, request *waBinary.Node) waBinary.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.detachLocked()
	s.unlinkLocked(d)
	return result(request)
}
