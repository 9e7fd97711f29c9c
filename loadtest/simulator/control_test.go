package simulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// call asks the control API and decodes the answer into a T.
func call[T any](t *testing.T, sim *simulator.Simulator, method, path, body string, status int) (answer T) {
	t.Helper()
	request, err := http.NewRequestWithContext(within(t), method, sim.ControlURL()+path, strings.NewReader(body))
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, status, response.StatusCode, string(raw))
	require.NoError(t, json.Unmarshal(raw, &answer), string(raw))
	return answer
}

type phoneAnswer struct {
	Number, LID string
	Devices     []struct {
		Device    int
		Connected bool
	}
}

func TestTheControlAPIDrivesAWholeConversation(t *testing.T) {
	sim := simulatortest.Start(t)
	made := call[phoneAnswer](t, sim, "POST", "/phones", `{"number":"`+alice+`","name":"Alice"}`, http.StatusCreated)
	require.True(t, strings.HasSuffix(made.LID, "@lid"))
	call[any](t, sim, "POST", "/phones", `{"number":"`+bob+`","name":"Bob"}`, http.StatusCreated)

	companion := newCompanion(t, sim)
	require.NoError(t, companion.client.Connect())
	qr, err := json.Marshal(map[string]string{"qr": next[*events.QR](companion).Codes[0]})
	require.NoError(t, err)
	linked := call[phoneAnswer](t, sim, "POST", "/phones/"+alice+"/scan", string(qr), http.StatusOK)
	require.Len(t, linked.Devices, 1)
	next[*events.Connected](companion)

	sent := call[struct{ ID string }](t, sim, "POST", "/phones/"+bob+"/messages", `{"to":"`+alice+`","text":"hello"}`, http.StatusCreated)
	require.Equal(t, sent.ID, companion.nextText().Info.ID)
	_, err = companion.send(bob, "hello Bob")
	require.NoError(t, err)
	got := call[[]simulator.ReceivedMessage](t, sim, "GET", "/phones/"+bob+"/messages?after=0&wait=10s", "", http.StatusOK)
	require.Equal(t, "hello Bob", got[0].Text)
	call[any](t, sim, "POST", "/phones/"+bob+"/receipts", `{"chat":"`+alice+`","ids":["`+got[0].ID+`"],"type":"read"}`, http.StatusOK)

	require.Positive(t, call[simulator.Stats](t, sim, "GET", "/stats", "", http.StatusOK).MessagesRelayed)
	require.NotEmpty(t, call[[]simulator.LogEntry](t, sim, "GET", "/log", "", http.StatusOK))
	companion.relogin()
	next[*events.Connected](companion)
	companion.rests(alice)
	call[any](t, sim, "DELETE", "/phones/"+alice+"/devices/1", "", http.StatusOK)
	next[*events.LoggedOut](companion)
	call[any](t, sim, "POST", "/reset", "", http.StatusOK)
	call[any](t, sim, "GET", "/phones/"+alice, "", http.StatusNotFound)
}

func TestTheControlAPINamesWhatIsWrong(t *testing.T) {
	sim := simulatortest.Start(t)
	addPhone(t, sim, alice)
	for _, c := range []struct {
		method, path, body string
		status             int
		code, names        string
	}{
		{"POST", "/phones", `{"number":"12"}`, 400, "bad_request", "number"},
		{"POST", "/phones", `{"nummer":"4917000"}`, 400, "bad_request", "nummer"},
		{"POST", "/phones", `{"count":0,"prefix":"49"}`, 400, "bad_request", "count"},
		{"POST", "/phones", `{"number":"` + alice + `"}`, 409, "phone_exists", alice},
		{"POST", "/phones/1/scan", `{"qr":"x"}`, 404, "unknown_phone", "number"},
		{"POST", "/phones/" + alice + "/scan", `{"qr":"x"}`, 400, "bad_request", "QR"},
		{"POST", "/phones/" + alice + "/messages", `{"to":"` + alice + `"}`, 400, "bad_request", "text"},
		{"POST", "/phones/" + alice + "/messages", `{"to":"49","text":"x"}`, 404, "unknown_phone", "to"},
		{"POST", "/phones/" + alice + "/messages", `{"to":"49","text":"x","addressing":"fax"}`, 400, "bad_request", "addressing"},
		{"POST", "/phones/" + alice + "/receipts", `{"chat":"x","ids":["1"],"type":"seen"}`, 400, "bad_request", "type"},
		{"POST", "/phones/" + alice + "/autoreply", `{"mode":"loud"}`, 400, "bad_request", "mode"},
		{"GET", "/phones/" + alice + "/messages?wait=soon", ``, 400, "bad_request", "wait"},
		{"DELETE", "/phones/" + alice + "/devices/9", ``, 404, "unknown_device", "9"},
		{"POST", "/faults", `{"op":"ack","action":"close"}`, 400, "bad_request", "action"},
		{"DELETE", "/faults/77", ``, 404, "unknown_fault", "77"},
		{"GET", "/nowhere", ``, 404, "not_found", "/nowhere"},
	} {
		answer := call[struct {
			Error struct{ Code, Message string }
		}](t, sim, c.method, c.path, c.body, c.status)
		require.Equal(t, c.code, answer.Error.Code, c.path)
		require.Contains(t, answer.Error.Message, c.names, c.path)
	}
}

func TestManyPhonesAndFaultsCanBeAskedFor(t *testing.T) {
	sim := simulatortest.Start(t)
	made := call[struct{ Phones []phoneAnswer }](t, sim, "POST", "/phones", `{"count":3,"prefix":"49170"}`, http.StatusCreated)
	require.Equal(t, "49170000002", made.Phones[2].Number)
	id := call[struct{ ID string }](t, sim, "POST", "/faults", `{"op":"ack","action":"delay","delayMs":5,"times":1}`, http.StatusCreated).ID
	listed := call[[]struct {
		ID      string
		Matched int
	}](t, sim, "GET", "/faults", "", http.StatusOK)
	require.Equal(t, id, listed[0].ID)
	call[any](t, sim, "DELETE", "/faults/"+id, "", http.StatusOK)
	call[any](t, sim, "DELETE", "/faults", "", http.StatusOK)
	require.Empty(t, call[[]any](t, sim, "GET", "/faults", "", http.StatusOK))
	require.Empty(t, call[[]any](t, sim, "GET", "/phones/49170000000/messages", "", http.StatusOK))
}
