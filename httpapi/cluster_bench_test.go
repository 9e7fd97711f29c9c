package httpapi

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
)

// BenchmarkForwarding tells what the way over another node adds to a request, at the
// median. Requests of both kinds are made in turn, so that both have the same machine.
func BenchmarkForwarding(b *testing.B) {
	all, accepted := newRegister(), actors.Sent{MessageID: "A", Status: "sent", Timestamp: noon}
	here, server := found(b, all, "a", Config{}, &office{status: ready(), sent: accepted}, zap.NewNop())
	there, _ := found(b, all, "b", Config{}, &office{status: ready(), sent: accepted}, zap.NewNop())
	all.own(account, here.node.Session)
	all.own(remote, there.node.Session)
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	require.NoError(b, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	client := &http.Client{Transport: &http.Transport{}}
	b.Cleanup(func() {
		client.CloseIdleConnections()
		require.NoError(b, server.Shutdown(context.Background()))
		require.NoError(b, <-served)
	})
	base := "http://" + listener.Addr().String()
	ask := func(method, path, body string) time.Duration {
		begun := time.Now()
		request, err := http.NewRequestWithContext(b.Context(), method, base+path, strings.NewReader(body))
		require.NoError(b, err)
		answer, err := client.Do(request)
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, answer.Body)
		require.NoError(b, err)
		require.NoError(b, answer.Body.Close())
		require.Less(b, answer.StatusCode, http.StatusMultipleChoices)
		return time.Since(begun)
	}
	for name, once := range map[string]func(account string) time.Duration{
		"status": func(account string) time.Duration {
			return ask(http.MethodGet, "/api/clients/"+account+"/status", "")
		},
		"send": func(account string) time.Duration {
			return ask(http.MethodPost, "/api/messages/send?wait=0", textTo(account))
		},
	} {
		b.Run(name, func(b *testing.B) {
			var near, far []time.Duration
			for b.Loop() {
				near, far = append(near, once(account)), append(far, once(remote))
			}
			slices.Sort(near)
			slices.Sort(far)
			p50, through := near[len(near)/2], far[len(far)/2]
			b.ReportMetric(float64(p50.Microseconds()), "here-µs")
			b.ReportMetric(float64(through.Microseconds()), "forwarded-µs")
			b.ReportMetric(float64((through - p50).Microseconds()), "added-µs")
		})
	}
}
