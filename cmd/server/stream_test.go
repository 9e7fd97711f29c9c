package main

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// bootStreams is boot for tests that need the address of streams.
func bootStreams(t *testing.T, environment ...string) (server *Server, stop func()) {
	t.Helper()
	environment = append(environment, "PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=127.0.0.1:0", "LOG_LEVEL=warn")
	config, err := configs.Load(environment, filepath.Join(t.TempDir(), ".env"))
	require.NoError(t, err)
	server, err = Open(t.Context(), config)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	return server, func() {
		cancel()
		require.NoError(t, <-done)
	}
}

// listener is a client of a stream.
type listener struct {
	t          *testing.T
	connection *websocket.Conn
	transport  *http.Transport
}

type frame struct {
	Event, ID string
	Time      time.Time
	Data      map[string]any
	text      string
}

// listen opens a stream; protocols are a key's: bearer, <key>.
func listen(t *testing.T, url string, protocols ...string) *listener {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	transport := &http.Transport{}
	connection, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, Subprotocols: protocols,
	})
	require.NoError(t, err)
	l := &listener{t, connection, transport}
	t.Cleanup(l.leave)
	return l
}

func (l *listener) leave() {
	_ = l.connection.CloseNow()
	l.transport.CloseIdleConnections()
}

// say sends a frame.
func (l *listener) say(frame string) {
	l.t.Helper()
	require.NoError(l.t, l.connection.Write(l.t.Context(), websocket.MessageText, []byte(frame)))
}

func (l *listener) next() (f frame, err error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), 20*time.Second)
	defer cancel()
	_, data, err := l.connection.Read(ctx)
	if err != nil {
		return f, err
	}
	require.NoError(l.t, json.Unmarshal(data, &f), "%s", data)
	f.text = string(data)
	return f, nil
}

// until takes frames up to the first of this event whose text has all of these
// parts in it.
func (l *listener) until(event string, parts ...string) frame {
	l.t.Helper()
	for {
		heard, err := l.next()
		require.NoError(l.t, err, "waiting for %s %v", event, parts)
		fits := heard.Event == event
		for _, part := range parts {
			fits = fits && strings.Contains(heard.text, part)
		}
		if fits {
			return heard
		}
	}
}

func TestAStreamTellsAnAccountsWayFromItsCodeToItsMessages(t *testing.T) {
	world := simulatortest.Start(t)
	own, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	other, err := world.AddPhone(friend, "Ann")
	require.NoError(t, err)
	server, stop := bootStreams(t, append(world.Env(), "SQLITE_DB_PATH="+filepath.Join(t.TempDir(), "whatsapp.db"))...)
	base := "http://" + server.Address()
	bare := listen(t, "ws://"+server.StreamAddress())
	bare.until("caught-up")

	call(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+account+`"}`)
	code := bare.until("qr")
	require.Equal(t, account, code.Data["clientId"])
	require.Empty(t, code.ID)
	late := listen(t, "ws://"+server.Address()+"/ws?accountNumber="+account)
	late.until("connection-state", `"state":"pairing"`)
	require.Equal(t, code.Data["qr"], late.until("qr").Data["qr"], "who comes late sees the same code")

	require.NoError(t, own.Scan(t.Context(), code.Data["qr"].(string)))
	for _, listening := range []*listener{bare, late} {
		ready := listening.until("ready")
		require.Equal(t, account, ready.Data["clientId"])
		require.Equal(t, account, ready.Data["info"].(map[string]any)["number"])
		require.NotEmpty(t, ready.ID)
		require.Equal(t, account, listening.until("sync-complete").Data["clientId"])
	}

	sent := call(t, http.MethodPost, base+"/api/messages/send",
		`{"accountNumber":"`+account+`","chatId":"`+friend+`","message":{"text":"hello"}}`)
	status := bare.until("message-status", `"status":"sent"`)
	require.Equal(t, sent["id"], status.Data["id"])
	bare.until("message-status", `"status":"delivered"`)

	id, err := other.SendText(t.Context(), account, "hi there")
	require.NoError(t, err)
	heard := bare.until("message", "hi there")
	require.NotEmpty(t, heard.ID)
	require.WithinDuration(t, time.Now(), heard.Time, time.Minute)
	require.Equal(t, account, heard.Data["clientId"])
	message := heard.Data["message"].(map[string]any)
	timestamp := message["timestamp"].(float64)
	require.InDelta(t, time.Now().Unix(), timestamp, 60)
	delete(message, "timestamp")
	require.Equal(t, map[string]any{
		"id": id, "from": friend + "@c.us", "chatId": friend + "@c.us", "body": "hi there", "type": "text", "fromMe": false,
		"sender": map[string]any{"number": friend, "lid": other.LID().String(), "name": "Ann"},
	}, message)
	require.Equal(t, heard.text, late.until("message", "hi there").text)

	newcomer := listen(t, "ws://"+server.StreamAddress()+"/ws?events=ready,qr")
	require.Empty(t, newcomer.until("ready", account).ID, "the present state is in no log")
	stop()
	for _, listening := range []*listener{bare, late, newcomer} {
		require.Equal(t, websocket.StatusGoingAway, listening.end())
	}
}

// end reads to the end and returns the code of the close.
func (l *listener) end() websocket.StatusCode {
	for {
		if _, err := l.next(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func TestAClientThatComesBackMissesNothingAcrossARestart(t *testing.T) {
	const messages = 100
	world := simulatortest.Start(t)
	own, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	other, err := world.AddPhone(friend, "Ann")
	require.NoError(t, err)
	environment := append(world.Env(), "SQLITE_DB_PATH="+filepath.Join(t.TempDir(), "whatsapp.db"))
	server, stop := bootStreams(t, environment...)
	link(t, "http://"+server.Address(), own)
	latest := listen(t, "ws://"+server.StreamAddress()+"?accountNumber="+account)
	cursor := latest.until("subscribed").Data["from"].(string)

	written := make(chan error, 1)
	go func() {
		for n := range messages {
			if _, err := other.SendText(t.Context(), account, "number "+strconv.Itoa(n)); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	var heard []string
	for round := 0; len(heard) < messages; round++ {
		if round == 3 {
			stop()
			server, stop = bootStreams(t, environment...)
		}
		listening := listen(t, "ws://"+server.StreamAddress()+"?accountNumber="+account+"&since="+cursor)
		for taken := 0; taken < 15 && len(heard) < messages; taken++ {
			frame := listening.durable()
			require.Equal(t, following(t, cursor), frame.ID)
			cursor = frame.ID
			if frame.Event == "message" {
				heard = append(heard, frame.Data["message"].(map[string]any)["body"].(string))
			}
		}
		listening.leave()
	}
	stop()
	require.NoError(t, <-written)
	for n, body := range heard {
		require.Equal(t, "number "+strconv.Itoa(n), body)
	}
}

// durable takes frames up to the first that is in the log.
func (l *listener) durable() frame {
	l.t.Helper()
	for {
		heard, err := l.next()
		require.NoError(l.t, err)
		if heard.ID != "" {
			return heard
		}
	}
}

// following is the cursor after this one.
func following(t *testing.T, cursor string) string {
	t.Helper()
	log, seq, _ := strings.Cut(cursor, "-")
	n, err := strconv.Atoi(seq)
	require.NoError(t, err)
	return log + "-" + strconv.Itoa(n+1)
}

func TestStreamsAskForTheKeyAndMayHaveNoPortOfTheirOwn(t *testing.T) {
	server, stop := bootStreams(t, "STORAGE_TYPE=memory", "WA_ENDPOINT=ws://127.0.0.1:1/ws/chat", "WA_NOISE_ROOT_KEY="+noiseRoot(),
		"API_KEY=k3y", "WEBSOCKET_ENABLED=false")
	defer stop()
	require.Empty(t, server.StreamAddress())
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}}
	_, answer, err := websocket.Dial(t.Context(), "ws://"+server.Address()+"/ws", options)
	require.Error(t, err)
	require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	options.Subprotocols = []string{"bearer", "k3y"}
	connection, _, err := websocket.Dial(t.Context(), "ws://"+server.Address()+"/ws", options)
	require.NoError(t, err)
	require.NoError(t, connection.CloseNow())
}
