// Package gateway runs the server as a process beside its caller, for commands that
// play it against the simulator: the demo and the load driver.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

const (
	// buildTimeout is for a machine that has compiled none of the dependencies.
	buildTimeout = 15 * time.Minute
	// stopTimeout is more than the 25 s that the server takes at most to drain.
	stopTimeout = 30 * time.Second
	// maxLog is how much of the end of the server's log is shown after a failure.
	maxLog = 64 << 10
)

// Build compiles the server into folder and returns the path of the binary. It has
// to run inside the module.
func Build(ctx context.Context, folder string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	binary := filepath.Join(folder, "server.exe") // every system runs it by that name
	command := exec.CommandContext(ctx, "go", "build", "-o", binary, "whatsapp-web-server/cmd/server")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, output)
	}
	return binary, nil
}

// Server is the real server in a process of its own. It sees neither the environment
// of the process that started it nor the folder that this was started in.
type Server struct {
	// REST is where requests are served, as host:port.
	REST string
	// Socket is where WebSockets are served, as host:port.
	Socket string

	log *os.File

	cancel context.CancelFunc
	ended  chan struct{}
	err    error // why it ended; read after ended
}

// Start starts binary in folder, on ports 3001 and 3002 where they are free, with this
// environment, which tells the network that it connects to. It returns at once: see
// [Server.AwaitReady]. The caller has to call Close.
func Start(ctx context.Context, folder, binary string, environment []string) (*Server, error) {
	rest, noRest := FreePort(ctx, 3001)
	socket, noSocket := FreePort(ctx, 3002)
	binary, noBinary := filepath.Abs(binary)
	if err := errors.Join(noRest, noSocket, noBinary); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "server.log"))
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	s := &Server{REST: net.JoinHostPort("localhost", rest), Socket: net.JoinHostPort("localhost", socket), log: log}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	command := exec.CommandContext(running, binary)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = stopTimeout
	command.Dir = folder
	command.Env = append([]string{"PORT=" + rest, "WEBSOCKET_PORT=" + socket, "ADMIN_ADDR=none"}, environment...)
	command.Stdout, command.Stderr = log, log
	if err := s.run(command, cancel); err != nil {
		return nil, errors.Join(fmt.Errorf("start the server: %w", err), log.Close())
	}
	return s, nil
}

// run starts the process, which cancel asks to stop.
func (s *Server) run(command *exec.Cmd, cancel context.CancelFunc) error {
	if err := command.Start(); err != nil {
		cancel()
		return err
	}
	s.cancel, s.ended = cancel, make(chan struct{})
	go func() {
		s.err = command.Wait()
		close(s.ended)
	}()
	return nil
}

// URL is where REST is served.
func (s *Server) URL() string { return "http://" + s.REST }

// Client asks the server over REST.
func (s *Server) Client() *Client { return &Client{base: s.URL()} }

// AwaitReady returns when the server answers, or when it has ended, with an error.
func (s *Server) AwaitReady(ctx context.Context) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	client := s.Client()
	for {
		err := client.Get(ctx, "/api/clients/status", nil)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-s.ended:
			return errors.New("the server ended at once")
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		}
	}
}

// Stop asks the server to drain and waits until it has ended, by force in the
// end. It says what was wrong with the way it ended.
func (s *Server) Stop() error {
	s.cancel()
	<-s.ended
	if s.err != nil && !errors.Is(s.err, context.Canceled) {
		return fmt.Errorf("the server ended: %w", s.err)
	}
	return nil
}

// Close closes the log. It does not stop the server.
func (s *Server) Close() error { return s.log.Close() }

// Tail is the end of the log, until Close.
func (s *Server) Tail() string {
	size, err := s.log.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(io.NewSectionReader(s.log, max(0, size-maxLog), maxLog))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// FreePort is wanted, or where that is taken, any other.
func FreePort(ctx context.Context, wanted int) (string, error) {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", net.JoinHostPort("localhost", strconv.Itoa(wanted)))
	if err != nil {
		listener, err = listening.Listen(ctx, "tcp", "localhost:0")
	}
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}
