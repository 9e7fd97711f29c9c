package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// postbox is a receiver of webhooks that takes everything.
type postbox struct {
	*httptest.Server

	mu     sync.Mutex
	posted []string
}

func newPostbox(t *testing.T) *postbox {
	t.Helper()
	p := &postbox{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.posted = append(p.posted, string(body))
	}))
	t.Cleanup(p.Close)
	return p
}

// all is everything that has come, post after post.
func (p *postbox) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.posted, "\n")
}

// await returns all once a text has come, so many times.
func (p *postbox) await(t *testing.T, text string, times int) string {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Count(p.all(), text) >= times }, patience, 5*time.Millisecond, "%s", text)
	return p.all()
}
