package actors

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/loadtest/simulator"
)

func TestAnAccountThatReadsAtOnceTellsSoToWhoeverWrote(t *testing.T) {
	h := newLinkedHome(t)
	require.True(t, insist[Settings](t, h, ChangeSettings{AutoRead: new(true)}).AutoRead)
	id, err := h.friend.SendText(t.Context(), h.owner.Number(), "hello")
	require.NoError(t, err)
	until(t, "the friend sees that it was read", func() bool {
		for _, receipt := range h.friend.Receipts(0) {
			if receipt.Type == string(types.ReceiptTypeRead) && receipt.IDs[0] == id {
				return true
			}
		}
		return false
	})
	until(t, "nothing is unread", func() bool { c, _ := h.chat(t); return c.JID != "" && c.Unread == 0 })
}

// turned waits until a phone has been told that a call took a turn.
func turned(t *testing.T, phone *simulator.Phone, id, action string) {
	t.Helper()
	until(t, action, func() bool {
		for _, call := range phone.Calls(0) {
			if call.ID == id && call.Action == action {
				return true
			}
		}
		return false
	})
}

func TestCallersAreTurnedAwayWithAText(t *testing.T) {
	h := newLinkedHome(t)
	insist[Settings](t, h, ChangeSettings{RejectCalls: new(true), RejectText: new("Please write.")})
	id, err := h.friend.Call(t.Context(), h.owner.Number(), simulator.CallOptions{})
	require.NoError(t, err)
	turned(t, h.friend, id, "reject")
	until(t, "the caller has the text", func() bool { return len(h.texts()["Please write."]) == 1 })
}

func TestACallIsToldAndRejected(t *testing.T) {
	h := newLinkedHome(t)
	id, err := h.friend.Call(t.Context(), h.owner.Number(), simulator.CallOptions{Video: true})
	require.NoError(t, err)
	until(t, "the call is told", func() bool { return len(logged[CallEvent](t, h, EventCall)) == 1 })
	offer := logged[CallEvent](t, h, EventCall)[0]
	require.Equal(t, "offer", offer.State)
	require.Equal(t, id, offer.CallID)
	require.True(t, offer.Video)
	require.Equal(t, h.friend.Number()+"@c.us", offer.From)
	answered[Done](t, h, RejectCall{offer.From, id})
	turned(t, h.friend, id, "reject")

	second, err := h.friend.Call(t.Context(), h.owner.Number(), simulator.CallOptions{})
	require.NoError(t, err)
	require.NoError(t, h.friend.EndCall(t.Context(), second, "timeout"))
	until(t, "its end is told", func() bool {
		all := logged[CallEvent](t, h, EventCall)
		return len(all) > 0 && all[len(all)-1].State == "ended" && all[len(all)-1].CallID == second
	})
	require.Equal(t, "from", declined(t, h, RejectCall{"120363012345678901@g.us", id}).Field)
}

func TestSettingsOutliveTheProcessAndRestartConnectsAnew(t *testing.T) {
	h := newLinkedHome(t)
	wanted := ChangeSettings{SendInterval: new(int64(250)), RejectText: new("later"), Metadata: map[string]string{"a": "b"}}
	set := insist[Settings](t, h, wanted)
	h.restart(t)
	require.Equal(t, set, insist[Settings](t, h, ChangeSettings{}))
	_, err := Ask[Settings](t.Context(), h.current(), ChangeSettings{RecipientInterval: new(int64(-1))})
	require.Equal(t, CodeInvalidRequest, CodeOf(err))

	until(t, "it is ready again", func() bool { return insist[Status](t, h, GetStatus{}).Session.State == StateReady })
	require.NotEqual(t, StateReady, insist[Status](t, h, Restart{}).Session.State)
	until(t, "it is ready anew", func() bool { return insist[Status](t, h, GetStatus{}).Session.State == StateReady })
}
