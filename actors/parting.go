package actors

import (
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types/events"
)

// partingOf reads of a stanza that nobody should come back, if that is what it says. It
// is the last one of its connection, and whatsmeow drops it where that is over by the
// time that its turn comes (client.go, handlerQueueLoop): the account would be tried
// again at once.
func partingOf(node *waBinary.Node) (Disconnect, bool) {
	var end Disconnect
	if node == nil {
		return end, false
	}
	attributes := node.AttrGetter()
	switch node.Tag {
	case "failure":
		reason := events.ConnectFailureReason(attributes.OptionalInt("reason"))
		end = Disconnect{Reason: failureReason(reason), Code: int(reason)}
		if end.Reason == ReasonTemporaryBan {
			end.Code, end.Expire = attributes.OptionalInt("code"), time.Duration(attributes.OptionalInt("expire"))*time.Second
		}
	case "stream:error":
		conflict, _ := node.GetOptionalChildByTag("conflict")
		switch conflict.AttrGetter().OptionalString("type") {
		case "device_removed":
			end = Disconnect{Reason: ReasonDeviceRemoved, Code: int(events.ConnectFailureLoggedOut)}
		case "replaced":
			end = Disconnect{Reason: ReasonReplaced}
		}
	}
	return end, stateAfter[end.Reason].Terminal()
}
