package bench

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/loadtest/child"
	"whatsapp-web-server/loadtest/servertest"
	"whatsapp-web-server/loadtest/simulator"
)

// server is the server, asked over REST.
type server struct {
	*servertest.Server

	routes []route
	sends  int // by each account, for idempotency keys
}

func startServer(b *testing.B, sim *simulator.Simulator, environment ...string) *server {
	b.Helper()
	return &server{Server: servertest.Start(b, sim, environment...)}
}

func (s *server) measured() *child.Process { return s.Process }

func (s *server) link(b *testing.B, routes []route) {
	b.Helper()
	s.routes = append(s.routes, routes...)
	var numbers []string
	for _, r := range routes {
		numbers = append(numbers, r.From)
	}
	require.NoError(b, s.Link(b.Context(), numbers...), "%s", s.Output)
}

func (s *server) send(b *testing.B, count int) {
	b.Helper()
	first := s.sends
	s.sends += count
	work, ctx := errgroup.WithContext(b.Context())
	for _, r := range s.routes {
		work.Go(func() error {
			for n := range count {
				if err := s.sendOne(ctx, r, first+n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(b, work.Wait(), "%s", s.Output)
}

func (s *server) sendOne(ctx context.Context, r route, n int) error {
	sent, err := s.Send(ctx, r.From, r.To, text, fmt.Sprintf("%s-%d", r.From, n))
	if err == nil && sent.Status != "sent" {
		return fmt.Errorf("message %d of %s is %s", n, r.From, sent.Status)
	}
	return err
}
