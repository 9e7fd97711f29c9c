package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A process that is killed leaves the disk's cache behind, so that no kill shows
// whether anything was flushed. The system calls do: before the frame of a send,
// and before the answer to a message, the commit they stand on was written and
// flushed.
func TestEveryBarrierIsFlushedToTheDiskBeforeItsFrame(t *testing.T) {
	log := regexp.MustCompile(`-redo[12]$`)
	for _, engine := range []string{"sqlite", "file"} {
		if !opens(engine) {
			continue
		}
		t.Run(engine, func(t *testing.T) {
			c := newCampaign(t, engine)
			s := c.join(t, 0)
			c.converse(t, s, 0) // what comes first needs more frames
			trace := c.trace(t)
			for n := 1; n <= rounds(1, 10); n++ {
				trace.settle(t)
				c.send(t, s, n)
				require.NoError(t, flushedBeforeFrame(trace.settle(t), log, c.gate.port()), "send %d", n)
				c.receive(t, s, n)
				require.NoError(t, flushedBeforeFrame(trace.settle(t), log, c.gate.port()), "receive %d", n)
			}
		})
	}
}

func (c *campaign) converse(t *testing.T, s *side, n int) {
	t.Helper()
	c.send(t, s, n)
	c.receive(t, s, n)
}

// send returns when the service has the message.
func (c *campaign) send(t *testing.T, s *side, n int) {
	t.Helper()
	base, err := c.entrance.find(t.Context())
	require.NoError(t, err)
	call(t, http.MethodPost, base+"/api/messages/send",
		fmt.Sprintf(`{"accountNumber":"%s","chatId":"%s@c.us","message":{"text":"out %d"}}`, s.account, s.caller.friend, n))
}

// receive returns when the server has acknowledged a message of the friend's.
func (c *campaign) receive(t *testing.T, s *side, n int) {
	t.Helper()
	_, err := s.correspondent.friend.SendText(t.Context(), s.account, fmt.Sprintf("in %d", n))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return c.world.Stats().PendingOffline == 0 }, patience, 5*time.Millisecond)
}

// port is that of the service, as the server sees it.
func (g *gate) port() string {
	address := g.listener.Addr().String()
	return address[strings.LastIndex(address, ":"):]
}

// systemCalls is what strace writes of a process, while it does.
type systemCalls struct {
	path string
	seen int // lines
}

// trace has the server's system calls written down from now on.
func (c *campaign) trace(t *testing.T) *systemCalls {
	t.Helper()
	s := &systemCalls{path: filepath.Join(t.TempDir(), "trace")}
	command := exec.Command("strace", "-f", "-qq", "-s", "0", "-yy", "-e", "signal=none",
		"-e", "trace=write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync,sync_file_range,msync",
		"-o", s.path, "-p", fmt.Sprint(c.process.command.Process.Pid))
	complaints, err := command.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start(), "configs/setup-test-tools.sh installs what is missing")
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
	})
	go func() {
		for lines := bufio.NewScanner(complaints); lines.Scan(); {
			t.Log(lines.Text())
		}
	}()
	base, err := c.entrance.find(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool { // an answer is a write
		probe(t, base, "/healthz")
		return len(s.read(t)) > 0
	}, patience, 10*time.Millisecond, "strace follows no process; is ptrace allowed?")
	return s
}

func (s *systemCalls) read(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(s.path)
	if err != nil {
		return nil
	}
	lines := strings.Split(string(content), "\n")
	return lines[:len(lines)-1]
}

// settle waits until no storage is written any more, nor a frame, and returns the
// calls since it was called last.
func (s *systemCalls) settle(t *testing.T) []string {
	t.Helper()
	count, since := len(s.read(t)), time.Now()
	require.Eventually(t, func() bool {
		if now := len(s.read(t)); now != count {
			count, since = now, time.Now()
		}
		return time.Since(since) > 600*time.Millisecond // lazy writes come within half of it
	}, patience, 10*time.Millisecond, "the server never rests")
	lines := s.read(t)
	fresh := lines[s.seen:]
	s.seen = len(lines)
	return fresh
}

// A line of strace: process, call, the file in angle brackets, and what is left.
// A call during which another process's is told is told in two lines.
var systemCall = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\(\d+<(.*?)>[,) ])(.*)$`)

// flushedBeforeFrame checks that storage was written and flushed before the first
// frame. A commit of something else may be under way by then.
func flushedBeforeFrame(calls []string, storage *regexp.Regexp, service string) error {
	flushed := false
	dirty := map[string]bool{}   // files
	going := map[string]string{} // file by process, of calls that go on
	for _, line := range calls {
		call := systemCall.FindStringSubmatch(line)
		if call == nil {
			continue
		}
		process, name, file, rest := call[1], call[2], call[3], call[4]
		if file == "" {
			file = going[process]
		}
		going[process] = file
		ends := !strings.Contains(rest, "<unfinished ...>")
		switch {
		case strings.Contains(file, "TCP") && strings.Contains(file, service+"]"):
			if !flushed {
				return fmt.Errorf("a frame left before a flush: %s", line)
			}
			return nil
		case !storage.MatchString(file):
		case strings.Contains(name, "write"):
			dirty[file] = true
		case ends && strings.Contains(name, "sync") && dirty[file]:
			flushed = true
			delete(dirty, file)
		}
	}
	return errors.New("no frame left")
}

func TestTraceWithoutFlushIsFound(t *testing.T) {
	storage := regexp.MustCompile(`-redo[12]$`)
	const (
		write = `7 pwrite64(9</d/db-redo1>, ""..., 900, 0) = 900`
		begun = `8 fdatasync(9</d/db-redo1> <unfinished ...>`
		ended = `8 <... fdatasync resumed>) = 0`
		sync  = `7 fdatasync(9</d/db-redo1>) = 0`
		frame = `7 write(12<TCP:[127.0.0.1:5->127.0.0.1:44]>, ""..., 300) = 300`
		other = `7 write(13<TCP:[127.0.0.1:3001->127.0.0.1:444]>, ""..., 300) = 300`
	)
	for _, good := range [][]string{{write, sync, frame}, {other, write, begun, other, ended, frame}, {write, sync, frame, write, frame}, {write, sync, write, frame}} {
		require.NoError(t, flushedBeforeFrame(good, storage, ":44"), good)
	}
	for _, bad := range [][]string{{}, {frame}, {write, frame, sync}, {write, begun, frame, ended}, {sync, frame}, {write, sync}} {
		require.Error(t, flushedBeforeFrame(bad, storage, ":44"), bad)
	}
}
