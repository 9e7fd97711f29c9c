package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// serverVariable makes this test binary, started again as a child, run main
// instead of the tests.
const serverVariable = "SERVER_TEST_CHILD"

// process is the server in a process of its own, which can be killed.
type process struct {
	command *exec.Cmd
	output  bytes.Buffer // to be read once it has exited
	exited  chan error   // capacity 1
}

// address is how main tells where REST is served.
var address = regexp.MustCompile(`http://([^/\s]+)/api`)

// launch starts the server with its data in dir. Once it serves, serving is
// told its base URL.
func launch(t *testing.T, dir string, environment []string, serving func(base string)) *process {
	t.Helper()
	p := &process{command: exec.Command(os.Args[0]), exited: make(chan error, 1)}
	p.command.Dir = dir
	p.command.Env = append(slimEnvironment(),
		append(environment, serverVariable+"=1")...)
	p.command.Stderr = &p.output
	output, err := p.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.command.Start())
	go func() {
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			if found := address.FindStringSubmatch(lines.Text()); found != nil {
				serving("http://" + found[1])
			}
		}
		p.exited <- p.command.Wait()
	}()
	return p
}

// slimEnvironment is what a child needs of the test's own environment: none of
// the server's settings.
func slimEnvironment() []string {
	var kept []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, set := os.LookupEnv(name); set {
			kept = append(kept, name+"="+value)
		}
	}
	// whatsmeow's socket has a race of its own between our closing and the
	// network's (OnDisconnect in framesocket.go): reports are no exit status here.
	return append(kept, "GORACE=exitcode=0")
}

// kill ends the process as a power cut would, apart from the disk's cache. It
// must not have ended before by itself.
func (p *process) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.command.Process.Kill())
	p.awaitKill(t)
}

// awaitKill waits until the process has been killed, by itself or by another.
func (p *process) awaitKill(t *testing.T) {
	t.Helper()
	var exit *exec.ExitError
	err := <-p.exited
	require.True(t, errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL,
		"the server ended by itself: %v\n%s", err, &p.output)
	p.requireNoPanic(t)
}

// awaitCrash waits until the process has ended as one does that panics.
func (p *process) awaitCrash(t *testing.T) {
	t.Helper()
	var exit *exec.ExitError
	require.ErrorAs(t, <-p.exited, &exit)
	require.Equal(t, 2, exit.ExitCode(), "%s", &p.output)
	require.Contains(t, p.output.String(), "panic")
}

// terminate asks the process to stop, as operators and containers do, and
// returns how long it took.
func (p *process) terminate(t *testing.T) time.Duration {
	t.Helper()
	asked := time.Now()
	require.NoError(t, p.command.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-p.exited:
		require.NoError(t, err, "%s", &p.output)
	case <-time.After(drainTimeout):
		_ = p.command.Process.Signal(syscall.SIGQUIT) // for the stacks of its goroutines
		<-p.exited
		require.Fail(t, "the server did not stop", "%s", &p.output)
	}
	p.requireNoPanic(t)
	return time.Since(asked)
}

func (p *process) requireNoPanic(t *testing.T) {
	t.Helper()
	require.NotContains(t, p.output.String(), "panic")
}

// abandon ends what a failed test has left running.
func (p *process) abandon() {
	if p.command.Process.Kill() == nil {
		<-p.exited
	}
}

// entrance is where callers find the server, whichever process it is.
type entrance struct {
	mu     sync.Mutex
	base   string        // empty while there is none
	opened chan struct{} // closed once base is there
}

func newEntrance() *entrance { return &entrance{opened: make(chan struct{})} }

func (e *entrance) open(base string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.base = base
	close(e.opened)
}

func (e *entrance) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.base != "" {
		e.base, e.opened = "", make(chan struct{})
	}
}

// find waits for a server.
func (e *entrance) find(ctx context.Context) (string, error) {
	for {
		e.mu.Lock()
		base, opened := e.base, e.opened
		e.mu.Unlock()
		if base != "" {
			return base, nil
		}
		select {
		case <-opened:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}
