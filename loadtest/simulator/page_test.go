package simulator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// getPage fetches a file of the page.
func getPage(t *testing.T, sim *simulator.Simulator, path string) (body string, header http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(within(t), http.MethodGet, sim.ControlURL()+path, http.NoBody)
	require.NoError(t, err)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusOK, response.StatusCode, path)
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(raw), response.Header
}

func TestThePageIsServedWholeAndLoadsNothingFromElsewhere(t *testing.T) {
	sim := simulatortest.Start(t)
	page, header := getPage(t, sim, "/")
	require.Contains(t, header.Get("Content-Type"), "text/html")
	require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, header.Get("Content-Security-Policy"), "unsafe")
	for _, found := range regexp.MustCompile(`(?:src|href)="([^"#]+)"`).FindAllStringSubmatch(page, -1) {
		getPage(t, sim, "/"+found[1])
	}
	script, header := getPage(t, sim, "/page/main.js")
	require.Contains(t, header.Get("Content-Type"), "javascript")
	for _, found := range regexp.MustCompile(`from "\./([^"]+)"`).FindAllStringSubmatch(script, -1) {
		module, _ := getPage(t, sim, "/page/"+found[1])
		require.NotRegexp(t, `innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(`, module)
	}
}

func TestAForeignPageMayNotSteerThePhones(t *testing.T) {
	sim := simulatortest.Start(t)
	for site, status := range map[string]int{"cross-site": http.StatusForbidden, "same-origin": http.StatusCreated} {
		request, err := http.NewRequestWithContext(within(t), http.MethodPost, sim.ControlURL()+"/phones", strings.NewReader(`{"number":"`+alice+`"}`))
		require.NoError(t, err)
		request.Close = true
		request.Header.Set("Sec-Fetch-Site", site) // as browsers do
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, status, response.StatusCode, site)
	}
}

// eventStream reads GET /events.
type eventStream struct {
	t     *testing.T
	lines *bufio.Scanner
}

func openEvents(ctx context.Context, t *testing.T, sim *simulator.Simulator) eventStream {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, sim.ControlURL()+"/events", http.NoBody)
	require.NoError(t, err)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	return eventStream{t, bufio.NewScanner(response.Body)}
}

// next skips to the next event of a name whose data matches.
func (e eventStream) next(name, pattern string) (data string) {
	e.t.Helper()
	for e.lines.Scan() {
		if e.lines.Text() != "event: "+name || !e.lines.Scan() {
			continue
		}
		if data = strings.TrimPrefix(e.lines.Text(), "data: "); regexp.MustCompile(pattern).MatchString(data) {
			return data
		}
	}
	require.FailNow(e.t, "the stream ended", "before %s %s", name, pattern)
	return ""
}

func TestWhatChangesIsStreamed(t *testing.T) {
	sim := simulatortest.Start(t)
	events := openEvents(within(t), t, sim)
	events.next("stats", `"messagesRelayed":0`)
	events.next("faults", `^\[\]$`)

	ann, bob := addPhone(t, sim, alice), addPhone(t, sim, bob)
	var phone phoneAnswer
	require.NoError(t, json.Unmarshal([]byte(events.next("phone", alice)), &phone))
	require.Equal(t, ann.LID().String(), phone.LID)
	companion := newCompanion(t, sim).pair(bob)
	events.next("phone", `"device":1.*"connected":true`)

	_, err := ann.SendText(within(t), bob.Number(), "hello")
	require.NoError(t, err)
	events.next("chat", ann.Number())
	events.next("chat", bob.Number())
	events.next("stats", `"messagesRelayed":[1-9]`)
	companion.nextText()
	companion.client.Disconnect()
	events.next("phone", `"device":1.*"connected":false`)
	require.NoError(t, bob.Unlink(within(t), 1))
	events.next("phone", `"devices":\[\]`)

	bob.SetOnline(false)
	events.next("phone", `"online":false`)
	_, err = sim.AddFault(simulator.Fault{Op: "ack", Action: "drop"})
	require.NoError(t, err)
	events.next("faults", `"op":"ack"`)
	sim.Reset()
	events.next("all", `^{}$`)

	require.NoError(t, sim.Close())
	for events.lines.Scan() { // what was on its way
	}
}

func TestPhonesAreFoundByNumberAndByName(t *testing.T) {
	type list struct {
		Phones []phoneAnswer
		Total  int
	}
	sim := simulatortest.Start(t)
	call[any](t, sim, "POST", "/phones", `{"count":150,"prefix":"49170"}`, http.StatusCreated)
	all := call[list](t, sim, "GET", "/phones", "", http.StatusOK)
	require.Len(t, all.Phones, 100)
	require.Equal(t, 150, all.Total)
	require.Equal(t, "49170000000", all.Phones[0].Number)
	found := call[list](t, sim, "GET", "/phones?find=phone+14&limit=2", "", http.StatusOK)
	require.Equal(t, 11, found.Total)
	require.Equal(t, "49170000014", found.Phones[0].Number)
	require.Equal(t, "49170000140", found.Phones[1].Number)
	require.Empty(t, call[list](t, sim, "GET", "/phones?find=nobody", "", http.StatusOK).Phones)
	call[any](t, sim, "GET", "/phones?limit=1001", "", http.StatusBadRequest)
}

func TestWhatWasWrittenOnAPhoneIsListed(t *testing.T) {
	sim := simulatortest.Start(t)
	ann, bob := addPhone(t, sim, alice), addPhone(t, sim, bob)
	for _, text := range []string{"one", "two", "three"} {
		id, err := ann.SendText(within(t), bob.LID().String(), text)
		require.NoError(t, err)
		messageOf(t, bob, id)
	}
	sent := call[[]simulator.SentMessage](t, sim, "GET", "/phones/"+ann.Number()+"/sent?after=1", "", http.StatusOK)
	require.Len(t, sent, 2)
	require.Equal(t, "two", sent[0].Text)
	require.Equal(t, bob.Number()+"@s.whatsapp.net", sent[0].Chat)
	newest := call[[]simulator.ReceivedMessage](t, sim, "GET", "/phones/"+bob.Number()+"/messages?last=1", "", http.StatusOK)
	require.Len(t, newest, 1)
	require.Equal(t, "three", newest[0].Text)
	require.False(t, sent[1].At.After(newest[0].At), "an answer would come later")
	call[any](t, sim, "GET", "/phones/"+bob.Number()+"/messages?last=-1", "", http.StatusBadRequest)
}
