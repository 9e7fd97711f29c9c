package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
)

// hookServer is a receiver of webhooks, which verifies what it gets.
type hookServer struct {
	address string
	server  *http.Server

	mu     sync.Mutex
	secret string
	ids    []string
	wrong  error
}

// reserve finds an address where nobody answers yet.
func reserve(t *testing.T) *hookServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return &hookServer{address: listener.Addr().String()}
}

// open begins to answer.
func (h *hookServer) open(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", h.address)
	require.NoError(t, err)
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = h.server.Serve(listener)
	}()
	t.Cleanup(func() { _ = h.server.Close(); <-served })
}

func (h *hookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	verifier, bad := standardwebhooks.NewWebhook(h.secret)
	for _, check := range []func() error{
		func() error { return err }, func() error { return bad }, func() error { return verifier.Verify(body, r.Header) },
		func() error {
			var f frame
			if err := json.Unmarshal(body, &f); err != nil || f.ID != r.Header.Get("Webhook-Id") {
				return fmt.Errorf("%q is not the body of %s: %w", body, r.Header.Get("Webhook-Id"), err)
			}
			return nil
		},
	} {
		if err := check(); err != nil {
			h.wrong = err
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
	}
	h.ids = append(h.ids, r.Header.Get("Webhook-Id"))
}

func (h *hookServer) got() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ids)
}

// messages is the ids of an account's messages in its log.
func (s *side) messages(t *testing.T, base string) (ids []string) {
	t.Helper()
	after := ""
	for {
		page := call(t, http.MethodGet, base+"/api/events/"+s.account+"?kinds=message&limit=500&after="+url.QueryEscape(after), "")
		for _, event := range page["events"].([]any) {
			ids = append(ids, event.(map[string]any)["id"].(string))
		}
		after = page["cursor"].(string)
		if more := page["hasMore"].(bool); !more {
			return ids
		}
	}
}

// firsts are ids in the order in which each came first.
func firsts(ids []string) (once []string) {
	seen := map[string]bool{}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			once = append(once, id)
		}
	}
	return once
}

// A receiver is down for 100 events, and the server is killed in between and again while
// it delivers them.
func TestAWebhookMissesNothingWhateverIsKilled(t *testing.T) {
	for _, engine := range []string{"sqlite", "file", "redis", "postgres", "mongodb"}[:rounds(2, 5)] {
		t.Run(engine, func(t *testing.T) {
			c := newCampaign(t, engine)
			s := c.join(t, 0)
			to := reserve(t)
			base, err := c.entrance.find(t.Context())
			require.NoError(t, err)
			hook := call(t, http.MethodPost, base+"/api/webhooks", `{"url":"http://`+to.address+`","events":["message"]}`)
			to.secret = hook["secret"].(string)

			for n := range 100 {
				if n == 50 {
					c.restart(t)
				}
				c.receive(t, s, n)
			}
			to.open(t)
			require.Eventually(t, func() bool { return len(to.got()) >= 20 }, patience, time.Millisecond)
			c.restart(t)
			base, err = c.entrance.find(t.Context())
			require.NoError(t, err)
			want := s.messages(t, base)
			require.Len(t, want, 100)
			require.Eventually(t, func() bool { return len(firsts(to.got())) >= len(want) }, patience, 5*time.Millisecond)
			require.NoError(t, to.wrong)
			require.Equal(t, want, firsts(to.got()), "each at least once, under its id, in order")
			t.Logf("%d events came in %d requests", len(want), len(to.got()))
			c.entrance.close()
			c.process.terminate(t)
		})
	}
}

// restart kills the server and starts it again.
func (c *campaign) restart(t *testing.T) {
	t.Helper()
	c.process.kill(t)
	c.entrance.close()
	c.launch(t)
}

func TestWebhooksAreManagedOverREST(t *testing.T) {
	base, stop := boot(t, filepath.Join(t.TempDir(), "whatsapp.db"))
	defer stop()
	receiver := newPostbox(t)
	hooks := base + "/api/webhooks"
	made := call(t, http.MethodPost, hooks, `{"url":"`+receiver.URL+`/all?token=hush","events":["logged-out"],"headers":{"Authorization":"Bearer hush"}}`)
	one := hooks + "/" + made["id"].(string)
	require.Contains(t, made["secret"], "whsec_")
	require.Equal(t, []any{"Authorization"}, made["headers"])
	require.Equal(t, "active", made["state"])
	for _, shown := range []map[string]any{
		call(t, http.MethodGet, one, ""), call(t, http.MethodGet, hooks, "")["webhooks"].([]any)[0].(map[string]any),
		call(t, http.MethodPut, one, `{"url":"`+receiver.URL+`","events":["call"],"order":"relaxed","concurrency":1}`),
		call(t, http.MethodPost, one+"/pause", ""),
	} {
		require.NotContains(t, shown, "secret")
		require.Equal(t, []any{"Authorization"}, shown["headers"], "their values are not told")
	}
	paused := call(t, http.MethodGet, one, "")
	require.Equal(t, []any{"paused", "asked", "relaxed"}, []any{paused["state"], paused["reason"], paused["order"]})
	tested := call(t, http.MethodPost, one+"/test", "")
	require.EqualValues(t, 200, tested["status"])
	require.Contains(t, receiver.all(), `"event":"webhook-test"`)
	require.Equal(t, "active", call(t, http.MethodPost, one+"/resume", "")["state"])
	rotated := call(t, http.MethodPost, one+"/rotate-secret", "")
	require.NotEqual(t, made["secret"], rotated["secret"])
	require.NotEmpty(t, rotated["oldSecretUntil"])
	require.Empty(t, call(t, http.MethodGet, one+"/deliveries", "")["deliveries"])
	require.Empty(t, call(t, http.MethodGet, one+"/dead-letters", "")["deadLetters"])
	require.EqualValues(t, 0, call(t, http.MethodPost, one+"/redrive", `{}`)["redriven"])

	for body, code := range map[string]string{
		`{"url":"http://169.254.169.254/latest"}`:                       "url_not_allowed",
		`{"url":"https://10.0.0.1:x/"}`:                                 "url_not_allowed",
		`{"url":"https://1.1.1.1/","events":["nothing"]}`:               "invalid_request",
		`{"url":"https://1.1.1.1/","accountNumber":"31600000009"}`:      "account_not_found",
		`{"url":"https://1.1.1.1/","accounts":["31*","x"]}`:             "invalid_request",
		`{"url":"https://1.1.1.1/","headers":{"Webhook-Signature":""}}`: "invalid_request",
		`{}`: "invalid_request",
	} {
		refusal, ok := try(t, http.MethodPost, hooks, body)
		require.False(t, ok, body)
		require.Equal(t, code, refusal["code"], body)
		require.NotEmpty(t, refusal["details"].(map[string]any)["field"], body)
	}
	require.EqualValues(t, 0, paused["missed"])
	for _, body := range []string{`{"after":"01ABC-1"}`, `{"delivered":true}`} {
		refusal, ok := try(t, http.MethodPost, one+"/redrive", body)
		require.False(t, ok)
		require.Equal(t, "invalid_request", refusal["code"])
		require.Equal(t, "accountNumber", refusal["details"].(map[string]any)["field"])
	}
	call(t, http.MethodDelete, one, "")
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		refusal, ok := try(t, method, one, "")
		require.False(t, ok)
		require.Equal(t, "not_found", refusal["code"])
	}
}

func TestAWebhookIsASettingOfItsAccount(t *testing.T) {
	base, stop := boot(t, filepath.Join(t.TempDir(), "whatsapp.db"))
	defer stop()
	receiver := newPostbox(t)
	const account = "31600000001"
	refusal, ok := try(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+account+`","webhook":"http://169.254.169.254/"}`)
	require.False(t, ok)
	require.Equal(t, "url_not_allowed", refusal["code"])
	require.Equal(t, "webhook", refusal["details"].(map[string]any)["field"])
	_, ok = try(t, http.MethodGet, base+"/api/clients/"+account+"/status", "")
	require.False(t, ok, "nothing half done")

	made := call(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+account+`","webhook":"`+receiver.URL+`?token=hush"}`)
	require.Contains(t, made["webhookSecret"], "whsec_")
	receiver.await(t, `"event":"connection-state"`, 1) // also what came first
	for again := map[string]any{"redriven": 0.}; again["redriven"] == 0.; {
		again = call(t, http.MethodPost, base+"/api/webhooks/"+account+"/redrive", `{"delivered":true,"accountNumber":"`+account+`","from":"2026-01-01T00:00:00Z"}`)
		require.Contains(t, again["cursor"], "-")
	}
	receiver.await(t, `-1"`, 2) // the first of the log
	settings := base + "/api/clients/" + account + "/settings"
	shown := call(t, http.MethodGet, settings, "")
	require.Equal(t, receiver.URL+"?***", shown["webhook"])
	require.NotContains(t, shown, "webhookSecret")
	again := call(t, http.MethodPut, settings, `{"webhook":"`+receiver.URL+`?***","autoRead":true}`)
	require.Equal(t, receiver.URL+"?***", again["webhook"])
	hook := call(t, http.MethodGet, base+"/api/webhooks/"+account, "")
	require.Equal(t, receiver.URL+"?token=hush", hook["url"], "given back as it was shown it stays as it is")
	require.Equal(t, true, hook["setting"])
	gone := call(t, http.MethodPut, settings, `{"webhook":""}`)
	require.Nil(t, gone["webhook"])
	_, ok = try(t, http.MethodGet, base+"/api/webhooks/"+account, "")
	require.False(t, ok)
	call(t, http.MethodPut, settings, `{"webhook":"`+receiver.URL+`"}`)
	call(t, http.MethodDelete, base+"/api/clients/"+account, "")
	_, ok = try(t, http.MethodGet, base+"/api/webhooks/"+account, "")
	require.False(t, ok, "it ends with the account")
}
