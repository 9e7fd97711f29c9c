package simulator_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// callOf waits until a phone is told about a call, and returns the action.
func callOf(t *testing.T, phone *simulator.Phone, seq int64) simulator.ReceivedCall {
	t.Helper()
	calls, err := phone.WaitCalls(within(t), seq)
	require.NoError(t, err)
	return calls[0]
}

func TestACallRingsAndTheClientRejectsIt(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion, sibling := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(a)
	id, err := b.Call(t.Context(), alice, simulator.CallOptions{Video: true})
	require.NoError(t, err)
	offer := next[*events.CallOffer](companion)
	require.Equal(t, id, offer.CallID)
	require.Equal(t, b.LID(), offer.CallCreator)
	require.Equal(t, bob, offer.CallCreatorAlt.User)
	require.Equal(t, "android", offer.RemotePlatform)
	require.Equal(t, simulator.ReceivedCall{Seq: 1, ID: id, From: bob + "@s.whatsapp.net", Action: "offer", Video: true}, callOf(t, a, 0))

	require.NoError(t, companion.client.RejectCall(within(t), offer.From, id))
	rejected := callOf(t, b, 0)
	require.Equal(t, "reject", rejected.Action)
	require.Equal(t, a.Devices()[0].String(), rejected.From)
	require.Equal(t, "rejected_elsewhere", next[*events.CallTerminate](sibling).Reason)
	require.ErrorIs(t, b.EndCall(t.Context(), id, "timeout"), simulator.ErrUnknownCall)
}

func TestACallIsAcceptedAndEndedAtThePhones(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	called, calling := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(b)
	id, err := b.Call(t.Context(), alice, simulator.CallOptions{})
	require.NoError(t, err)
	require.NoError(t, a.AcceptCall(t.Context(), id))
	require.Equal(t, id, next[*events.CallAccept](calling).CallID)
	require.Equal(t, "accepted_elsewhere", next[*events.CallTerminate](called).Reason)
	require.NoError(t, a.EndCall(t.Context(), id, "hangup"))
	require.Equal(t, "hangup", next[*events.CallTerminate](calling).Reason)

	id, err = b.Call(t.Context(), alice, simulator.CallOptions{})
	require.NoError(t, err)
	require.NoError(t, a.RejectCall(t.Context(), id))
	require.Equal(t, id, next[*events.CallReject](calling).CallID)
}

func TestAGroupsCallIsNoticed(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	_, err := b.Call(t.Context(), alice, simulator.CallOptions{Video: true, Group: "120363000000000001@g.us"})
	require.NoError(t, err)
	notice := next[*events.CallOfferNotice](companion)
	require.Equal(t, "video", notice.Media)
	require.Equal(t, "120363000000000001@g.us", notice.GroupJID.String())
	_, err = b.Call(t.Context(), alice, simulator.CallOptions{Group: bob})
	require.ErrorIs(t, err, simulator.ErrBadCall)
}

func TestTheControlAPICalls(t *testing.T) {
	sim := simulatortest.Start(t)
	addPhone(t, sim, alice)
	b := addPhone(t, sim, bob)
	made := call[struct{ ID string }](t, sim, "POST", "/phones/"+bob+"/call", `{"to":"`+alice+`"}`, http.StatusCreated)
	offers := call[[]simulator.ReceivedCall](t, sim, "GET", "/phones/"+alice+"/calls?wait=10s", "", http.StatusOK)
	require.Equal(t, made.ID, offers[0].ID)
	call[any](t, sim, "POST", "/phones/"+alice+"/calls/"+made.ID, `{"action":"hum"}`, http.StatusBadRequest)
	call[any](t, sim, "POST", "/phones/"+alice+"/calls/"+made.ID, `{"action":"reject"}`, http.StatusOK)
	require.Equal(t, "reject", callOf(t, b, 0).Action)
	call[any](t, sim, "POST", "/phones/"+alice+"/calls/"+made.ID, `{"action":"reject"}`, http.StatusNotFound)
}
