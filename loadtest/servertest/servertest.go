// Package servertest runs the server as a process of its own against a simulator,
// and drives it over REST as its users do.
package servertest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/loadtest/child"
	"whatsapp-web-server/loadtest/contract"
	"whatsapp-web-server/loadtest/simulator"
)

// patience bounds every call and every wait.
const patience = time.Minute

// linksAtOnce bounds how many accounts are being linked: each costs a second of
// processor time if whatsmeow's key generation has to share it.
const linksAtOnce = 16

// Server is a running server, asked over REST.
type Server struct {
	*child.Process

	sim  *simulator.Simulator
	base string
	http *http.Client
}

// Start builds the server, runs it on free ports against a simulator, and stops
// it with the test. Its storage is SQLite in a folder of the test. Environment
// variables, as KEY=value, change its configuration.
func Start(tb testing.TB, sim *simulator.Simulator, environment ...string) *Server {
	tb.Helper()
	command := exec.CommandContext(tb.Context(), build(tb))
	command.Dir = tb.TempDir()
	command.Env = append(os.Environ(), sim.Env()...)
	command.Env = append(command.Env, "STORAGE_TYPE=sqlite", "SQLITE_DB_PATH=whatsapp.db", "LOG_LEVEL=warn",
		"HOST=127.0.0.1", "PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=none", "WA_CONNECTS_PER_SECOND=1000", "WA_CONNECT_BURST=10000")
	command.Env = append(command.Env, environment...)
	output, err := command.StdoutPipe()
	require.NoError(tb, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 1000}
	tb.Cleanup(transport.CloseIdleConnections)
	s := &Server{Process: child.Start(tb, command), sim: sim, http: &http.Client{Transport: checked(tb, transport), Timeout: patience}}
	s.base = s.address(tb, output)
	return s
}

// checked holds replies to the contract, unless the time that they take is measured.
func checked(tb testing.TB, transport http.RoundTripper) http.RoundTripper {
	if _, measured := tb.(*testing.B); measured {
		return transport
	}
	return &contract.Transport{Base: transport, TB: tb}
}

// URL is where the server answers, to which paths such as /api are added.
func (s *Server) URL() string { return s.base }

func build(tb testing.TB) string {
	tb.Helper()
	binary := filepath.Join(tb.TempDir(), "server")
	output, err := exec.CommandContext(tb.Context(), "go", "build", "-o", binary, "whatsapp-web-server/cmd/server").CombinedOutput()
	require.NoError(tb, err, "%s", output)
	return binary
}

// address waits for the line that tells where REST is served.
func (s *Server) address(tb testing.TB, output io.Reader) string {
	tb.Helper()
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		require.NoError(tb, err, "%s", s.Output)
		if url := regexp.MustCompile(`http://[^/\s]+`).FindString(line); url != "" {
			return url
		}
	}
}

// Link links accounts, each with the phone of its number, and returns when all
// are ready.
func (s *Server) Link(ctx context.Context, numbers ...string) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(linksAtOnce)
	for _, number := range numbers {
		work.Go(func() error { return s.link(ctx, number) })
	}
	return work.Wait()
}

func (s *Server) link(ctx context.Context, number string) error {
	phone, known := s.sim.Phone(number)
	if !known {
		return fmt.Errorf("no phone has the number %s", number)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.Call(ctx, http.MethodPost, "/api/clients/initialize", `{"accountNumber":"`+number+`"}`, nil); err != nil {
		return err
	}
	var code struct{ QR string }
	if err := until(ctx, func() error { return s.Call(ctx, http.MethodGet, "/api/clients/"+number+"/qr", "", &code) }); err != nil {
		return err
	}
	if err := phone.Scan(ctx, code.QR); err != nil {
		return err
	}
	return until(ctx, func() error { return s.ready(ctx, number) })
}

func (s *Server) ready(ctx context.Context, number string) error {
	var status struct{ State string }
	err := s.Call(ctx, http.MethodGet, "/api/clients/"+number+"/status", "", &status)
	if err == nil && status.State != "ready" {
		return fmt.Errorf("%s is %s", number, status.State)
	}
	return err
}

// AwaitReady returns when all accounts are ready, or when ctx ends.
func (s *Server) AwaitReady(ctx context.Context, numbers ...string) error {
	for _, number := range numbers {
		if err := until(ctx, func() error { return s.ready(ctx, number) }); err != nil {
			return err
		}
	}
	return nil
}

// Sent is the reply to a send.
type Sent struct{ ID, Status string }

// Send sends a text under an idempotency key and waits for WhatsApp's answer.
func (s *Server) Send(ctx context.Context, from, to, text, key string) (sent Sent, err error) {
	body := fmt.Sprintf(`{"accountNumber":%q,"chatId":%q,"message":{"text":%q}}`, from, to, text)
	err = s.Call(ctx, http.MethodPost, "/api/messages/send", body, &sent, "Idempotency-Key", key)
	return sent, err
}

// RefusalError is a reply that says that a request has failed.
type RefusalError struct {
	// Status is HTTP's.
	Status int
	// Reply is the whole envelope.
	Reply string
}

func (r *RefusalError) Error() string { return fmt.Sprintf("status %d: %s", r.Status, r.Reply) }

// Call makes a request; data gets what the envelope holds. It fails with a
// [*RefusalError] if the server refuses. header holds names and values by turns.
func (s *Server) Call(ctx context.Context, method, path, body string, data any, header ...string) error {
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
		return fmt.Errorf("%s %s: %w", method, path, &RefusalError{response.StatusCode, string(content)})
	}
	return json.Unmarshal(content, &struct{ Data any }{data})
}

// until tries again until there is no error, or ctx ends.
func until(ctx context.Context, try func() error) error {
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
