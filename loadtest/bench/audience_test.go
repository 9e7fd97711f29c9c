package bench

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// audience is a crowd of WebSocket clients that all hear the same. One event is on its
// way at a time.
type audience struct {
	size  int64
	heard atomic.Int64
	all   chan struct{} // each time all of them have heard a message
}

// seat opens the audience's sockets at a URL, and returns when each has been told
// that it is in its place by a frame that begins with seated.
func seat(b *testing.B, url, seated string, size int) *audience {
	b.Helper()
	a := &audience{size: int64(size), all: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(b.Context())
	transport := &http.Transport{}
	listening, _ := errgroup.WithContext(ctx)
	opening, opened := errgroup.WithContext(ctx)
	opening.SetLimit(32)
	for range size {
		opening.Go(func() error {
			options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}}
			socket, _, err := websocket.Dial(opened, "ws"+strings.TrimPrefix(url, "http"), options)
			if err != nil {
				return err
			}
			if err := await(opened, socket, seated); err != nil {
				return err
			}
			listening.Go(func() error { return a.listen(ctx, socket) })
			return nil
		})
	}
	require.NoError(b, opening.Wait())
	b.Cleanup(func() {
		cancel()
		_ = listening.Wait() // reading ends with ctx
		transport.CloseIdleConnections()
	})
	return a
}

func await(ctx context.Context, socket *websocket.Conn, prefix string) error {
	for {
		_, frame, err := socket.Read(ctx)
		if err != nil || bytes.HasPrefix(frame, []byte(prefix)) {
			return err
		}
	}
}

func (a *audience) listen(ctx context.Context, socket *websocket.Conn) error {
	defer func() { _ = socket.CloseNow() }()
	for {
		if err := await(ctx, socket, `{"event":"message"`); err != nil {
			return err
		}
		if a.heard.Add(1)%a.size == 0 {
			a.all <- struct{}{}
		}
	}
}

func (a *audience) wait(b *testing.B) {
	b.Helper()
	select {
	case <-a.all:
	case <-b.Context().Done():
		require.NoError(b, b.Context().Err())
	}
}
