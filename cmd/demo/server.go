package main

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
	// stopTimeout is more than the 25 s that the server takes at most to drain.
	stopTimeout = 30 * time.Second
	// maxLog is how much of the end of the server's log is shown after a failure.
	maxLog = 64 << 10
)

// build compiles the server into folder and returns the path of the binary.
func build(ctx context.Context, folder string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	binary := filepath.Join(folder, "server.exe") // every system runs it by that name
	//nolint:gosec // our own folder
	command := exec.CommandContext(ctx, "go", "build", "-o", binary, "whatsapp-web-server/cmd/server")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, output)
	}
	return binary, nil
}

// server is the real server in a process of its own. It sees neither the
// environment of the demo nor the folder that the demo was started in.
type server struct {
	rest   string // host:port
	socket string // host:port
	log    *os.File

	cancel context.CancelFunc
	ended  chan struct{}
	err    error // why it ended; read after ended
}

// startServer starts binary in folder, on ports 3001 and 3002 where they are
// free, and connected to the network that environment tells.
func startServer(ctx context.Context, folder, binary string, environment []string) (*server, error) {
	rest, noRest := freePort(ctx, 3001)
	socket, noSocket := freePort(ctx, 3002)
	binary, noBinary := filepath.Abs(binary)
	if err := errors.Join(noRest, noSocket, noBinary); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "server.log"))
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	s := &server{rest: net.JoinHostPort("localhost", rest), socket: net.JoinHostPort("localhost", socket), log: log}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	command := exec.CommandContext(running, binary) //nolint:gosec // what the user asked for
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = stopTimeout
	command.Dir = folder
	command.Env = append([]string{"PORT=" + rest, "WEBSOCKET_PORT=" + socket}, environment...)
	command.Stdout, command.Stderr = log, log
	if err := s.run(command, cancel); err != nil {
		return nil, errors.Join(fmt.Errorf("start the server: %w", err), log.Close())
	}
	return s, nil
}

// run starts the process, which cancel asks to stop.
func (s *server) run(command *exec.Cmd, cancel context.CancelFunc) error {
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

// stop asks the server to drain and waits until it has ended, by force in the
// end. It says what was wrong with the way it ended.
func (s *server) stop() error {
	s.cancel()
	<-s.ended
	if s.err != nil && !errors.Is(s.err, context.Canceled) {
		return fmt.Errorf("the server ended: %w", s.err)
	}
	return nil
}

// tail is the end of the log.
func (s *server) tail() string {
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

// freePort is wanted, or where that is taken, any other.
func freePort(ctx context.Context, wanted int) (string, error) {
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
