package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/loadtest/simulator"
)

// serverBinary is where TestMain is to remove the server from, once it is built.
var serverBinary string

// linksAtOnce bounds how many accounts are being linked: each costs a second of
// processor time if whatsmeow's key generation has to share it.
const linksAtOnce = 16

// server is the server, asked over REST.
type server struct {
	*process

	sim    *simulator.Simulator
	base   string
	http   *http.Client
	routes []route
	sends  int // by each account, for idempotency keys
}

// buildServer builds the server once for all benchmarks.
func buildServer(b *testing.B) string {
	b.Helper()
	if serverBinary != "" {
		return serverBinary
	}
	file, err := os.CreateTemp("", "server-*") //nolint:usetesting // kept for the next benchmark
	require.NoError(b, err)
	require.NoError(b, file.Close())
	serverBinary = file.Name()
	output, err := exec.CommandContext(b.Context(), "go", "build", "-o", serverBinary, "whatsapp-web-server/cmd/server").CombinedOutput()
	require.NoError(b, err, "%s", output)
	return serverBinary
}

func startServer(b *testing.B, sim *simulator.Simulator, environment ...string) *server {
	b.Helper()
	command := exec.CommandContext(b.Context(), buildServer(b))
	command.Dir = b.TempDir()
	command.Env = append(os.Environ(), sim.Env()...)
	command.Env = append(command.Env, "STORAGE_TYPE=sqlite", "SQLITE_DB_PATH=whatsapp.db", "LOG_LEVEL=warn",
		"HOST=127.0.0.1", "PORT=0", "WEBSOCKET_PORT=0", "WA_CONNECTS_PER_SECOND=1000", "WA_CONNECT_BURST=10000")
	command.Env = append(command.Env, environment...)
	output, err := command.StdoutPipe()
	require.NoError(b, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 1000}
	b.Cleanup(transport.CloseIdleConnections)
	s := &server{process: start(b, command), sim: sim, http: &http.Client{Transport: transport, Timeout: patience}}
	s.base = s.address(b, output)
	return s
}

// address waits for the line that tells where REST is served.
func (s *server) address(b *testing.B, output io.Reader) string {
	b.Helper()
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		require.NoError(b, err, "%s", s.output)
		if url := regexp.MustCompile(`http://[^/\s]+`).FindString(line); url != "" {
			return url
		}
	}
}

func (s *server) measured() *process { return s.process }

func (s *server) link(b *testing.B, routes []route) {
	b.Helper()
	s.routes = append(s.routes, routes...)
	work, ctx := errgroup.WithContext(b.Context())
	work.SetLimit(linksAtOnce)
	for _, r := range routes {
		work.Go(func() error { return s.linkOne(ctx, b, r.From) })
	}
	require.NoError(b, work.Wait(), "%s", s.output)
}

func (s *server) linkOne(ctx context.Context, b *testing.B, number string) error {
	if err := s.call(ctx, http.MethodPost, "/api/clients/initialize", `{"accountNumber":"`+number+`"}`, nil); err != nil {
		return err
	}
	var code struct{ QR string }
	if err := until(ctx, func() error { return s.call(ctx, http.MethodGet, "/api/clients/"+number+"/qr", "", &code) }); err != nil {
		return err
	}
	if err := scan(b, s.sim, number, code.QR); err != nil {
		return err
	}
	return until(ctx, func() error {
		var status struct{ State string }
		err := s.call(ctx, http.MethodGet, "/api/clients/"+number+"/status", "", &status)
		if err == nil && status.State != "ready" {
			return fmt.Errorf("%s is %s", number, status.State)
		}
		return err
	})
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
	require.NoError(b, work.Wait(), "%s", s.output)
}

func (s *server) sendOne(ctx context.Context, r route, n int) error {
	body := fmt.Sprintf(`{"accountNumber":%q,"chatId":"%s@c.us","message":{"text":%q}}`, r.From, r.To, text)
	var sent struct{ Status string }
	err := s.call(ctx, http.MethodPost, "/api/messages/send", body, &sent, "Idempotency-Key", fmt.Sprintf("%s-%d", r.From, n))
	if err == nil && sent.Status != "sent" {
		return fmt.Errorf("message %d of %s is %s", n, r.From, sent.Status)
	}
	return err
}

// call makes a request that is to succeed; data gets what the envelope holds.
func (s *server) call(ctx context.Context, method, path, body string, data any, header ...string) error {
	request, err := http.NewRequestWithContext(ctx, method, s.base+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, content)
	}
	return json.Unmarshal(content, &struct{ Data any }{data})
}

// until tries again until there is no error, or patience ends.
func until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return err
		}
	}
}
