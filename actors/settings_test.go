package actors

import (
	"testing"
	"time"

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
	connections := h.world.Stats().Logins
	require.NotEqual(t, StateReady, insist[Status](t, h, Restart{}).Session.State)
	until(t, "it is ready anew", func() bool { return insist[Status](t, h, GetStatus{}).Session.State == StateReady })
	require.Equal(t, connections+1, h.world.Stats().Logins, "by a login of its own")
}

func TestTheDeviceNameIsWhatThePhoneLists(t *testing.T) {
	h := newTown(t).newHome(t)
	insist[Settings](t, h, ChangeSettings{DeviceName: new("Till 3")})
	h.link(t)
	require.Equal(t, "Till 3", h.devices(t)[0].Name)
	insist[Settings](t, h, ChangeSettings{DeviceName: new("Till 4")})
	insist[Status](t, h, Start{Recreate: true})
	until(t, "it is linked anew", func() bool {
		status := insist[Status](t, h, GetStatus{})
		return status.QR != nil && h.owner.Scan(t.Context(), status.QR.Code) == nil
	})
	require.Equal(t, "Till 4", h.devices(t)[0].Name)
}

func TestAnIntervalThatIsSetHoldsForWhatIsSentNext(t *testing.T) {
	h := newLinkedHome(t)
	const apart = 400 * time.Millisecond
	took := func(one, two string) time.Duration {
		before := len(h.order())
		began := time.Now()
		h.accepted(t, one, Delivery{})
		h.accepted(t, two, Delivery{})
		until(t, "both are there", func() bool { return len(h.order()) == before+2 })
		return time.Since(began)
	}
	insist[Settings](t, h, ChangeSettings{SendInterval: new(apart.Milliseconds())})
	require.GreaterOrEqual(t, took("1", "2"), apart)
	insist[Settings](t, h, ChangeSettings{SendInterval: new(int64(0)), RecipientInterval: new(apart.Milliseconds())})
	require.GreaterOrEqual(t, took("3", "4"), apart)

	stranger, err := h.world.AddPhone("31800000001", "Bob")
	require.NoError(t, err)
	insist[Settings](t, h, ChangeSettings{RecipientInterval: new(time.Hour.Milliseconds())})
	h.accepted(t, "waits", Delivery{})
	insist[Sent](t, h, Send{To: stranger.Number(), Draft: Text{"at once"}, Wait: patience})
	require.NotContains(t, h.order(), "waits", "another recipient is not held up by it")
}

func TestTheCallersNotesAreToldWithTheState(t *testing.T) {
	h := newTown(t).newHome(t)
	notes := map[string]string{"team": "blue"}
	insist[Settings](t, h, ChangeSettings{Metadata: notes})
	h.link(t)
	for _, told := range logged[ConnectionStateEvent](t, h, EventConnectionState) {
		require.Equal(t, notes, told.Metadata)
	}
}
