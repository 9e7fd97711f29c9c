package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is a child whose processor time and memory are measured.
type process struct {
	command *exec.Cmd
	output  *tail
}

// start runs a program until the benchmark ends, which asks it to stop, and
// waits for it. It skips where there is no /proc to measure by.
func start(b *testing.B, command *exec.Cmd) *process {
	b.Helper()
	if runtime.GOOS != "linux" {
		b.Skip("processes are measured through /proc")
	}
	p := &process{command: command, output: &tail{}}
	command.Stderr = p.output
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = patience
	require.NoError(b, command.Start())
	b.Cleanup(func() {
		if err := command.Wait(); !errors.Is(err, context.Canceled) && !isTerminated(err) {
			b.Errorf("%s: %v\n%s", command.Path, err, p.output)
		}
	})
	return p
}

// isTerminated tells the end of a process that does not handle SIGTERM.
func isTerminated(err error) bool {
	exit, failed := errors.AsType[*exec.ExitError](err)
	return failed && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM
}

// tick is what /proc counts processor time in: USER_HZ, 100 a second on every
// architecture of Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpu is the processor time used so far, in user and system mode.
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	fields := p.proc(b, "stat")
	var ticks int64
	for _, at := range []int{13, 14} { // utime and stime, proc_pid_stat(5)
		n, err := strconv.ParseInt(fields[at], 10, 64)
		require.NoError(b, err)
		ticks += n
	}
	return time.Duration(ticks) * tick
}

// resident is the memory that the process holds, in bytes.
func (p *process) resident(b *testing.B) int64 {
	b.Helper()
	pages, err := strconv.ParseInt(p.proc(b, "statm")[1], 10, 64)
	require.NoError(b, err)
	return pages * int64(os.Getpagesize())
}

// proc reads a file of fields. None of them contains spaces: the names of the
// programs don't.
func (p *process) proc(b *testing.B, name string) []string {
	b.Helper()
	content, err := os.ReadFile("/proc/" + strconv.Itoa(p.command.Process.Pid) + "/" + name)
	require.NoError(b, err, "%s", p.output)
	return strings.Fields(string(content))
}

// tail keeps the end of what a process has written.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const tailLength = 4096

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-tailLength):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.Clone(t.kept))
}
