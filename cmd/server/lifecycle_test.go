package main

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// desk is a server with one linked account, whose events are listened to.
type desk struct {
	t      *testing.T
	world  *simulator.Simulator
	phone  *simulator.Phone
	server *Server
	base   string
	stream *listener
}

// linked returns an account that has handled all its phone had for it: what whatsmeow has not handled when its
// connection ends it forgets, also why that ended.
func linked(t *testing.T) *desk {
	t.Helper()
	world := simulatortest.Start(t)
	phone, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	server, stop := bootStreams(t, append(world.Env(), "SQLITE_DB_PATH="+filepath.Join(t.TempDir(), "whatsapp.db"))...)
	t.Cleanup(stop)
	d := &desk{t: t, world: world, phone: phone, server: server, base: "http://" + server.Address()}
	link(t, d.base, phone)
	d.stream = listen(t, "ws://"+server.StreamAddress()+"?accountNumber="+account)
	d.stream.until("caught-up")
	require.Eventually(t, world.Settled, patience, 5*time.Millisecond)
	return d
}

func (d *desk) strike(fault simulator.Fault) {
	d.t.Helper()
	fault.Number = account
	_, err := d.world.AddFault(fault)
	require.NoError(d.t, err)
}

// becomes waits until the session is told to be in a state.
func (d *desk) becomes(state string) frame {
	d.t.Helper()
	return d.stream.until("connection-state", `"state":"`+state+`"`)
}

func TestAnAccountComesBackByItself(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"after a cut":               {Op: "connection", Action: "close"},
		"after a stream error":      {Op: "connection", Action: "stream_error", Code: 516},
		"after a restart of theirs": {Op: "connection", Action: "stream_error", Code: 503},
		"after an error of theirs":  {Op: "connection", Action: "failure", Code: 500},
	} {
		t.Run(name, func(t *testing.T) {
			d := linked(t)
			d.strike(fault)
			require.NotEmpty(t, d.becomes("backoff").Data["until"])
			d.becomes("ready")
		})
	}
}

func TestWhatWhatsAppRefusesIsTold(t *testing.T) {
	for name, refusal := range map[string]struct {
		simulator.Fault
		state, reason string
	}{
		"a temporary ban":         {simulator.Fault{Op: "connection", Action: "failure", Code: 402, Delay: time.Hour}, "banned", "temporary_ban"},
		"an outdated client":      {simulator.Fault{Op: "connection", Action: "failure", Code: 405}, "outdated", "client_outdated"},
		"a login elsewhere":       {simulator.Fault{Op: "connection", Action: "stream_error", Code: 409}, "conflict", "stream_replaced"},
		"a phone that is no more": {simulator.Fault{Op: "connection", Action: "failure", Code: 403}, "logged-out", "main_device_gone"},
	} {
		t.Run(name, func(t *testing.T) {
			d := linked(t)
			d.strike(refusal.Fault)
			told := d.becomes(refusal.state)
			require.Equal(t, refusal.reason, told.Data["reason"])
			status := await(t, d.base, refusal.state)
			require.Equal(t, refusal.reason, status["reason"])
			require.Equal(t, refusal.state == "banned", told.Data["until"] != nil, "only a ban tells its end")
		})
	}
}

func TestASessionThatNobodyMayResumeIsResumedByInitialize(t *testing.T) {
	d := linked(t)
	d.strike(simulator.Fault{Op: "connection", Action: "stream_error", Code: 409, Times: 1})
	d.becomes("conflict")
	initialize(t, d.base)
	d.becomes("ready")
}

func TestADeviceUnlinkedAtThePhoneIsPairedAnew(t *testing.T) {
	d := linked(t)
	require.NoError(t, d.phone.Unlink(t.Context(), d.phone.Devices()[0].Device))
	require.Equal(t, "device_removed", d.becomes("logged-out").Data["reason"])
	d.stream.until("logged-out")
	await(t, d.base, "logged-out")
	refusal, ok := try(t, http.MethodPost, d.base+"/api/messages/send",
		`{"accountNumber":"`+account+`","chatId":"`+friend+`","message":{"text":"lost"}}`)
	require.False(t, ok)
	require.Equal(t, "logged_out", refusal["code"])

	link(t, d.base, d.phone)
	require.Len(t, d.phone.Devices(), 1)
}

func TestDisconnectKeepsTheCredentialsAndLogoutGivesThemUp(t *testing.T) {
	d := linked(t)
	stopped := call(t, http.MethodDelete, d.base+"/api/clients/"+account+"/disconnect", "")
	require.Equal(t, false, stopped["unlinked"])
	d.becomes("stopped")
	require.Len(t, d.phone.Devices(), 1)
	initialize(t, d.base)
	d.becomes("ready")

	stopped = call(t, http.MethodDelete, d.base+"/api/clients/"+account+"/disconnect?logout=true", "")
	require.Equal(t, true, stopped["unlinked"])
	d.becomes("logged-out")
	require.Empty(t, d.phone.Devices())
}

func TestARemovedAccountIsUnlinkedAndForgotten(t *testing.T) {
	d := linked(t)
	gone := call(t, http.MethodDelete, d.base+"/api/clients/"+account, "")
	require.Equal(t, true, gone["unlinked"])
	require.Empty(t, d.phone.Devices())
	refusal, ok := try(t, http.MethodGet, d.base+"/api/clients/"+account+"/status", "")
	require.False(t, ok)
	require.Equal(t, "account_not_found", refusal["code"])
	d.stream.leave()

	link(t, d.base, d.phone)
	require.Len(t, d.phone.Devices(), 1)
}

func TestForceRecreateUnlinksAndShowsANewCode(t *testing.T) {
	d := linked(t)
	call(t, http.MethodPost, d.base+"/api/clients/initialize", `{"accountNumber":"`+account+`","forceRecreate":true}`)
	code := d.stream.until("qr").Data["qr"].(string)
	require.Empty(t, d.phone.Devices())
	require.NoError(t, d.phone.Scan(t.Context(), code))
	d.becomes("ready")
	require.Len(t, d.phone.Devices(), 1)
}

func TestAPhoneOfAnotherNumberIsRejectedUnlessItIsAllowed(t *testing.T) {
	world := simulatortest.Start(t)
	other, err := world.AddPhone(friend, "Ann")
	require.NoError(t, err)
	server, stop := bootStreams(t, append(world.Env(), "SQLITE_DB_PATH="+filepath.Join(t.TempDir(), "whatsapp.db"))...)
	t.Cleanup(stop)
	base, stream := "http://"+server.Address(), listen(t, "ws://"+server.StreamAddress())
	call(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+account+`"}`)
	require.Error(t, other.Scan(t.Context(), stream.until("qr").Data["qr"].(string)))
	require.Equal(t, friend, stream.until("pair-rejected").Data["number"])

	call(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+account+`","anyNumber":true}`)
	require.NoError(t, other.Scan(t.Context(), stream.until("qr").Data["qr"].(string)))
	ready := stream.until("ready")
	require.Equal(t, friend, ready.Data["info"].(map[string]any)["number"])
}

func TestASendWhoseAnswerIsLostIsSentOnceMoreUnderItsId(t *testing.T) {
	d := linked(t)
	ann, err := d.world.AddPhone(friend, "Ann")
	require.NoError(t, err)
	ann.SetOnline(false) // her receipt would tell as much as the answer
	d.strike(simulator.Fault{Op: "ack", Action: "drop", Times: 1})
	sent := call(t, http.MethodPost, d.base+"/api/messages/send?wait=0",
		`{"accountNumber":"`+account+`","chatId":"`+friend+`","message":{"text":"once"}}`)
	id := sent["id"].(string)
	require.Equal(t, "once", received(t, d.phone, 0).Text, "the own phone's copy")
	d.strike(simulator.Fault{Op: "connection", Action: "close", Times: 1})
	d.stream.until("message-status", id, `"status":"unknown"`)
	d.stream.until("message-status", id, `"status":"sent"`)
	ann.SetOnline(true)
	require.Equal(t, "once", received(t, ann, 0).Text)
	d.stream.until("message-status", id, `"status":"delivered"`)
	require.Len(t, ann.Messages(0), 1)
}
