package cluster

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
)

// binaryFolder is where build puts the server, once.
var binaryFolder string

// build makes the server that all nodes run; with TEST_RACE=1 under the race detector.
var build = sync.OnceValues(func() (binary string, err error) {
	if binaryFolder, err = os.MkdirTemp("", "cluster"); err != nil {
		return "", err
	}
	binary = filepath.Join(binaryFolder, "server")
	arguments := []string{"build", "-o", binary}
	if os.Getenv("TEST_RACE") == "1" {
		arguments = append(arguments, "-race")
	}
	output, err := exec.CommandContext(context.Background(), "go", append(arguments, "whatsapp-web-server/cmd/server")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, output)
	}
	return binary, nil
})

// node is a server in a process of its own, with ways of its own to what all share.
type node struct {
	name     string
	registry *backends.Link
	storage  *backends.Link
	log      string

	environment []string

	mu   sync.Mutex
	base string // where it takes requests; empty while it does not

	command *exec.Cmd
	gone    chan struct{} // closed when the process has ended
	failure error         // why it has; read after gone
}

// address is how the server tells where REST is served.
var address = regexp.MustCompile(`http://([^/\s]+)/api`)

// launch starts the process, and returns when it takes requests.
func (n *node) launch(t *testing.T) {
	t.Helper()
	n.begin(t)
	n.awaitServing(t)
}

// begin starts the process.
func (n *node) begin(t *testing.T) {
	t.Helper()
	binary, err := build()
	require.NoError(t, err)
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	command := exec.Command(binary)
	command.Dir, command.Env, command.Stderr = filepath.Dir(n.log), n.environment, log
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	gone := make(chan struct{})
	n.command, n.gone = command, gone
	go func() {
		defer close(gone)
		defer log.Close()
		n.follow(output)
		n.close()
		n.failure = command.Wait()
	}()
}

// follow reads what the process says until it ends.
func (n *node) follow(output io.Reader) {
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if found := address.FindStringSubmatch(lines.Text()); found != nil {
			n.open("http://" + found[1])
		}
	}
}

func (n *node) open(base string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.base = base
}

// close has nobody come any more, as a load balancer does with one that is not ready.
func (n *node) close() { n.open("") }

// entrance is where requests are taken; empty if they are not.
func (n *node) entrance() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.base
}

func (n *node) awaitServing(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return n.entrance() != "" || n.hasEnded() }, patience, 5*time.Millisecond, "node %s does not serve", n.name)
	require.False(t, n.hasEnded(), "node %s has ended by itself", n.name)
}

func (n *node) hasEnded() bool {
	select {
	case <-n.gone:
		return true
	default:
		return false
	}
}

// kill ends the process as a power cut does.
func (n *node) kill(t *testing.T) {
	t.Helper()
	n.close()
	require.NoError(t, n.command.Process.Kill())
	<-n.gone
}

// terminate asks the process to stop, and waits until it has.
func (n *node) terminate(t *testing.T) {
	t.Helper()
	n.close()
	require.NoError(t, n.command.Process.Signal(syscall.SIGTERM))
	select {
	case <-n.gone:
		require.NoError(t, n.failure, "node %s", n.name)
	case <-time.After(patience):
		require.Fail(t, "a node does not stop", n.name)
	}
}

// freeze stops the process where it is. It is not asked for anything meanwhile.
func (n *node) freeze(t *testing.T) (base string) {
	t.Helper()
	base = n.entrance()
	n.close()
	require.NoError(t, n.command.Process.Signal(syscall.SIGSTOP))
	return base
}

func (n *node) thaw(t *testing.T, base string) {
	t.Helper()
	require.NoError(t, n.command.Process.Signal(syscall.SIGCONT))
	n.open(base)
}

// abandon ends what a failed test has left running.
func (n *node) abandon() {
	if n.gone == nil {
		return // it was never begun
	}
	_ = n.command.Process.Kill() // or it has ended
	<-n.gone
}

// logLength is how much of the end of a log is shown.
const logLength = 4 << 10

func (n *node) lastWords() string {
	text, err := os.ReadFile(n.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-logLength):])
}

// says tells whether the end of the log has these words.
func (n *node) says(words string) bool { return strings.Contains(n.lastWords(), words) }

// slim is what a node needs of the test's own environment: none of the settings.
func slim() []string {
	kept := []string{"GORACE=exitcode=0"} // whatsmeow's socket has races of its own
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, set := os.LookupEnv(name); set {
			kept = append(kept, name+"="+value)
		}
	}
	return slices.Clip(kept)
}
