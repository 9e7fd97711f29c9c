package simulator

import (
	"maps"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// The decoder gives attributes as string or types.JID and content as []byte, string or []Node; what a client sent may
// be of any of these types, hence the careful accessors.

func attr(n *waBinary.Node, key string) string {
	value, _ := n.Attrs[key].(string)
	return value
}

func attrJID(n *waBinary.Node, key string) types.JID {
	jid, _ := n.Attrs[key].(types.JID)
	return jid
}

// attrInt reads a number: text in what was decoded, an integer in what a phone or the service itself has built.
func attrInt(n *waBinary.Node, key string) int64 {
	switch value := n.Attrs[key].(type) {
	case int:
		return int64(value)
	case int64:
		return value
	case string:
		number, _ := strconv.ParseInt(value, 10, 64)
		return number
	default:
		return 0
	}
}

// content returns a node's content as bytes. whatsmeow sends some of it as strings.
func content(n *waBinary.Node) []byte {
	switch c := n.Content.(type) {
	case []byte:
		return c
	case string:
		return []byte(c)
	default:
		return nil
	}
}

func contentAt(n *waBinary.Node, path ...string) []byte {
	child, ok := n.GetOptionalChildByTag(path...)
	if !ok {
		return nil
	}
	return content(&child)
}

func element(tag string, attrs waBinary.Attrs, children ...waBinary.Node) waBinary.Node {
	n := waBinary.Node{Tag: tag, Attrs: attrs}
	if len(children) > 0 {
		n.Content = children
	}
	return n
}

func leaf(tag string, content []byte) waBinary.Node { return waBinary.Node{Tag: tag, Content: content} }

// withAttr returns a shallow copy of n with one more attribute, leaving n as it is: stanzas are shared by recipients.
func withAttr(n waBinary.Node, key string, value any) waBinary.Node {
	n.Attrs = maps.Clone(n.Attrs)
	n.Attrs[key] = value
	return n
}

func result(request *waBinary.Node, children ...waBinary.Node) waBinary.Node {
	return element("iq", waBinary.Attrs{"from": answeringJID(request), "type": "result", "id": attr(request, "id")}, children...)
}

func failed(request *waBinary.Node, code int, text string) waBinary.Node {
	return element("iq", waBinary.Attrs{"from": answeringJID(request), "type": "error", "id": attr(request, "id")}, errorNode(code, text))
}

func errorNode(code int, text string) waBinary.Node {
	return element("error", waBinary.Attrs{"code": code, "text": text})
}

func answeringJID(request *waBinary.Node) types.JID {
	if to := attrJID(request, "to"); !to.IsEmpty() {
		return to
	}
	return types.ServerJID
}

func streamError(code int, children ...waBinary.Node) waBinary.Node {
	return element("stream:error", waBinary.Attrs{"code": code}, children...)
}

// The two conflicts: a linked device that the phone removed, and one that logged in a second time.

func deviceRemoved() waBinary.Node {
	return streamError(401, element("conflict", waBinary.Attrs{"type": "device_removed"}))
}

func replacedConflict() waBinary.Node {
	return element("stream:error", nil, element("conflict", waBinary.Attrs{"type": "replaced"}))
}

func loginFailure(reason int) waBinary.Node {
	return element("failure", waBinary.Attrs{"reason": reason, "location": "sim"})
}

func now() int64 { return time.Now().Unix() }
