package httpapi

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

// ready is an account as it mostly is.
func ready() actors.Status {
	return actors.Status{
		Account: account, Session: actors.Session{State: actors.StateReady, Since: noon.In(time.FixedZone("", 3600))},
		Running: true, Paired: true, Number: account, LID: "99887766554433@lid", Name: "Ann", Device: 7,
		LastTraffic: noon, Lag: 1500 * time.Millisecond, Queued: 2, Events: actors.Cursor{Log: "log", Seq: 9},
		DeviceName: "Desk", Metadata: map[string]string{"team": "blue"}, CreatedAt: noon,
	}
}

func TestStatusShowsAllThatIsKnown(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{status: ready()})
	data := e.ask(http.MethodGet, "/api/clients/"+account+"/status", "").granted(t, http.StatusOK)
	require.Equal(t, map[string]any{
		"clientId": account, "state": "ready", "since": "2026-01-02T12:00:00Z", "running": true, "paired": true,
		"number": account, "lid": "99887766554433@lid", "name": "Ann", "device": 7.0,
		"lastTraffic": "2026-01-02T12:00:00Z", "lag": 1.5, "queued": 2.0, "events": "log-9",
		"deviceName": "Desk", "metadata": map[string]any{"team": "blue"}, "createdAt": "2026-01-02T12:00:00Z",
	}, data)
}

func TestAccountNumberIsReadInAllItsSpellings(t *testing.T) {
	t.Parallel()
	for _, spelling := range []string{account, "+" + account, "%2B" + account, "%2b31%20612345678", "%331612345678"} {
		asked := &office{status: ready()}
		boot(t, Config{}, asked).ask(http.MethodGet, "/api/clients/"+spelling+"/status", "").granted(t, http.StatusOK)
		require.Equal(t, []any{account, actors.GetStatus{}}, asked.questions(), spelling)
	}
}

func TestWhatIsNoAccountNumberIsRefused(t *testing.T) {
	t.Parallel()
	asked := &office{}
	e := boot(t, Config{}, asked)
	for _, spelling := range []string{"1234", "123456789012345678901", "abc", account + "@c.us", "%00" + account, "..%2fstatus", "3161234567%38%38x"} {
		for path, method := range map[string]string{"/status": http.MethodGet, "/qr": http.MethodGet, "/disconnect": http.MethodDelete} {
			problem := e.ask(method, "/api/clients/"+spelling+path, "").refused(t, actors.CodeInvalidRequest)
			require.Equal(t, "accountNumber", problem.Details.Field, spelling)
		}
	}
	require.Empty(t, asked.questions())
	problem := e.ask(http.MethodPost, "/api/clients/initialize", `{"accountNumber":"31612345678","proxy":"http://a:hunter2@proxy/x"}`).refused(t, actors.CodeInvalidRequest)
	require.NotContains(t, fmt.Sprint(problem), "hunter2")
}

func TestInitializeAsksWithWhatWasGiven(t *testing.T) {
	t.Parallel()
	asked := &office{status: ready()}
	body := `{"accountNumber":"+31 6 12345678","forceRecreate":true,"anyNumber":true,"deviceName":"Desk","metadata":{"team":"blue"},"proxy":"socks5://a:b@proxy"}`
	data := boot(t, Config{}, asked).ask(http.MethodPost, "/api/clients/initialize", body).granted(t, http.StatusOK)
	require.Equal(t, account, data["clientId"])
	require.Equal(t, []any{account, Initialize{
		ForceRecreate: true, AnyNumber: true, DeviceName: new("Desk"), Metadata: map[string]string{"team": "blue"}, Proxy: "socks5://a:b@proxy",
	}}, asked.questions())
}

func TestInitializeLeavesAloneWhatWasNotGiven(t *testing.T) {
	t.Parallel()
	asked := &office{status: ready()}
	boot(t, Config{}, asked).ask(http.MethodPost, "/api/clients/initialize", `{"accountNumber":"`+account+`"}`).granted(t, http.StatusOK)
	require.Equal(t, []any{account, Initialize{}}, asked.questions())
}

func TestInitializeRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	asked := &office{}
	e := boot(t, Config{}, asked)
	for body, field := range map[string]string{
		``:                                       "body",
		`{`:                                      "body",
		`[]`:                                     "body",
		`null`:                                   "body",
		`"text"`:                                 "body",
		`{}{}`:                                   "body",
		"{\"accountNumber\":\"\xff1612345678\"}": "body",
		`{}`:                                     "accountNumber",
		`{"accountNumber":31612345678}`:          "accountNumber",
		`{"accountNumber":null}`:                 "accountNumber",
		`{"accountNumber":"1234"}`:               "accountNumber",
		`{"accountNumber":"%2B31612345678"}`:     "accountNumber",
		`{"accountNumber":"31612345678","proxy":"x"}`:                                                        "proxy",
		`{"accountNumber":"31612345678","webhook":{}}`:                                                       "webhook",
		`{"accountNumber":"31612345678","pairWith":"code"}`:                                                  "pairWith",
		`{"accountNumber":"31612345678","AnyNumber":true}`:                                                   "AnyNumber",
		`{"accountNumber":"31612345678","anyNumber":"true"}`:                                                 "anyNumber",
		`{"accountNumber":"31612345678","forceRecreate":1}`:                                                  "forceRecreate",
		`{"accountNumber":"31612345678","deviceName":""}`:                                                    "deviceName",
		`{"accountNumber":"31612345678","metadata":[]}`:                                                      "metadata",
		`{"accountNumber":"31612345678","metadata":{"a":1}}`:                                                 "metadata.a",
		`{"accountNumber":"31612345678","metadata":{"":"empty"}}`:                                            "metadata",
		`{"accountNumber":"31612345678","metadata":{"a":"` + strings.Repeat("x", maxMetadataValue+1) + `"}}`: "metadata",
		`{"accountNumber":"31612345678","deviceName":"` + strings.Repeat("x", 51) + `"}`:                     "deviceName",
	} {
		problem := e.ask(http.MethodPost, "/api/clients/initialize", body).refused(t, actors.CodeInvalidRequest)
		require.NotNil(t, problem.Details, body)
		require.Equal(t, field, problem.Details.Field, "%s: %s", body, problem.Message)
	}
	require.Empty(t, asked.questions())
}

func TestBodyOfAnotherTypeIsRefused(t *testing.T) {
	t.Parallel()
	asked := &office{}
	e := boot(t, Config{}, asked)
	body := `{"accountNumber":"` + account + `"}`
	for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "application/cbor", ";+"} {
		e.ask(http.MethodPost, "/api/clients/initialize", body, "Content-Type", contentType).refused(t, actors.CodeUnsupportedMedia)
	}
	require.Empty(t, asked.questions())
}

func TestListPagesAndFilters(t *testing.T) {
	t.Parallel()
	asked := &office{page: ListPage{Accounts: []actors.Status{ready(), ready()}, Total: 13}}
	e := boot(t, Config{}, asked)
	data := e.ask(http.MethodGet, "/api/clients/status?limit=2&offset=10&state=ready", "").granted(t, http.StatusOK)
	require.Len(t, data["clients"], 2)
	require.Equal(t, map[string]any{"limit": 2.0, "offset": 10.0, "total": 13.0, "hasMore": true}, data["pagination"])
	require.Equal(t, []any{"", ListQuery{Limit: 2, Offset: 10, State: actors.StateReady}}, asked.questions())
}

func TestListWithoutAccountsIsAnEmptyList(t *testing.T) {
	t.Parallel()
	asked := &office{}
	data := boot(t, Config{}, asked).ask(http.MethodGet, "/api/clients/status", "").granted(t, http.StatusOK)
	require.Equal(t, []any{}, data["clients"])
	require.Equal(t, map[string]any{"limit": 50.0, "offset": 0.0, "total": 0.0, "hasMore": false}, data["pagination"])
	require.Equal(t, []any{"", ListQuery{Limit: 50}}, asked.questions())
}

func TestListRefusesQueriesByName(t *testing.T) {
	t.Parallel()
	asked := &office{}
	e := boot(t, Config{}, asked)
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=201": "limit", "limit=ten": "limit", "limit=1.5": "limit",
		"offset=-1": "offset", "offset=10001": "offset", "offset=99999999999999999999": "offset",
		"state=happy": "state", "page=2": "page", "Limit=5": "Limit",
	} {
		problem := e.ask(http.MethodGet, "/api/clients/status?"+query, "").refused(t, actors.CodeInvalidRequest)
		require.Equal(t, field, problem.Details.Field, query)
	}
	require.Empty(t, asked.questions())
}

func TestDisconnectSaysWhatWasDone(t *testing.T) {
	t.Parallel()
	for query, logout := range map[string]bool{"": false, "?logout=false": false, "?logout=true": true} {
		asked := &office{stopped: actors.Stopped{WasRunning: true, Unlinked: logout, Status: ready()}}
		data := boot(t, Config{}, asked).ask(http.MethodDelete, "/api/clients/"+account+"/disconnect"+query, "").granted(t, http.StatusOK)
		require.Equal(t, true, data["wasRunning"])
		require.Equal(t, logout, data["unlinked"])
		require.Equal(t, []any{account, actors.Stop{Logout: logout}}, asked.questions())
	}
}

func TestDisconnectRefusesALogoutThatIsNeitherTrueNorFalse(t *testing.T) {
	t.Parallel()
	asked := &office{}
	problem := boot(t, Config{}, asked).ask(http.MethodDelete, "/api/clients/"+account+"/disconnect?logout=maybe", "").refused(t, actors.CodeInvalidRequest)
	require.Equal(t, "logout", problem.Details.Field)
	require.Empty(t, asked.questions())
}

// pairing is an account that shows a code for as long as is given.
func pairing(left time.Duration) actors.Status {
	return actors.Status{
		Account: account, Session: actors.Session{State: actors.StatePairing},
		QR: &actors.QR{Code: "2@code,key,identity,secret", ExpiresAt: time.Now().Add(left)},
	}
}

func TestRemovingTellsWhetherThePhoneStillListsTheDevice(t *testing.T) {
	asked := &office{stopped: actors.Stopped{Unlinked: true}}
	data := boot(t, Config{}, asked).ask(http.MethodDelete, "/api/clients/"+account, "").granted(t, http.StatusOK)
	require.Equal(t, account, data["clientId"])
	require.Equal(t, true, data["unlinked"])
	require.Equal(t, []any{account, "remove"}, asked.questions())
}

func TestQRIsTextUnlessAPictureIsAskedFor(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{status: pairing(time.Minute)})
	path := "/api/clients/" + account + "/qr"
	for _, headers := range [][]string{nil, {"Accept", "*/*"}, {"Accept", "image/png;q=0.5, application/json"}} {
		data := e.ask(http.MethodGet, path, "", headers...).granted(t, http.StatusOK)
		require.Equal(t, "2@code,key,identity,secret", data["qr"])
		require.NotEmpty(t, data["expiresAt"])
	}
	e.ask(http.MethodGet, path+"?format=json", "", "Accept", "image/png").granted(t, http.StatusOK)
}

func TestQRIsAPictureWhereOneIsAskedFor(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{status: pairing(time.Minute)})
	path := "/api/clients/" + account + "/qr"
	for _, answer := range []response{
		e.ask(http.MethodGet, path+"?format=png", ""),
		e.ask(http.MethodGet, path, "", "Accept", "image/png"),
	} {
		require.Equal(t, http.StatusOK, answer.StatusCode)
		require.Equal(t, "image/png", answer.Header.Get("Content-Type"))
		require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
		picture, err := png.Decode(bytes.NewReader(answer.body))
		require.NoError(t, err)
		require.Equal(t, qrSize, picture.Bounds().Dx())
	}
}

func TestQRThatCannotBeScannedIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status actors.Status
		code   actors.Code
		retry  string
	}{
		"not yet":     {actors.Status{Account: account}, actors.CodeQRNotReady, "2"},
		"expired":     {pairing(-time.Second), actors.CodeQRNotReady, "2"},
		"not anymore": {ready(), actors.CodeAlreadyPaired, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := boot(t, Config{}, &office{status: test.status})
			answer := e.ask(http.MethodGet, "/api/clients/"+account+"/qr", "", "Accept", "image/png")
			answer.refused(t, test.code)
			require.Equal(t, test.retry, answer.Header.Get("Retry-After"))
		})
	}
}

func TestQROfAnUnknownFormatIsRefused(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{status: pairing(time.Minute)})
	problem := e.ask(http.MethodGet, "/api/clients/"+account+"/qr?format=svg", "").refused(t, actors.CodeInvalidRequest)
	require.Equal(t, "format", problem.Details.Field)
}
