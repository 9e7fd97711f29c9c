// Package backends runs databases and brokers for tests: real ones, each a process of
// its own on a free port of the loopback interface, which a test can kill, freeze
// and start again. A server whose program is not installed fails the test, or
// skips it with -short.
package backends

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long a server may take to start or to end.
const patience = time.Minute

// Kind is a make of server: [Redis] and others like it.
type Kind struct {
	name string
	// prepare makes a new data folder ready, which is there and empty. It may be nil.
	prepare func(dir string) error
	// command returns the program with its arguments, which serves the data in dir
	// and stays in the foreground.
	command func(dir, host string, port int) *exec.Cmd
	// answers returns nil once the server at address serves clients.
	answers func(ctx context.Context, address string) error
}

// Server is a running server, or one that was killed. It belongs to one test at a
// time.
type Server struct {
	// Address is host:port, the same over all restarts.
	Address string
	// Dir holds the data.
	Dir string

	kind    Kind
	process *process // nil when another process runs it
}

// Start runs a server over the data in dir until the test ends. A folder that is
// empty gets new data.
func Start(tb testing.TB, kind Kind, dir string) *Server {
	tb.Helper()
	s := must(tb)(start(kind, dir))
	tb.Cleanup(func() { require.NoError(tb, s.Kill()) })
	return s
}

// must returns what turns a server that could not start into the end of the test.
func must(tb testing.TB) func(*Server, error) *Server {
	return func(s *Server, err error) *Server {
		tb.Helper()
		if errors.Is(err, exec.ErrNotFound) && testing.Short() {
			tb.Skip(err)
		}
		require.NoError(tb, err, "configs/setup-test-tools.sh installs what is missing")
		return s
	}
}

// portAttempts allows for others that take the port in between.
const portAttempts = 5

func start(kind Kind, dir string) (*Server, error) {
	if err := prepare(kind, dir); err != nil {
		return nil, fmt.Errorf("prepare %s: %w", kind.name, err)
	}
	var errs []error
	for range portAttempts {
		s := &Server{Address: freeAddress(), Dir: dir, kind: kind}
		err := s.Restart()
		if err == nil || errors.Is(err, exec.ErrNotFound) {
			return s, err
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func prepare(kind Kind, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 || kind.prepare == nil {
		return err
	}
	return kind.prepare(dir)
}

// Restart starts the server again, over the same data and on the same port, and
// returns once it serves clients. One that is running is killed before.
func (s *Server) Restart() error {
	if err := s.Kill(); err != nil {
		return err
	}
	host, port, err := s.hostAndPort()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := s.kind.command(s.Dir, host, port)
	command.Stdout, command.Stderr = log, log
	if s.process, err = run(command); err != nil {
		return fmt.Errorf("start %s: %w", s.kind.name, err)
	}
	if err := s.awaitAnswer(); err != nil {
		return errors.Join(err, s.Kill())
	}
	return nil
}

func (s *Server) hostAndPort() (string, int, error) {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return "", 0, err
	}
	number, err := strconv.Atoi(port)
	return host, number, err
}

// logPath is beside the data: some programs want their folder to themselves.
func (s *Server) logPath() string { return filepath.Clean(s.Dir) + ".log" }

func (s *Server) awaitAnswer() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := s.kind.answers(ctx, s.Address)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-s.process.gone:
			return fmt.Errorf("%s ended by itself: %s", s.kind.name, s.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w: %s", s.kind.name, err, s.lastWords())
		}
	}
}

// lastWords is the end of what the server has written.
func (s *Server) lastWords() string {
	content, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-2000):])
}

// errNotOurs is what a process gets that uses the server of its parent.
var errNotOurs = errors.New("the server belongs to another process")

// Kill ends the server and all its processes by SIGKILL, and returns when they
// are gone. Killing again does nothing.
func (s *Server) Kill() error {
	if s.process == nil {
		return nil
	}
	return s.process.kill()
}

// Freeze stops the server by SIGSTOP: connections stay open, and new ones are
// made, but nothing answers. It returns once every thread has stopped, which on a
// busy machine takes a while.
func (s *Server) Freeze() error {
	if err := s.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return s.process.awaitStop()
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error { return s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) error {
	if s.process == nil {
		return errNotOurs
	}
	return s.process.signal(signal)
}

// Shared is a server that all tests of a package use, started by the first that
// needs it. Processes that such a test starts use the same server.
type Shared struct {
	kind Kind

	mu     sync.Mutex
	server *Server
}

// Share returns a server of the kind, to be kept in a variable of the test package,
// whose TestMain stops it:
//
//	var server = backends.Share(backends.Redis())
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(server.Around(m)) }
func Share(kind Kind) *Shared { return &Shared{kind: kind} }

// variable tells child processes where the server is.
func (s *Shared) variable() string { return "BACKENDS_" + strings.ToUpper(s.kind.name) + "_ADDRESS" }

// Server returns the server, running since the first call. A test that kills or
// freezes servers should have one of its own.
func (s *Shared) Server(tb testing.TB) *Server {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		s.server = must(tb)(s.start())
	}
	return s.server
}

func (s *Shared) start() (*Server, error) {
	if address := os.Getenv(s.variable()); address != "" {
		return &Server{Address: address, kind: s.kind}, nil
	}
	dir, err := os.MkdirTemp("", s.kind.name)
	if err != nil {
		return nil, err
	}
	server, err := start(s.kind, filepath.Join(dir, "data"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return server, os.Setenv(s.variable(), server.Address)
}

// stop ends the server, if this process started it, and removes its data.
func (s *Shared) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil || s.server.process == nil {
		return nil
	}
	return errors.Join(s.server.Kill(), os.RemoveAll(filepath.Dir(s.server.Dir)))
}

// Runner is a [testing.M], or something around it.
type Runner interface{ Run() int }

// Around returns a runner that stops the server after the tests of m.
func (s *Shared) Around(m Runner) Runner { return around{s, m} }

type around struct {
	shared *Shared
	tests  Runner
}

func (a around) Run() int {
	code := a.tests.Run()
	if err := a.shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}
