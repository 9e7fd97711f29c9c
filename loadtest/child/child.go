// Package child runs a program beside a test or benchmark, measures it and stops
// it in the end.
package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long a program may take to end once it is asked to.
const patience = time.Minute

// Process is a running program.
type Process struct {
	// Output is the end of what it has written to its standard error.
	Output fmt.Stringer

	pid int
}

// Self is the process of the test itself.
func Self() *Process { return &Process{Output: &tail{}, pid: os.Getpid()} }

// Start runs a program until the test ends, which asks it to stop by SIGTERM and
// waits for it. The test fails if the program fails. Processes are measured
// through /proc: elsewhere than on Linux the test is skipped.
func Start(tb testing.TB, command *exec.Cmd) *Process {
	tb.Helper()
	if runtime.GOOS != "linux" {
		tb.Skip("processes are measured through /proc")
	}
	output := &tail{}
	command.Stderr = output
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = patience
	require.NoError(tb, command.Start())
	tb.Cleanup(func() {
		if err := command.Wait(); !errors.Is(err, context.Canceled) && !isTerminated(err) {
			tb.Errorf("%s: %v\n%s", command.Path, err, output)
		}
	})
	return &Process{Output: output, pid: command.Process.Pid}
}

// isTerminated tells the end of a process that does not handle SIGTERM.
func isTerminated(err error) bool {
	exit, failed := errors.AsType[*exec.ExitError](err)
	return failed && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM
}

// tick is what /proc counts processor time in: USER_HZ, 100 a second on every
// architecture of Linux that Go runs on.
const tick = 10 * time.Millisecond

// CPU is the processor time used so far, in user and system mode. It is exact to
// 10 ms.
func (p *Process) CPU(tb testing.TB) time.Duration {
	tb.Helper()
	fields := p.proc(tb, "stat")
	var ticks int64
	for _, at := range []int{13, 14} { // utime and stime, proc_pid_stat(5)
		n, err := strconv.ParseInt(fields[at], 10, 64)
		require.NoError(tb, err)
		ticks += n
	}
	return time.Duration(ticks) * tick
}

// Resident is the memory that the process holds, in bytes.
func (p *Process) Resident(tb testing.TB) int64 {
	tb.Helper()
	pages, err := strconv.ParseInt(p.proc(tb, "statm")[1], 10, 64)
	require.NoError(tb, err)
	return pages * int64(os.Getpagesize())
}

// Peak is the most memory that the process has held at a time, in bytes.
func (p *Process) Peak(tb testing.TB) int64 {
	tb.Helper()
	fields := p.proc(tb, "status")
	at := slices.Index(fields, "VmHWM:")
	require.GreaterOrEqual(tb, at, 0)
	kilobytes, err := strconv.ParseInt(fields[at+1], 10, 64)
	require.NoError(tb, err)
	return kilobytes << 10
}

// proc reads a file of fields. None of them contains spaces: the names of the
// programs don't.
func (p *Process) proc(tb testing.TB, name string) []string {
	tb.Helper()
	content, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/" + name)
	require.NoError(tb, err, "%s", p.Output)
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
