package persisttest

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// The child process finds its data by this variable.
const childVariable = "PERSISTTEST_CHILD_DIRECTORY"

func childDirectory() string { return os.Getenv(childVariable) }

// In the child, each writer commits for some accounts at once.
const (
	crashWriters  = 3
	crashAccounts = 4
)

func crashNumber(writer, account int) string { return fmt.Sprintf("4917999%d%d", writer, account) }

// crash kills a writing process at random moments: 5 times, or 20 with
// TEST_FULL=1. TEST_SEED repeats a run's choices.
func crash(t *testing.T, open func(testing.TB, string) persist.Engine) {
	rounds := 5
	if os.Getenv("TEST_FULL") == "1" {
		rounds = 20
	}
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("TEST_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("TEST_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	dir := t.TempDir()
	for round := range rounds {
		acknowledged := killWriter(t, dir, 1+random.IntN(200/Thrift))
		engine := open(t, dir)
		for writer, last := range acknowledged {
			verifyWriter(t, engine, writer, last, round)
		}
		require.NoError(t, engine.Close())
	}
}

// killWriter starts the child, kills it after so many commits and returns the
// last number that each writer said it had committed.
func killWriter(t *testing.T, dir string, commits int) [crashWriters]int64 {
	child := exec.Command(os.Args[0], "-test.run", "^"+strings.ReplaceAll(topLevel(t), "/", "$/^")+"$", "-test.timeout", "2m")
	child.Env = append(os.Environ(), childVariable+"="+dir)
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())

	var last [crashWriters]int64
	lines := bufio.NewScanner(output)
	for seen := 0; lines.Scan(); {
		var writer int
		var number int64
		if _, err := fmt.Sscanf(lines.Text(), "committed %d %d", &writer, &number); err != nil {
			continue
		}
		last[writer] = number
		if seen++; seen == commits {
			require.NoError(t, child.Process.Kill())
		}
	}
	require.NoError(t, lines.Err())
	err = child.Wait()
	require.ErrorContains(t, err, "killed", "the child ended by itself")
	return last
}

// topLevel is the test that called RunPersistent: the one above crash's own.
func topLevel(t *testing.T) string {
	name := t.Name()
	return name[:strings.LastIndex(name, "/")]
}

// verifyWriter checks that all that was acknowledged is there, with at most the one
// commit after it, and that each account's records are of one moment.
func verifyWriter(t *testing.T, engine persist.Engine, writer int, last int64, round int) {
	for account := range crashAccounts {
		a := openAccount(t, engine, crashNumber(writer, account))
		total := a.counter(t, "total")
		require.GreaterOrEqual(t, total, last, "round %d: commit %d of %s was acknowledged", round, last, a.number)
		if last > 0 {
			require.LessOrEqual(t, total, last+1, "round %d: %s", round, a.number)
		}
		requireMoment(t, a, total)
	}
}

// requireMoment checks that the account's records are those of commit n.
func requireMoment(t *testing.T, a account, n int64) {
	t.Helper()
	newest, err := persist.Events.Scan(t.Context(), a.engine, persist.Query{Scope: a.scope, Reverse: true, Limit: 1_000_000})
	require.NoError(t, err)
	require.Len(t, newest, int(n), "events are dense")
	if n == 0 {
		return
	}
	require.Equal(t, n, newest[0].Seq)
	session, err := persist.SignalSessions.Get(t.Context(), a.engine, a.scope, "peer")
	require.NoError(t, err)
	require.Equal(t, fillBytes(1700, int(n)), session.Session)
}

// writeUntilKilled is the child: it goes on from what is stored.
func writeUntilKilled(t *testing.T, engine persist.Engine) {
	output := &lineWriter{to: os.Stdout}
	var group sync.WaitGroup
	for writer := range crashWriters {
		var accounts []account
		for n := range crashAccounts {
			accounts = append(accounts, openAccount(t, engine, crashNumber(writer, n)))
		}
		n := evenOut(t, accounts)
		group.Go(func() {
			for ; commitNumber(t, engine, accounts, n); n++ {
				output.printf("committed %d %d\n", writer, n)
			}
		})
	}
	group.Wait()
}

// evenOut brings accounts that the last crash left a commit behind to where the
// others are, and returns the next number. Their batches were of one Apply, but
// atomic only each for itself.
func evenOut(t *testing.T, accounts []account) int64 {
	var most int64
	for _, a := range accounts {
		most = max(most, a.counter(t, "total"))
	}
	for _, a := range accounts {
		if n := a.counter(t, "total") + 1; n <= most {
			commitNumber(t, a.engine, []account{a}, n)
		}
	}
	return most + 1
}

// commitNumber writes the n-th state of the accounts in one Apply.
func commitNumber(t *testing.T, engine persist.Engine, accounts []account, n int64) bool {
	var batches []persist.Batch
	for _, a := range accounts {
		batches = append(batches, a.batch(
			persist.SignalSessions.Put(persist.SignalSession{Address: "peer", Session: fillBytes(1700, int(n))}),
			persist.Events.Put(persist.Event{Seq: n, Kind: "test"}),
			count("total", n)))
	}
	for _, err := range engine.Apply(t.Context(), batches) {
		if err != nil {
			t.Error(err)
			return false
		}
	}
	return true
}

// lineWriter keeps the lines of several goroutines apart.
type lineWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lineWriter) printf(format string, values ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.to, format, values...)
}
