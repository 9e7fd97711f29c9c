package main

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"

	"github.com/stretchr/testify/require"
)

// examplesHook is an endpoint that takes all that it gets.
type examplesHook struct {
	mu    sync.Mutex
	posts []examplePost
	// hook is the id of a webhook that is no example.
	hook string
}

type examplePost struct {
	header http.Header
	body   []byte
}

func (p *examplesHook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.posts = append(p.posts, examplePost{r.Header.Clone(), body})
	w.WriteHeader(http.StatusNoContent)
}

func (p *examplesHook) all() []examplePost {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.posts
}

// subscribe has the receiver get what happens until the examples make webhooks of their
// own.
func (s *stage) subscribe() {
	s.t.Helper()
	made := call(s.t, http.MethodPost, s.base+"/api/webhooks", `{"url":"`+s.names["https://example.com"]+`/all"}`)
	s.receiver.hook = made["id"].(string)
}

func (s *stage) unsubscribe() {
	s.t.Helper()
	if s.receiver.hook != "" {
		call(s.t, http.MethodDelete, s.base+"/api/webhooks/"+s.receiver.hook, "")
	}
}

// requirePostsAsDescribed holds what the receiver has got to the webhooks of the
// specification.
func (s *stage) requirePostsAsDescribed() {
	s.t.Helper()
	kinds := map[string]int{}
	for _, post := range s.receiver.all() {
		require.NoError(s.t, s.contract.CheckWebhook(post.header, post.body))
		var event struct{ Event string }
		require.NoError(s.t, json.Unmarshal(post.body, &event))
		kinds[event.Event]++
	}
	for _, kind := range []string{"connection-state", "ready", "message", "message-status", "group-updated", "chat-updated", "webhook-test"} {
		require.NotZero(s.t, kinds[kind], "%s of %v", kind, kinds)
	}
}
