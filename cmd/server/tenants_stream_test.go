package main

import (
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/contract"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// estate is a server of two tenants.
type estate struct {
	t      *testing.T
	world  *simulator.Simulator
	server *Server
	base   string
	ann    *simulator.Phone
	fences int
}

func settle(t *testing.T) *estate {
	t.Helper()
	world := simulatortest.Start(t)
	server, stop := bootStreams(t, append(world.Env(), "SQLITE_DB_PATH="+filepath.Join(t.TempDir(), "whatsapp.db"))...)
	t.Cleanup(stop)
	e := &estate{t: t, world: world, server: server, base: "http://" + server.Address()}
	e.ann = e.phone(friend)
	return e
}

func (e *estate) phone(number string) *simulator.Phone {
	e.t.Helper()
	phone, err := e.world.AddPhone(number, "Somebody")
	require.NoError(e.t, err)
	return phone
}

// tenant has a key, an account and an endpoint of webhooks.
type tenant struct {
	*estate

	token, number string
	phone         *simulator.Phone

	endpoint *postbox
}

func (e *estate) tenant(name, number string) *tenant {
	e.t.Helper()
	made := call(e.t, http.MethodPost, e.base+"/api/keys", `{"tenant":"`+name+`","name":"`+name+`","rights":["admin"]}`)
	return &tenant{estate: e, token: made["token"].(string), number: number, phone: e.phone(number), endpoint: newPostbox(e.t)}
}

// ask returns an answer as it is, apart from the id of the request.
func (o *tenant) ask(method, path, body string) (answer string) {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), method, o.base+path, strings.NewReader(body))
	require.NoError(o.t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+o.token)
	response, err := contract.Client(o.t).Do(request)
	require.NoError(o.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(o.t, err)
	return requestIDs.ReplaceAllString(string(text), "")
}

// made is the value of a property of an answer.
func (o *tenant) made(property, path, body string) string {
	o.t.Helper()
	answer := o.ask(http.MethodPost, path, body)
	_, value, found := strings.Cut(answer, `"`+property+`":"`)
	require.True(o.t, found, answer)
	value, _, _ = strings.Cut(value, `"`)
	return value
}

func (o *tenant) listen(query string) *listener {
	o.t.Helper()
	return listen(o.t, "ws://"+o.server.StreamAddress()+"/"+query, "bearer", o.token)
}

// refused is the answer to a handshake.
func (o *tenant) refused(query string, protocols ...string) string {
	o.t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	_, answer, err := websocket.Dial(o.t.Context(), "ws://"+o.server.StreamAddress()+"/"+query,
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, Subprotocols: protocols})
	require.Error(o.t, err, query)
	text, err := io.ReadAll(answer.Body)
	require.NoError(o.t, err)
	return requestIDs.ReplaceAllString(string(text), "")
}

// begin creates an account and returns its code, which ear hears.
func (o *tenant) begin(number string, ear *listener) (code string) {
	o.t.Helper()
	require.Contains(o.t, o.ask(http.MethodPost, "/api/clients/initialize", `{"accountNumber":"`+number+`"}`), `"success":true`)
	return ear.until("qr", number).Data["qr"].(string)
}

// pair scans a code.
func (o *tenant) pair(code string, ear *listener) {
	o.t.Helper()
	require.NoError(o.t, o.phone.Scan(o.t.Context(), code))
	ear.until("ready", o.number)
	ear.until("sync-complete", o.number)
}

// receive has somebody write to the account, and waits until ear has heard it.
func (o *tenant) receive(text string, ear *listener) {
	o.t.Helper()
	_, err := o.ann.SendText(o.t.Context(), o.number, text)
	require.NoError(o.t, err)
	ear.until("message", text)
}

// hook has all events posted that the key sees.
func (o *tenant) hook(property string) string {
	o.t.Helper()
	return o.made("id", "/api/webhooks", `{"url":"`+o.endpoint.URL+`"`+property+`}`)
}

// fence makes an event of the account. Whatever ears might have heard before it they
// have heard by then, and nothing of it is another's.
func (o *tenant) fence(ears ...*listener) {
	o.t.Helper()
	o.fences++
	text := "fence " + strconv.Itoa(o.fences)
	_, err := o.ann.SendText(o.t.Context(), o.number, text)
	require.NoError(o.t, err)
	for n, ear := range ears {
		for heard := (frame{}); !strings.Contains(heard.text, text); {
			heard, err = ear.next()
			require.NoError(o.t, err, "ear %d", n)
			about := heard.Data["clientId"]
			if about == nil {
				about = heard.Data["account"]
			}
			require.Contains(o.t, []any{o.number, "*"}, about, "ear %d: %s", n, heard.text)
		}
	}
}

var frameTimes = regexp.MustCompile(`"time":"[^"]*"`)

const (
	strangersAccount = "31600000011"
	laterAccount     = "31600000012"
)

// A client with another tenant's key listens in every way there is while an account is
// created, paired, written to, unlinked and removed, and another one comes.
func TestAnotherTenantHearsNothing(t *testing.T) {
	e := settle(t)
	owner, stranger := e.tenant("owner", account), e.tenant("stranger", strangersAccount)
	own := stranger.listen("")
	stranger.pair(stranger.begin(strangersAccount, own), own)
	ears := []*listener{own}
	open := func(query string, frames ...string) *listener {
		ear := stranger.listen(query)
		for _, frame := range frames {
			ear.say(frame)
		}
		ears = append(ears, ear)
		return ear
	}
	arrive := func() { // in each way that is not refused
		open("")
		open("?events=message,qr,connection-state,ready,logged-out,message-status")
		open("?accountNumber="+strangersAccount, `{"action":"subscribe","accounts":"*"}`)
		ears = append(ears, listen(t, "ws://"+e.server.StreamAddress()+"/?ticket="+stranger.made("ticket", "/api/ws-tickets", "")))
	}
	arrive()
	stranger.fence(ears...)

	ear := owner.listen("")
	code := owner.begin(account, ear)
	arrive()
	stranger.fence(ears...)
	owner.pair(code, ear)
	owner.receive("for the owner alone", ear)
	arrive()
	stranger.fence(ears...)

	cursor := owner.listen("?accountNumber=" + account).until("subscribed").Data["from"].(string)
	for _, place := range []string{"latest", cursor} {
		about := func(number string) string {
			asks := open("?accountNumber=" + strangersAccount)
			asks.until("caught-up", strangersAccount)
			asks.say(`{"action":"subscribe","accounts":{"` + number + `":"` + place + `"}}`)
			refusal := asks.until("error", "account_not_found")
			asks.say(`{"action":"unsubscribe","accounts":["` + number + `"]}`)
			text := refusal.text + asks.until("error").text
			return strings.ReplaceAll(frameTimes.ReplaceAllString(requestIDs.ReplaceAllString(text, ""), ""), number, "N")
		}
		require.Equal(t, about(nobodys), about(account), place)
		since := ""
		if place != "latest" {
			since = "&since=" + place
		}
		ticket := func() string { return "&ticket=" + stranger.made("ticket", "/api/ws-tickets", "") }
		theirs, absent := "?accountNumber="+account+since, "?accountNumber="+nobodys+since
		require.Contains(t, stranger.refused(theirs, "bearer", stranger.token), "account_not_found")
		require.Equal(t, stranger.refused(absent, "bearer", stranger.token), stranger.refused(theirs, "bearer", stranger.token))
		require.Contains(t, stranger.refused(theirs+ticket()), "account_not_found")
		require.Equal(t, stranger.refused(absent+ticket()), stranger.refused(theirs+ticket()))
	}
	owner.receive("again for the owner", ear)
	stranger.fence(ears...)

	require.NoError(t, owner.phone.Unlink(t.Context(), owner.phone.Devices()[0].Device))
	ear.until("logged-out", account)
	owner.begin(laterAccount, ear)
	arrive()
	require.Contains(t, owner.ask(http.MethodDelete, "/api/clients/"+account, ""), `"success":true`)
	stranger.fence(ears...)
}

// Another tenant reads the merged feed, has webhooks and looks at those of the owner, and
// the metrics are read.
func TestAnotherTenantReadsAndIsPostedNothing(t *testing.T) {
	e := settle(t)
	owner, stranger := e.tenant("owner", account), e.tenant("stranger", strangersAccount)
	theirs, own := owner.listen(""), stranger.listen("")
	all := owner.hook("")
	stranger.hook("")
	stranger.hook(`,"accounts":["316*"]`)
	stranger.hook(`,"accounts":["` + account + `"]`)
	stranger.pair(stranger.begin(strangersAccount, own), own)
	owner.pair(owner.begin(account, theirs), theirs)
	owner.receive("for the owner alone", theirs)
	require.Contains(t, owner.endpoint.await(t, "for the owner alone", 1), account)

	stranger.readsNothingOf(owner, own, theirs)
	require.Contains(t, owner.ask(http.MethodPut, "/api/clients/"+account+"/settings", `{"webhook":"`+owner.endpoint.URL+`"}`), `"success":true`)
	stranger.alike(http.MethodPost, "/api/webhooks", `{"url":"`+stranger.endpoint.URL+`","accountNumber":"@"}`, account, nobodys, "account_not_found")
	stranger.findsNothing(all, strings.Split(owner.token, "_")[1])
	stranger.listsNothingOf(all, "owner", account, strings.Split(owner.token, "_")[1])

	owner.receive("the last for the owner", theirs)
	owner.endpoint.await(t, "the last for the owner", 1)
	stranger.fence(own)
	posted := stranger.endpoint.await(t, "fence 2", 1)
	require.NotContains(t, posted, "owner")

	_, page := look(t, e.server.AdminAddress(), "/metrics", "")
	require.Contains(t, page, "whatsapp_events_total")
	for _, name := range []string{account, strangersAccount, friend, "owner", "stranger", all} {
		require.NotContains(t, page, name)
	}
}

// readsNothingOf reads the merged feed, from the owner's places too.
func (o *tenant) readsNothingOf(owner *tenant, own, theirs *listener) {
	o.t.Helper()
	feed := "/api/events?limit=1&after="
	_, cursor, _ := strings.Cut(owner.ask(http.MethodGet, "/api/events?limit=500", ""), `"cursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	owner.receive("again for the owner", theirs)
	require.Contains(o.t, owner.ask(http.MethodGet, "/api/events?after="+cursor, ""), "again for the owner")
	first := o.ask(http.MethodGet, feed, "")
	require.Contains(o.t, first, strangersAccount)
	require.Equal(o.t, first, o.ask(http.MethodGet, feed+cursor, ""), "the owner's places are none")
	o.fence(own)
	for _, query := range []string{"limit=500", "limit=500&after=" + cursor} {
		read := o.ask(http.MethodGet, "/api/events?"+query, "")
		require.Contains(o.t, read, "fence 1")
		require.NotContains(o.t, read, account)
		require.NotContains(o.t, read, "owner")
	}
	o.alike(http.MethodGet, "/api/events?accountNumber=@", "", account, nobodys, "account_not_found")
	o.alike(http.MethodGet, "/api/events?accountNumber=@&after="+cursor, "", account, nobodys, "account_not_found")
}

// alike asks for what is another's, and for what nobody has: the answers are the same.
func (o *tenant) alike(method, path, body, mine, nobody, code string) {
	o.t.Helper()
	answer := o.ask(method, strings.ReplaceAll(path, "@", mine), strings.ReplaceAll(body, "@", mine))
	absent := o.ask(method, strings.ReplaceAll(path, "@", nobody), strings.ReplaceAll(body, "@", nobody))
	require.Contains(o.t, answer, `"code":"`+code+`"`, "%s %s", method, path)
	require.Equal(o.t, strings.ReplaceAll(absent, nobody, "N"), strings.ReplaceAll(answer, mine, "N"), "%s %s", method, path)
}

// findsNothing asks by every route of webhooks and keys for those of another.
func (o *tenant) findsNothing(webhook, key string) {
	o.t.Helper()
	walked := 0
	for _, route := range o.routes() {
		method, path, _ := strings.Cut(route, " ")
		for name, ids := range map[string][][2]string{
			"{webhookId}": {{webhook, "01KB4XK3N2V7M8Q9R0S1T2W3Y4"}, {account, nobodys}},
			"{keyId}":     {{key, "01kb4xk3n2v7m8q9r0s1t2w3y4"}},
		} {
			if !strings.Contains(path, name) {
				continue
			}
			walked++
			for _, pair := range ids {
				body := map[string]string{
					"PUT /api/webhooks/{webhookId}": `{"url":"` + o.endpoint.URL + `"}`, "PUT /api/keys/{keyId}": `{"name":"x","rights":["read"]}`,
					"POST /api/webhooks/{webhookId}/redrive": `{}`,
				}[route]
				o.alike(method, strings.Replace(path, name, "@", 1), body, pair[0], pair[1], "not_found")
			}
		}
	}
	require.Equal(o.t, 14, walked)
}

// listsNothingOf reads the lists that have no account in their route.
func (o *tenant) listsNothingOf(names ...string) {
	o.t.Helper()
	require.NotContains(o.t, o.ask(http.MethodGet, "/api/audit", ""), `"tenant":"owner"`) // its entries have what the stranger named
	for _, list := range []string{"/api/webhooks", "/api/keys", "/api/clients/status"} {
		listed := o.ask(http.MethodGet, list, "")
		require.Contains(o.t, listed, `"success":true`)
		for _, name := range names {
			require.NotContains(o.t, strings.ReplaceAll(listed, `"`+account+`"]`, ""), name, list)
		}
	}
}

// routes are the operations' methods and paths.
func (e *estate) routes() []string {
	e.t.Helper()
	request, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, e.base+"/openapi.json", http.NoBody)
	require.NoError(e.t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(e.t, err)
	defer answer.Body.Close()
	document, err := io.ReadAll(answer.Body)
	require.NoError(e.t, err)
	loaded, err := contract.Load(document)
	require.NoError(e.t, err)
	return slices.Sorted(maps.Keys(loaded.Operations()))
}
