package journaltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// Run tests the journal over one engine that open returns, empty and migrated;
// the suite closes it.
func Run(t *testing.T, open func(testing.TB) persist.Engine) {
	engine := open(t)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	for _, test := range []struct {
		name string
		run  func(*testing.T, persist.Engine)
	}{
		{"reads see what was appended, durable or not", readsSeeAppended},
		{"a callback comes when what it tells is durable, in the order of the log", callbacksInOrder},
		{"what is durable is a prefix of the log, whatever fails", prefixes},
		{"a superseded writer's journal ends", superseded},
		{"a commit that comes too late is shut out by the new generation", lateCommit},
		{"an account that is fenced and one that is poisoned keep no other from being committed", mixedCommit},
		{"accounts that write at once lose nothing", manyAccounts},
		{"closing flushes everything", closing},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, engine) })
	}
}

// unhurried leaves every flush to who asks for it.
var unhurried = journal.Options{LazyDelay: time.Hour}

// start boots a committer that is closed at the end of the test.
func start(t testing.TB, engine persist.Engine, options journal.Options) *journal.Committer {
	c := journal.NewCommitter(engine, options)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = c.Close(ctx) // tests that fail commits on purpose leave errors behind
	})
	return c
}

var accounts atomic.Int64

// newAccount is a number that no other test has.
func newAccount() string { return fmt.Sprintf("49172%08d", accounts.Add(1)) }

func openAccount(t testing.TB, c *journal.Committer, account string) *journal.Journal {
	t.Helper()
	j, err := c.Open(t.Context(), account, 0)
	require.NoError(t, err)
	return j
}

// write makes the n-th unit of the account: a counter, an event and a ratchet
// that agree on n. Callbacks may be nil. Any goroutine may call it.
func write(ctx context.Context, j *journal.Journal, n int64, onDurable func()) (journal.Position, error) {
	return j.Update(ctx, func(tx *journal.Tx) error {
		tx.Put(persist.SignalSessions.Put(persist.SignalSession{Address: "peer", Session: ratchet(n)}),
			persist.Events.Put(persist.Event{Seq: n, Kind: "test"}))
		tx.Count("total", 1)
		if onDurable != nil {
			tx.OnDurable(onDurable)
		}
		return nil
	})
}

func ratchet(n int64) []byte { return fmt.Appendf(nil, "ratchet %d", n) }

// total is which unit a reader sees last; 0 is before the first.
func total(t testing.TB, from persist.Getter, scope persist.Scope) int64 {
	t.Helper()
	counter, err := persist.Counters.Get(t.Context(), from, scope, "total")
	if errors.Is(err, persist.ErrNotFound) {
		return 0
	}
	require.NoError(t, err)
	return counter.Value
}

// requireMoment checks that the account is as one of its units left it and
// returns which.
func requireMoment(t testing.TB, engine persist.Engine, scope persist.Scope) int64 {
	t.Helper()
	n := total(t, engine, scope)
	events, err := persist.Events.Scan(t.Context(), engine, persist.Query{Scope: scope, Limit: 10_000})
	require.NoError(t, err)
	require.Len(t, events, int(n), "events are dense")
	if n == 0 {
		return 0
	}
	require.Equal(t, n, events[n-1].Seq)
	session, err := persist.SignalSessions.Get(t.Context(), engine, scope, "peer")
	require.NoError(t, err)
	require.Equal(t, ratchet(n), session.Session)
	return n
}

// random is seeded by the clock, or by TEST_SEED, which repeats a run's choices.
func random(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("TEST_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
