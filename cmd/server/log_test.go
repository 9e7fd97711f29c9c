package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"whatsapp-web-server/loadtest/contract"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// What must be in no log: secrets of the operator, and what people write and are called.
const (
	operatorsKey  = "k3y-that-opens-all-doors"
	proxyPassword = "pr0xy-passw0rd"
	urlToken      = "t0ken-of-a-link"
	spokenOut     = "confidential-greeting"
	spokenIn      = "confidential-answer"
	spokenOnce    = "confidential-memory"
	groupSubject  = "Confidential Club"
	friendsName   = "Confidential Ann"
)

// witness talks to a server of which every line that it writes is kept.
type witness struct {
	t       *testing.T
	base    string
	secrets []string
}

// ask makes a request with a key and returns the data of the reply, or nothing.
func (w *witness) ask(key, method, path, body string) map[string]any {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.base+"/api"+path, strings.NewReader(body))
	require.NoError(w.t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	answer, err := contract.Client(w.t).Do(request)
	require.NoError(w.t, err)
	defer answer.Body.Close()
	body2, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	var envelope struct{ Data map[string]any }
	_ = json.Unmarshal(body2, &envelope)
	return envelope.Data
}

func (w *witness) send(to, message string) map[string]any {
	w.t.Helper()
	return w.ask(operatorsKey, http.MethodPost, "/messages/send?wait=5", `{"accountNumber":"`+account+`","chatId":"`+to+`","message":`+message+`}`)
}

func (w *witness) eventually(condition func() bool) {
	w.t.Helper()
	require.Eventually(w.t, condition, patience, 20*time.Millisecond)
}

// has waits until the account has a message with such words.
func (w *witness) has(text string) {
	w.t.Helper()
	w.eventually(func() bool {
		w.isReady()
		page := w.ask(operatorsKey, http.MethodGet, "/messages/"+account+"/"+friend+"?limit=50", "")
		return strings.Contains(fmt.Sprint(page), text)
	})
}

// show has the account show a code, and keeps in mind that it is secret.
func (w *witness) show(number, path, field, method string) (code string) {
	w.t.Helper()
	w.eventually(func() bool {
		data := w.ask(operatorsKey, method, "/clients/"+number+path, "")
		code, _ = data[field].(string)
		return code != ""
	})
	for part := range strings.SplitSeq(code, ",") {
		if len(part) > 2 { // a QR code ends with how the client is called
			w.secrets = append(w.secrets, part)
		}
	}
	return code
}

func TestTheLogTellsWhatHappensAndNoNumberWordOrSecret(t *testing.T) {
	world := simulatortest.Start(t)
	own, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	other, err := world.AddPhone(friend, friendsName)
	require.NoError(t, err)
	require.NoError(t, own.AddHistory(t.Context(), simulator.HistoryChat{Chat: friend, Messages: []simulator.HistoryMessage{{Text: spokenOnce}}}))
	group, err := own.CreateGroup(t.Context(), simulator.GroupOptions{Subject: groupSubject, Members: []string{friend}})
	require.NoError(t, err)

	serving := make(chan string, 1)
	server := launch(t, t.TempDir(), append(world.Env(), "PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=127.0.0.1:0", "LOG_LEVEL=debug",
		"API_KEY="+operatorsKey, "ENCRYPTION_KEY="+oneKey, "SQLITE_DB_PATH=whatsapp.db"), func(base string) { serving <- base })
	t.Cleanup(server.abandon)
	w := &witness{t: t, secrets: []string{
		account, friend, own.LID().User, other.LID().User, group.User, operatorsKey, oneKey, proxyPassword, urlToken,
		spokenOut, spokenIn, spokenOnce, groupSubject, friendsName,
	}}
	select {
	case w.base = <-serving:
	case err := <-server.exited:
		require.Fail(t, "the server did not start", "%v\n%s", err, &server.output)
	}

	w.pair(own)
	w.post()
	w.converse(other, group.String())
	w.beRefused()
	w.suffer(world, other)
	server.terminate(t)
	w.secrets = append(w.secrets, keysIn(server.output.Bytes())...)
	w.requireDiscretion(server.output.Bytes())
}

// pair links the account, and has another show a code for its phone that nobody enters.
func (w *witness) pair(own *simulator.Phone) {
	const stranger = "31600000077"
	w.ask(operatorsKey, http.MethodPost, "/clients/initialize", `{"accountNumber":"`+stranger+`","proxy":"http://me:`+proxyPassword+`@127.0.0.1:1"}`)
	w.ask(operatorsKey, http.MethodPost, "/clients/initialize", `{"accountNumber":"`+account+`"}`)
	w.show(account, "/pairing-code", "code", http.MethodPost)
	require.NoError(w.t, own.Scan(w.t.Context(), w.show(account, "/qr", "qr", http.MethodGet)))
	w.becomesReady()
	w.secrets = append(w.secrets, stranger)
}

// post has events go to where nobody answers, and asks for a key.
func (w *witness) post() {
	hook := w.ask(operatorsKey, http.MethodPost, "/webhooks", `{"url":"http://127.0.0.1:1/hook?token=`+urlToken+`","headers":{"X-Token":"`+urlToken+`"}}`)
	require.NotEmpty(w.t, hook["secret"], hook)
	w.secrets = append(w.secrets, hook["secret"].(string))
	if key, made := w.ask(operatorsKey, http.MethodPost, "/keys", `{"name":"guest","rights":["read"]}`)["key"].(string); made {
		w.secrets = append(w.secrets, key)
		w.ask(key, http.MethodGet, "/clients/"+account+"/status", "")
	}
}

// converse has everything sent and received that is a message.
func (w *witness) converse(other *simulator.Phone, group string) {
	w.has(spokenOnce)
	picture := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("a picture"), 50))
	sent := w.send(friend, `{"text":"`+spokenOut+`"}`)
	require.Equal(w.t, "sent", sent["status"])
	for _, message := range []string{
		`{"document":{"base64":"` + picture + `","fileName":"` + spokenOut + `.pdf"}}`, `{"poll":{"question":"` + spokenOut + `","options":["a","b"]}}`,
		`{"reaction":{"id":"` + sent["id"].(string) + `","emoji":"👍"}}`, `{"edit":{"id":"` + sent["id"].(string) + `","text":"` + spokenOut + ` again"}}`,
	} {
		require.Equal(w.t, "sent", w.send(friend, message)["status"], message)
	}
	require.Equal(w.t, "sent", w.send(group, `{"text":"`+spokenOut+` all"}`)["status"])
	for _, to := range []string{account, group} {
		_, err := other.SendText(w.t.Context(), to, spokenIn)
		require.NoError(w.t, err)
	}
	w.has(spokenIn)
}

// beRefused asks what is not answered.
func (w *witness) beRefused() {
	w.ask("another-"+operatorsKey, http.MethodGet, "/clients/status", "")
	w.ask(operatorsKey, http.MethodPost, "/messages/send", `{"accountNumber":"`+account+`","chatId":"`+friend+`","message":{"txt":"`+spokenOut+`"}}`)
	w.ask(operatorsKey, http.MethodGet, "/messages/"+account+"/search?q="+spokenOut, "")
	w.send(friend, `{"image":{"url":"http://127.0.0.1:1/picture?token=`+urlToken+`"}}`)
	w.send("31699999999", `{"text":"`+spokenOut+`"}`)
	w.secrets = append(w.secrets, "31699999999")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{"bearer", operatorsKey}}
	connection, _, err := websocket.Dial(w.t.Context(), strings.Replace(w.base, "http", "ws", 1)+"/ws?accountNumber="+account, options)
	require.NoError(w.t, err)
	require.NoError(w.t, connection.Write(w.t.Context(), websocket.MessageText, []byte(`{"action":"`+spokenOut+`"}`)))
	require.NoError(w.t, connection.Close(websocket.StatusNormalClosure, spokenOut))
}

// suffer has the account go through what the network may do to it, apart from what takes
// time, ends the process or the pairing.
func (w *witness) suffer(world *simulator.Simulator, other *simulator.Phone) {
	ops := []string{"connection", "upgrade", "login", "iq", "ack", "message", "receipt", "upload", "download"}
	slow := []string{"delay", "slow", "half_open", "drop"}
	forGood := []int{401, 402, 403, 405, 409, 413}
	for i, kind := range simulator.FaultCatalog() {
		code := 0
		if len(kind.Codes) > 0 {
			code = kind.Codes[0]
		} else if kind.OtherCodes {
			code = 500
		}
		if kind.Fatal || !slices.Contains(ops, kind.Op) || slices.Contains(slow, kind.Action) || slices.Contains(forGood, code) {
			continue
		}
		_, err := world.AddFault(simulator.Fault{Op: kind.Op, Action: kind.Action, Code: code, Number: account, Times: 1})
		if errors.Is(err, simulator.ErrBadFault) {
			_, err = world.AddFault(simulator.Fault{Op: kind.Op, Action: kind.Action, Code: code, Times: 1}) // it is not known yet who it is
		}
		require.NoError(w.t, err)
		if kind.Op == "upgrade" || kind.Op == "login" {
			w.ask(operatorsKey, http.MethodPost, "/clients/"+account+"/restart", "")
		}
		w.ask(operatorsKey, http.MethodPost, "/messages/send?wait=0",
			fmt.Sprintf(`{"accountNumber":%q,"chatId":%q,"message":{"text":"%s %d"}}`, account, friend, spokenOut, i))
		_, err = other.SendText(w.t.Context(), account, fmt.Sprint(spokenIn, i))
		require.NoError(w.t, err)
		w.becomesReady()
	}
	world.ClearFaults()
	w.becomesReady()
	_, err := other.SendText(w.t.Context(), account, spokenIn+" at last")
	require.NoError(w.t, err)
	w.has(spokenIn + " at last")
}

func (w *witness) becomesReady() {
	w.t.Helper()
	w.eventually(w.isReady)
}

// isReady does not wait for the account to connect again by itself.
func (w *witness) isReady() bool {
	state := w.ask(operatorsKey, http.MethodGet, "/clients/"+account+"/status", "")["state"]
	if state == "backoff" {
		w.ask(operatorsKey, http.MethodPost, "/clients/"+account+"/restart", "")
	}
	return state == "ready"
}

// keysIn are the values in a log that have room for a key.
func keysIn(output []byte) []string {
	var found []string
	for _, line := range lines(output) {
		for name, text := range line.texts {
			if name != "stack" && name != "caller" {
				found = append(found, keyLike.FindAllString(text, -1)...)
			}
		}
	}
	return slices.DeleteFunc(found, func(text string) bool { return !isRandom(text) })
}

// line is one of a log: its texts by field, none where it is not the log's own, and all
// of it.
type line struct {
	texts map[string]string
	whole string
}

func lines(output []byte) (read []line) {
	for text := range strings.Lines(string(output)) {
		fields := map[string]any{}
		next := line{texts: map[string]string{}, whole: text}
		_ = json.Unmarshal([]byte(text), &fields) // the race detector writes too, of versions and addresses
		for name, value := range fields {
			if text, is := value.(string); is {
				next.texts[name] = text
			}
		}
		read = append(read, next)
	}
	return read
}

func (w *witness) requireDiscretion(output []byte) {
	all := string(output)
	for _, told := range []string{
		`"operation":"sendMessage"`, `"account":"31…001"`, `"logger":"`, "Decrypting message from", "connecting failed",
	} {
		require.Contains(w.t, all, told, "else nothing is proven")
	}
	for _, line := range lines(output) {
		for _, secret := range w.secrets {
			require.NotContains(w.t, line.whole, secret)
		}
		for name, text := range line.texts {
			if name != "requestId" {
				require.Empty(w.t, numberLike.FindAllString(text, -1), line.whole)
			}
		}
	}
}

func TestWhateverIsLoggedIsMasked(t *testing.T) {
	core, logs := observer.New(zapcore.DebugLevel)
	log := zap.New(discreet{core}).With(zap.String("to", "31600000001@s.whatsapp.net"))
	cause := fmt.Errorf("append to account/31600000001: %w", errors.New("31600000001.0:5, 120363041234567890@g.us and 10012345678_1:7@lid"))
	log.Info("sending to 31600000001 failed", zap.Error(cause), zap.Any("jid", []string{"31600000001"}), zap.ByteString("b", []byte("31600000001")),
		zap.Binary("raw", make([]byte, 7)), zap.Int64("ms", 1764321012345), zap.String("requestId", "31600000001"),
		zap.String("url", "postgres://me:secret@host:5432/db?sslmode=x"), zap.String("media", "https://mmg.example/a/b.enc?ccb=11&oh=secret"),
		zap.String("key", "dGhpcyBpcyBhIGtleSBvZiAzMiBieXRlcy4uLi4uLi4="), zap.String("hex", strings.Repeat("0a1b", 16)),
		zap.String("id", "3EB0C7675F85123456789A"), zap.String("path", "whatsapp-web-server/persist/devicestore/ratchet/file.go"))
	entry := logs.All()[0]
	require.Equal(t, "sending to 31…001 failed", entry.Message)
	require.Equal(t, map[string]any{
		"to": "31…001@s.whatsapp.net", "error": "append to account/31…001: 31…001.0:5, 12…890@g.us and 10…678_1:7@lid",
		"jid": "[31…001]", "b": "31…001", "raw": int64(7), "ms": int64(1764321012345), "requestId": "31600000001",
		"url": "postgres://…@host:5432/db?…", "media": "https://mmg.example/a/b.enc?…", "key": "…", "hex": "…",
		"id": "3EB0C7675F85123456789A", "path": "whatsapp-web-server/persist/devicestore/ratchet/file.go",
	}, entry.ContextMap())
}
