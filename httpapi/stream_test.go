package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
)

func TestABareSocketHearsAllAccountsAlsoLaterOnes(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account, friend)
	news.happen(account, actors.EventMessage)
	listening := broadcast(t, Config{}, news).tune("")
	listening.expect("subscribed", "connection-state", "connection-state")
	require.Equal(t, map[string]any{"account": "*"}, listening.expect("caught-up").Data)

	first := news.happen(account, actors.EventMessage)
	news.pass(friend, actors.EventChatPresence, `{"clientId":"`+friend+`"}`)
	news.mu.Lock()
	news.accounts["31600000003"] = &source{log: "01NEW"}
	news.mu.Unlock()
	news.happen("31600000003", actors.EventConnectionState)

	heard := listening.expect("message")
	require.Equal(t, first.String(), heard.ID)
	require.Equal(t, noon.Add(2*time.Second), heard.Time)
	require.Equal(t, map[string]any{"clientId": account, "n": 2.0}, heard.Data)
	require.Empty(t, listening.expect("chat-presence").ID)
	require.Equal(t, "31600000003", listening.expect("connection-state").Data["clientId"])
}

func TestWhoComesLateIsToldThePresentState(t *testing.T) {
	t.Parallel()
	until := noon.Add(time.Minute)
	news := newNewsroom(account, friend)
	news.change(account, func(s *source) {
		s.status.Session = actors.Session{State: actors.StatePairing, Since: noon, Until: &until, Reason: "asked"}
		s.status.QR = &actors.QR{Code: "2@code", ExpiresAt: until}
	})
	news.change(friend, func(s *source) {
		s.status.Session.State, s.status.Number, s.status.Name = actors.StateReady, friend, "Ann"
	})
	station := broadcast(t, Config{}, news)
	for _, query := range []string{"", "?accountNumber=" + account} {
		listening := station.tune(query)
		listening.expect("subscribed")
		state := listening.expect("connection-state")
		require.Empty(t, state.ID, "it is in no log")
		require.Equal(t, noon, state.Time)
		require.Equal(t, map[string]any{
			"clientId": account, "state": "pairing", "previous": "", "reason": "asked", "until": "2026-01-02T12:01:00Z",
		}, state.Data)
		code := listening.expect("qr")
		require.Equal(t, map[string]any{"clientId": account, "qr": "2@code", "expiresAt": "2026-01-02T12:01:00Z"}, code.Data)
	}
	listening := station.tune("?accountNumber=" + friend + "&events=ready")
	require.Equal(t, map[string]any{
		"clientId": friend, "info": map[string]any{"number": friend, "name": "Ann"},
	}, listening.expect("subscribed", "ready").Data)
	listening.expect("caught-up")
}

func TestAnAccountThatIsBusyIsToldWhenItAnswers(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	news.change(account, func(s *source) { s.err = actors.ErrBusy })
	listening := broadcast(t, Config{}, news).tune("?accountNumber=" + account)
	listening.expect("subscribed", "caught-up")
	news.change(account, func(s *source) { s.err = nil })
	require.Equal(t, "connecting", listening.expect("connection-state").Data["state"])
}

func TestAStaleCodeIsNotShownAfterThePresentOne(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	news.change(account, func(s *source) { s.status.QR = &actors.QR{Code: "new"} })
	station := broadcast(t, Config{}, &lateStatus{newsroom: news})
	for range 20 { // before it is all the same
		listening := station.tune("?events=qr,ready")
		shown := listening.expect("subscribed", "qr").Data["qr"]
		if shown == "old" {
			shown = listening.expect("qr").Data["qr"]
		}
		require.Equal(t, "new", shown)
		listening.expect("caught-up")
		news.happen(account, actors.EventReady)
		listening.expect("ready")
		require.NoError(t, listening.connection.CloseNow())
	}
}

// lateStatus has an earlier code waiting for the reader before it says what is
// showing by now.
type lateStatus struct{ *newsroom }

func (l *lateStatus) Numbers() []string {
	l.pass(account, actors.EventQR, `{"qr":"old"}`)
	return l.newsroom.Numbers()
}

func TestTheLogIsReplayedThenLiveGoesOn(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	for range 1000 {
		news.happen(account, actors.EventMessage)
	}
	listening := broadcast(t, Config{}, news).tune("?accountNumber=" + account + "&since=" + cursorOf(account, 400))
	require.Equal(t, map[string]any{"account": account, "from": cursorOf(account, 400), "head": cursorOf(account, 1000)},
		listening.expect("subscribed").Data)
	listening.expect("connection-state")
	for n := 401; n <= 1000; n++ {
		heard := listening.expect("message")
		require.Equal(t, n, heard.n())
		require.Equal(t, cursorOf(account, n), heard.ID)
	}
	require.Equal(t, map[string]any{"account": account, "head": cursorOf(account, 1000)}, listening.expect("caught-up").Data)
	news.happen(account, actors.EventMessage)
	require.Equal(t, 1001, listening.expect("message").n())
}

func TestEventsAreTheKindsAskedFor(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	for range 3 {
		news.happen(account, actors.EventMessage)
		news.happen(account, actors.EventReaction)
	}
	station := broadcast(t, Config{}, news)
	for query, account := range map[string]string{"?events=reaction": "*", "?accountNumber=" + account + "&events=reaction,ready": account} {
		listening := station.tune(query)
		require.Equal(t, account, listening.expect("subscribed", "caught-up").Data["account"])
		news.happen("31612345678", actors.EventMessage)
		cursor := news.happen("31612345678", actors.EventReaction)
		require.Equal(t, cursor.String(), listening.expect("reaction").ID)
	}
}

func TestAFrameSubscribesEachAccountFromItsPlace(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account, friend)
	for range 3 {
		news.happen(account, actors.EventMessage)
		news.happen(friend, actors.EventMessage)
	}
	listening := broadcast(t, Config{}, news).tune("")
	listening.settle()
	listening.say(`{"action":"subscribe","accounts":{"+31 612345678":"` + cursorOf(account, 2) + `","` + friend + `":"latest"}}`)
	require.Equal(t, cursorOf(account, 2), listening.expect("subscribed").Data["from"])
	require.Equal(t, cursorOf(friend, 3), listening.expect("subscribed").Data["from"])
	listening.expect("connection-state", "connection-state")
	require.Equal(t, 3, listening.expect("message").n())
	listening.expect("caught-up", "caught-up")

	listening.say(`{"action":"unsubscribe","accounts":["` + account + `"]}`)
	require.Equal(t, map[string]any{"account": account}, listening.expect("unsubscribed").Data)
	news.happen(account, actors.EventMessage)
	news.happen(friend, actors.EventMessage)
	require.Equal(t, friend, listening.expect("message").Data["clientId"], "all accounts were what nobody had asked for")

	listening.say(`{"action":"subscribe","accounts":"*","events":["reaction"]}`)
	require.Equal(t, map[string]any{"account": "*"}, listening.expect("subscribed").Data)
	listening.expect("caught-up")
	news.happen(account, actors.EventMessage)
	news.happen(account, actors.EventReaction)
	listening.expect("reaction")
	news.happen(friend, actors.EventMessage)
	require.Equal(t, friend, listening.expect("message").Data["clientId"])

	listening.say(`{"action":"unsubscribe","accounts":"*"}`)
	listening.expect("unsubscribed")
	news.happen(account, actors.EventReaction)
	news.happen(friend, actors.EventMessage)
	listening.say(`{}`)
	listening.expect("error")
}

func TestACursorThatTheLogHasNotIsAnsweredWithTheOldest(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account, friend)
	for range 5 {
		news.happen(account, actors.EventMessage)
	}
	news.prune(account, 3)
	station := broadcast(t, Config{}, news)
	for _, cursor := range []string{cursorOf(account, 2), cursorOf(account, 6), cursorOf(friend, 4), "x-0"} {
		listening := station.tune("?accountNumber=" + account + "&since=" + cursor)
		require.Equal(t, map[string]any{"account": account, "oldest": cursorOf(account, 3)}, listening.expect("cursor-expired").Data)
		listening.say(`{"action":"subscribe","accounts":{"` + account + `":"` + cursorOf(account, 3) + `"}}`)
		require.Equal(t, 4, listening.expect("subscribed", "connection-state", "message").n())
	}
}

func TestALogThatIsPrunedUnderAReaderIsToldAsExpired(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	for range 3 {
		news.happen(account, actors.EventMessage)
	}
	listening := broadcast(t, Config{}, news).tune("?accountNumber=" + account)
	listening.settle()
	for range 2 {
		news.append(account, actors.EventMessage) // and the live event is lost
	}
	news.prune(account, 4)
	news.happen(account, actors.EventMessage)
	require.Equal(t, cursorOf(account, 4), listening.expect("cursor-expired").Data["oldest"])
	listening.say(`{"action":"unsubscribe","accounts":["` + account + `"]}`)
	listening.expect("error")
}

func TestALiveEventThatWasLostIsReadFromTheLog(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	listening := broadcast(t, Config{}, news).tune("?accountNumber=" + account)
	listening.settle()
	news.append(account, actors.EventMessage)
	news.append(account, actors.EventMessage)
	news.happen(account, actors.EventMessage)
	for n := range 3 {
		require.Equal(t, n+1, listening.expect("message").n())
	}
	news.happen(account, actors.EventMessage)
	require.Equal(t, 4, listening.expect("message").n())
}

func TestAnAccountMadeAnewIsHeardFromItsNewBeginning(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	news.happen(account, actors.EventMessage)
	listening := broadcast(t, Config{}, news).tune("?accountNumber=" + account)
	listening.settle()
	news.change(account, func(s *source) { s.log, s.events = "01OTHER", nil })
	news.happen(account, actors.EventMessage)
	require.Equal(t, "01OTHER-1", listening.expect("message").ID)
}

func TestALogThatCannotBeReadClosesTheSocketForNow(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	station := broadcast(t, Config{}, news)
	listening := station.tune("?accountNumber=" + account)
	listening.settle()
	news.append(account, actors.EventMessage)
	event := news.append(account, actors.EventMessage)
	news.change(account, func(s *source) { s.failed = errors.New("disk on fire") })
	news.Publish(event)
	closed := listening.ended()
	require.Equal(t, websocket.StatusTryAgainLater, closed.Code)
	require.NotContains(t, closed.Reason, "fire")
	require.Equal(t, 1, station.logs.FilterMessage("event log cannot be read").Len())
}

func TestASlowReaderIsClosedAndComesBackWithItsCursor(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	station := broadcast(t, Config{}, news, func(l *streamLimits) { l.waiting.Events = 16 })
	listening := station.tune("?accountNumber=" + account)
	listening.settle()
	body := strings.Repeat("x", 64<<10)
	const big = 200
	for range big { // more than the buffers of two kernels hold
		news.publishing.Lock()
		event := news.append(account, actors.EventMessage)
		event.Data = []byte(fmt.Sprintf(`{"n":%d,"body":%q}`, event.Cursor.Seq, body))
		news.Publish(event)
		news.publishing.Unlock()
	}
	last := 0
	for {
		heard, err := listening.read()
		if err != nil {
			require.Equal(t, websocket.StatusTryAgainLater, websocket.CloseStatus(err), "%v", err)
			break
		}
		last++
		require.Equal(t, last, heard.n())
	}
	require.Less(t, last, big)
	listening = station.tune("?accountNumber=" + account + "&since=" + cursorOf(account, last))
	listening.expect("subscribed", "connection-state")
	for last < big {
		last++
		require.Equal(t, last, listening.expect("message").n())
	}
	listening.expect("caught-up")
}

func TestASocketThatTakesNothingIsDropped(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	station := broadcast(t, Config{}, news, func(l *streamLimits) { l.write = 100 * time.Millisecond })
	station.tune("").settle()
	data := `{"body":"` + strings.Repeat("x", 1<<20) + `"}`
	require.Eventually(t, func() bool {
		news.pass(account, actors.EventChatPresence, data)
		return station.listeners() == 0
	}, 10*time.Second, 5*time.Millisecond)
}

// listeners is how many sockets are open.
func (s *station) listeners() int {
	s.server.streams.mu.Lock()
	defer s.server.streams.mu.Unlock()
	return len(s.server.streams.open)
}

func TestASocketThatAnswersNoPingIsDropped(t *testing.T) {
	t.Parallel()
	const silence = time.Second
	station := broadcast(t, Config{}, newNewsroom(account), func(l *streamLimits) {
		l.ping, l.silence = silence/20, silence
	})
	station.tune("") // does not read, and so answers no ping
	alive := station.tune("")
	alive.settle()
	alive.connection.CloseRead(t.Context())
	require.Eventually(t, func() bool { return station.listeners() == 1 }, 10*time.Second, 10*time.Millisecond)
	require.Never(t, func() bool { return station.listeners() == 0 }, 2*silence, 10*time.Millisecond, "who answers stays")
}

func TestFramesThatAreNoFramesCloseTheSocket(t *testing.T) {
	t.Parallel()
	station := broadcast(t, Config{}, newNewsroom(account))
	for name, test := range map[string]struct {
		kind websocket.MessageType
		data string
		code websocket.StatusCode
	}{
		"binary":    {websocket.MessageBinary, "{}", websocket.StatusUnsupportedData},
		"not UTF-8": {websocket.MessageText, "\xff", websocket.StatusInvalidFramePayloadData},
		"too big":   {websocket.MessageText, strings.Repeat(" ", maxFrame+1), websocket.StatusMessageTooBig},
		"huge":      {websocket.MessageText, strings.Repeat(" ", 8<<20), websocket.StatusMessageTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			listening := station.tune("")
			_ = listening.connection.Write(t.Context(), test.kind, []byte(test.data))
			require.Equal(t, test.code, listening.ended().Code)
		})
	}
	require.Zero(t, station.logs.Len())
}

func TestAClientThatGoesOnAfterACloseIsDropped(t *testing.T) {
	t.Parallel()
	station := broadcast(t, Config{}, newNewsroom(account), func(l *streamLimits) { l.closing = 100 * time.Millisecond })
	stubborn := station.tune("")
	stubborn.settle()
	require.NoError(t, stubborn.connection.Write(t.Context(), websocket.MessageBinary, []byte("{}")))
	require.Eventually(t, func() bool {
		_ = stubborn.connection.Write(t.Context(), websocket.MessageText, []byte("{}"))
		return station.listeners() == 0
	}, 10*time.Second, 5*time.Millisecond)
}

func TestAClientMayLeaveAtAnyTime(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	station := broadcast(t, Config{}, news)
	for range 20 {
		listening := station.tune("")
		news.happen(account, actors.EventMessage)
		require.NoError(t, listening.connection.CloseNow())
		polite := station.tune("?accountNumber=" + account)
		news.happen(account, actors.EventMessage)
		require.NoError(t, polite.connection.Close(websocket.StatusNormalClosure, ""))
	}
	require.Eventually(t, func() bool { return station.listeners() == 0 }, 10*time.Second, 10*time.Millisecond)
	require.Zero(t, station.logs.Len())
}

func TestAClientMayLeaveWhileItsLogIsRead(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	news.change(account, func(s *source) { s.hangs = true })
	station := broadcast(t, Config{}, news)
	listening := station.tune("?accountNumber=" + account)
	listening.expect("subscribed", "connection-state")
	require.NoError(t, listening.connection.CloseNow())
	require.Eventually(t, func() bool { return station.listeners() == 0 }, 5*time.Second, 10*time.Millisecond)
	require.Zero(t, station.logs.Len())
}

func TestClosingTellsEveryClientAfterItsLastEvents(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	station := broadcast(t, Config{}, news)
	open, _, err := station.dial("ws://" + station.address + "/ws")
	require.NoError(t, err)
	all := []*audience{station.tune(""), station.tune("?accountNumber=" + account), open}
	for _, listening := range all {
		listening.settle()
	}
	require.NoError(t, station.server.Shutdown(t.Context()))
	news.happen(account, actors.EventMessage)
	for _, listening := range all {
		listening.expect("message")
	}
	closed := make(chan error, 1)
	go func() { closed <- station.server.CloseStreams(t.Context()) }()
	for _, listening := range all {
		require.Equal(t, websocket.StatusGoingAway, listening.ended().Code)
	}
	require.NoError(t, <-closed)
	_, _, err = station.dial("ws://" + station.streams)
	require.Error(t, err)
}

func TestAClientThatDoesNotLeaveIsCutOff(t *testing.T) {
	t.Parallel()
	station := broadcast(t, Config{}, newNewsroom(account), func(l *streamLimits) { l.closing = time.Hour })
	deaf := station.tune("")
	deaf.settle()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, station.server.CloseStreams(ctx), "1 cut off")
	require.Equal(t, websocket.StatusGoingAway, deaf.ended().Code, "it was told")
}

func TestSocketsAreBounded(t *testing.T) {
	t.Parallel()
	station := broadcast(t, Config{}, newNewsroom(account), func(l *streamLimits) { l.sockets = 1 })
	first := station.tune("")
	first.settle()
	station.knock("/", "").refused(t, actors.CodeRateLimited)
	require.NoError(t, first.connection.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool {
		again, _, err := station.dial("ws://" + station.streams + "/")
		return err == nil && again.connection.CloseNow() == nil
	}, 10*time.Second, 10*time.Millisecond)
}

func TestAPanicClosesItsSocketAlone(t *testing.T) {
	t.Parallel()
	news := &explosive{newsroom: newNewsroom(account)}
	station := broadcast(t, Config{}, news)
	quiet := station.tune("?accountNumber=" + account)
	quiet.settle()
	require.Equal(t, websocket.StatusInternalError, station.tune("").ended().Code)
	require.Equal(t, 1, station.logs.FilterMessage("stream panicked").Len())
	news.happen(account, actors.EventMessage)
	quiet.expect("message")
}

type explosive struct{ *newsroom }

func (e *explosive) Numbers() []string { panic("boom") }

// knock asks for a socket and expects not to get it.
func (s *station) knock(path, query string, headers ...string) response {
	s.t.Helper()
	at := &edge{s.t, s.server, s.streams, s.logs, s.client}
	return at.ask(http.MethodGet, path+query, "", append([]string{
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
	}, headers...)...)
}

func TestKeysOpenSockets(t *testing.T) {
	t.Parallel()
	station := broadcast(t, Config{APIKey: key, CORSOrigins: []string{listed}}, newNewsroom(account))
	for name, headers := range map[string][]string{
		"header":           {"Authorization", "Bearer " + key},
		"protocol":         {"Sec-WebSocket-Protocol", "bearer, " + key},
		"protocol, origin": {"Sec-WebSocket-Protocol", "bearer," + key, "Origin", listed},
	} {
		for _, url := range []string{"ws://" + station.streams, "ws://" + station.streams + "/ws", "ws://" + station.address + "/ws"} {
			listening, answer, err := station.dial(url, headers...)
			require.NoError(t, err, name)
			listening.settle()
			if strings.HasPrefix(name, "protocol") {
				require.Equal(t, "bearer", answer.Header.Get("Sec-WebSocket-Protocol"))
			}
		}
	}
	for name, test := range map[string]struct {
		headers []string
		code    actors.Code
	}{
		"nothing":         {nil, codeUnauthorized},
		"wrong key":       {[]string{"Authorization", "Bearer wrong"}, codeUnauthorized},
		"wrong protocol":  {[]string{"Sec-WebSocket-Protocol", "bearer, wrong"}, codeUnauthorized},
		"key alone":       {[]string{"Sec-WebSocket-Protocol", key}, codeUnauthorized},
		"other protocol":  {[]string{"Sec-WebSocket-Protocol", "basic, " + key}, codeUnauthorized},
		"header wins":     {[]string{"Authorization", "Bearer wrong", "Sec-WebSocket-Protocol", "bearer, " + key}, codeUnauthorized},
		"foreign origin":  {[]string{"Authorization", "Bearer " + key, "Origin", "https://evil.example.com"}, actors.CodeForbidden},
		"in the URL only": {nil, actors.CodeInvalidRequest},
	} {
		query := ""
		if name == "in the URL only" {
			query = "?key=" + key
		}
		station.knock("/", query, test.headers...).refused(t, test.code)
	}
	for _, entry := range station.logs.All() {
		require.NotContains(t, fmt.Sprint(entry), key)
	}
	answer := station.ask(http.MethodGet, "/api/clients/status", "", "Sec-WebSocket-Protocol", "bearer, "+key)
	answer.refused(t, codeUnauthorized)
}

func TestWithoutAKeyOnlyLocalPagesOpenSockets(t *testing.T) {
	t.Parallel()
	station := broadcast(t, Config{}, newNewsroom(account))
	station.knock("/", "", "Host", "rebound.example.com").refused(t, actors.CodeForbidden)
	station.knock("/ws", "", "Origin", "https://evil.example.com").refused(t, actors.CodeForbidden)
	listening, _, err := station.dial("ws://"+station.streams, "Host", "localhost:3002", "Origin", "http://localhost:3002")
	require.NoError(t, err)
	listening.settle()
}

func TestWhatIsNoHandshakeIsRefusedInTheEnvelope(t *testing.T) {
	t.Parallel()
	station := broadcast(t, Config{}, newNewsroom(account))
	alone := station.unheld() // the port has no operations
	alone.address = station.streams
	answer := alone.ask(http.MethodGet, "/", "")
	answer.refused(t, actors.CodeInvalidRequest)
	require.Equal(t, "websocket", answer.Header.Get("Upgrade"))
	alone.ask(http.MethodGet, "/ws", "").refused(t, actors.CodeInvalidRequest)
	alone.ask(http.MethodPost, "/", "").refused(t, codeMethodNotAllowed)
	alone.ask(http.MethodGet, "/api/clients/status", "").refused(t, actors.CodeNotFound)
	station.ask(http.MethodGet, "/ws", "").refused(t, actors.CodeInvalidRequest)
	station.ask(http.MethodGet, "/", "").refused(t, actors.CodeNotFound)

	old := station.knock("/", "", "Sec-WebSocket-Version", "8")
	require.Equal(t, "Sec-WebSocket-Version", old.refused(t, actors.CodeInvalidRequest).Details.Field)
	require.Equal(t, "13", old.Header.Get("Sec-WebSocket-Version"))
	keyless := station.knock("/", "", "Sec-WebSocket-Key", "")
	require.Equal(t, "Sec-WebSocket-Key", keyless.refused(t, actors.CodeInvalidRequest).Details.Field)
}

func TestASelectionIsRefusedBeforeTheUpgrade(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account, friend)
	station := broadcast(t, Config{}, news)
	station.knock("/", "?accountNumber=31699999999").refused(t, actors.CodeAccountNotFound)
	news.change(friend, func(s *source) { s.failed = errors.New("disk on fire") })
	station.knock("/", "?accountNumber="+friend).refused(t, actors.CodeInternal)
	require.Equal(t, 1, station.logs.FilterField(zap.String("code", "internal")).Len())
	require.NoError(t, station.server.Shutdown(t.Context()))
}

func TestAFrameThatIsWrongIsAnsweredWithAnError(t *testing.T) {
	t.Parallel()
	news := newNewsroom(account)
	listening := broadcast(t, Config{}, news).tune("?accountNumber="+account, "X-Request-ID", "trace-7")
	listening.settle()
	listening.say(`{"action":"subscribe","accounts":{"31699999999":"latest"}}`)
	require.Equal(t, map[string]any{
		"code": "account_not_found", "message": "no account has this number", "requestId": "trace-7",
		"details": map[string]any{"field": "accounts.31699999999"},
	}, listening.expect("error").Data)
	listening.say(`{"action":"subscribe","accounts":{"` + account + `":"x-1"}}`)
	listening.expect("cursor-expired")
	news.happen(account, actors.EventMessage)
	listening.expect("message")
}
