package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/loadtest/contract"
	"whatsapp-web-server/supervisor"
)

const account = "31612345678"

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// office answers for accounts with what a test put there, and keeps what it was
// asked.
type office struct {
	status    actors.Status
	page      ListPage
	stopped   actors.Stopped
	code      actors.PairingCode
	sent      actors.Sent
	performed any
	// What is stored.
	conversations supervisor.ConversationList
	conversation  supervisor.ConversationDetail
	messages      supervisor.MessageList
	contacts      supervisor.ContactList
	deliveries    []supervisor.Delivery

	err    error
	closed error // of everybody
	// hang answers only when the request's time is over.
	hang bool
	// panics makes every answer a panic.
	panics bool

	mu    sync.Mutex
	asked []any
}

func (o *office) answer(ctx context.Context, account string, question any) error {
	o.mu.Lock()
	o.asked = append(o.asked, account, question)
	o.mu.Unlock()
	if o.panics {
		panic("secret of the house")
	}
	if o.hang {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return o.err
}

func (o *office) Available() error { return o.closed }

func (o *office) Tenant(string) (string, bool) { return "", true }

func (o *office) Initialize(ctx context.Context, account string, request Initialize) (actors.Status, error) {
	return o.status, o.answer(ctx, account, request)
}

func (o *office) Status(ctx context.Context, account string) (actors.Status, error) {
	return o.status, o.answer(ctx, account, actors.GetStatus{})
}

func (o *office) List(ctx context.Context, query ListQuery) (ListPage, error) {
	query.Sees = nil // functions cannot be compared
	return o.page, o.answer(ctx, "", query)
}

func (o *office) PairingCode(ctx context.Context, account string) (actors.PairingCode, error) {
	return o.code, o.answer(ctx, account, actors.GetPairingCode{})
}

func (o *office) Restart(ctx context.Context, account string) (actors.Status, error) {
	return o.status, o.answer(ctx, account, actors.Restart{})
}

func (o *office) ChangeSettings(ctx context.Context, account string, change actors.ChangeSettings) (actors.Settings, error) {
	return actors.Settings{Metadata: map[string]string{}}, o.answer(ctx, account, change)
}

func (o *office) Stop(ctx context.Context, account string, command actors.Stop) (actors.Stopped, error) {
	return o.stopped, o.answer(ctx, account, command)
}

func (o *office) Remove(ctx context.Context, account string) (bool, error) {
	return o.stopped.Unlinked, o.answer(ctx, account, "remove")
}

func (o *office) Send(ctx context.Context, account string, command actors.Send) (actors.Sent, error) {
	return o.sent, o.answer(ctx, account, command)
}

func (o *office) Cancel(ctx context.Context, account, id string) (actors.Sent, error) {
	return o.sent, o.answer(ctx, account, actors.Cancel{MessageID: id})
}

func (o *office) CancelAll(ctx context.Context, account string, which actors.CancelAll) (actors.Cancelled, error) {
	return actors.Cancelled{Cancelled: 2, Kept: 1}, o.answer(ctx, account, which)
}

func (o *office) Outbox(ctx context.Context, account string, page supervisor.Page) ([]supervisor.Delivery, string, error) {
	return o.deliveries, "", o.answer(ctx, account, page)
}

func (o *office) Delivery(ctx context.Context, account, id string) (supervisor.Delivery, error) {
	return o.deliveries[0], o.answer(ctx, account, id)
}

func (o *office) Perform(ctx context.Context, account string, request actors.Request) (any, error) {
	return o.performed, o.answer(ctx, account, request)
}

func (o *office) questions() []any {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked
}

// edge is a server on a loopback port, and somebody who asks it.
type edge struct {
	t       *testing.T
	server  *Server
	address string
	logs    *observer.ObservedLogs
	client  *http.Client
}

func boot(t *testing.T, config Config, accounts Accounts) *edge {
	t.Helper()
	return bootWith(t, config, accounts, nil)
}

func bootWith(t *testing.T, config Config, accounts Accounts, events Events) *edge {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	return serveEdge(t, New(config, accounts, events, zap.New(core)), logs)
}

func serveEdge(t *testing.T, server *Server, logs *observer.ObservedLogs) *edge {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, server.Shutdown(ctx))
		require.NoError(t, <-served)
	})
	return &edge{t, server, listener.Addr().String(), logs, held(t, transport)}
}

// held is a client whose replies are held to the specification, apart from the events that
// a newsroom makes up.
func held(t *testing.T, transport http.RoundTripper) *http.Client {
	t.Helper()
	return &http.Client{Transport: &contract.Transport{Base: transport, TB: t, MadeUp: []string{"listEvents", "listAllEvents"}}}
}

// unheld is for tests whose accounts refuse with what they never would.
func (e *edge) unheld() *edge {
	own := *e
	own.client = &http.Client{Transport: e.client.Transport.(*contract.Transport).Base}
	return &own
}

// response is an answer, read to its end.
type response struct {
	*http.Response
	body []byte
}

// ask sends a request; headers are name and value in turn, and Host is one of
// them.
func (e *edge) ask(method, path, body string, headers ...string) response {
	e.t.Helper()
	request, err := http.NewRequestWithContext(e.t.Context(), method, "http://"+e.address+path, strings.NewReader(body))
	require.NoError(e.t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	answer, err := e.client.Do(request)
	require.NoError(e.t, err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require.NoError(e.t, err)
	return response{answer, content}
}

// raw sends bytes as they are and reads one answer.
func (e *edge) raw(text string) (status, body string) {
	e.t.Helper()
	connection, err := new(net.Dialer).DialContext(e.t.Context(), "tcp", e.address)
	require.NoError(e.t, err)
	defer connection.Close()
	require.NoError(e.t, connection.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(connection, text)
	require.NoError(e.t, err)
	answer, err := io.ReadAll(connection)
	require.NoError(e.t, err)
	head, body, _ := strings.Cut(string(answer), "\r\n\r\n")
	status, _, _ = strings.Cut(strings.TrimPrefix(head, "HTTP/1.1 "), " ")
	return status, body
}

// refused checks that an answer is a refusal with this code, in its status and
// envelope, and returns the error.
func (r response) refused(t *testing.T, code actors.Code) problem {
	t.Helper()
	var failed failure
	require.NoError(t, json.Unmarshal(r.body, &failed), "%s", r.body)
	require.Equal(t, code, failed.Problem.Code, "%s", r.body)
	require.Equal(t, rowOf(code).status, r.StatusCode)
	require.False(t, failed.Success)
	require.NotEmpty(t, failed.Problem.Message)
	require.Equal(t, r.Header.Get("X-Request-ID"), failed.Problem.RequestID)
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	return failed.Problem
}

// granted checks that an answer has this status and the envelope, and returns
// its data.
func (r response) granted(t *testing.T, status int) map[string]any {
	t.Helper()
	require.Equal(t, status, r.StatusCode, "%s", r.body)
	var reply success[map[string]any]
	require.NoError(t, json.Unmarshal(r.body, &reply))
	require.True(t, reply.Success)
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	require.Equal(t, "no-store", r.Header.Get("Cache-Control"))
	return reply.Data
}
