package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// sliceRows is how many of these tests' rows make one slice.
const sliceRows = 3

// slice makes the nth slice of an account's history.
func slice(ctx context.Context, j *Journal, n int) error {
	return j.Bulk(ctx, func(tx *Tx) error {
		for row := range sliceRows {
			tx.Put(contact(fmt.Sprintf("history %d.%d", n, row), "one"))
		}
		return nil
	})
}

// lanes is an engine that takes a while and notes how many slices each commit had.
type lanes struct {
	*engine

	mu     sync.Mutex
	slices []int // of the commits that have begun
	ended  int   // commits
}

func (l *lanes) Apply(ctx context.Context, batches []persist.Batch) []error {
	rows := 0
	for _, b := range batches {
		for _, m := range b.Mutations {
			if strings.HasPrefix(m.Row[0].(string), "history") {
				rows++
			}
		}
	}
	l.note(func() { l.slices = append(l.slices, rows/sliceRows) })
	time.Sleep(time.Duration(1+rows) * time.Millisecond)
	defer l.note(func() { l.ended++ })
	return l.Engine.Apply(ctx, batches)
}

func (l *lanes) note(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn()
}

// behind appends a unit and returns how many slices were committed before it, and
// with it, that were not when it was made.
func (l *lanes) behind(t testing.TB, j *Journal, n int) (slices int) {
	var from, to int
	p, err := j.Update(t.Context(), func(tx *Tx) error {
		tx.Put(contact("x", fmt.Sprint(n)))
		tx.OnDurable(func() { l.note(func() { to = len(l.slices) }) })
		return nil
	})
	l.note(func() { from = l.ended })
	assert.NoError(t, err)
	assert.NoError(t, j.Wait(t.Context(), p))
	l.note(func() {
		for at := from; at < to; at++ {
			slices += l.slices[at]
		}
	})
	return slices
}

func TestNobodyWaitsForMoreThanOneSliceOfHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &lanes{engine: newEngine()}
		c := start(t, e, Options{LazyDelay: 20 * time.Millisecond})
		over := make(chan struct{})
		var ingesters, writers sync.WaitGroup
		for i := range 6 {
			j := open(t, c, fmt.Sprint(i))
			writers.Go(func() {
				for n := range 200 {
					time.Sleep(time.Duration(rand.IntN(4000)) * time.Microsecond)
					assert.LessOrEqual(t, e.behind(t, j, n), 1)
					put(t, j, "lazy", fmt.Sprint(n)) // nobody waits, but the timer
				}
			})
			if i%2 == 0 { // some of those who wait ingest as well
				ingesters.Go(func() { ingest(t, j, over) })
			}
		}
		writers.Wait()
		close(over)
		ingesters.Wait()
		synctest.Wait()
		total := 0
		for _, n := range e.slices {
			require.LessOrEqual(t, n, 1, "slices in one commit")
			total += n
		}
		require.Greater(t, total*(bulkPatience+2), len(e.slices), "history gets on beside those who wait")
	})
}

// order tells what each commit held: which accounts, and S for a slice.
func order(e *engine) (commits []string) {
	for _, batches := range e.applies {
		held := ""
		for _, b := range batches {
			held += b.Scope.Owner()
			if len(b.Mutations) >= sliceRows {
				held += "S"
			}
		}
		commits = append(commits, held)
	}
	return commits
}

func TestSliceGoesAfterThoseWhoWaitButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		entered, release := e.gate()
		c := start(t, e, Options{LazyDelay: time.Hour, MaxBatches: 1})
		wait := func(account string) {
			j := open(t, c, account)
			p := put(t, j, "x", "one")
			go func() { assert.NoError(t, j.Wait(t.Context(), p)) }()
		}
		wait("0")
		<-entered
		history := open(t, c, "h")
		go func() { assert.NoError(t, slice(t.Context(), history, 0)) }()
		for i := range bulkPatience + 2 {
			synctest.Wait()
			wait(fmt.Sprint(i + 1))
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		require.Equal(t, []string{"0", "1", "2", "3", "4", "hS", "5", "6"}, order(e))
	})
}

// Who waits while one slice is being committed is served before the next comes,
// though it is of the same account.
func TestNextSliceDoesNotJoinThoseWhoWaitedForTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		entered, release := e.gate()
		held := e.onApply
		c := start(t, e, Options{LazyDelay: time.Hour})
		first, one, two, last := open(t, c, "f"), open(t, c, "1"), open(t, c, "2"), open(t, c, "l")
		var waiting sync.WaitGroup
		wait := func(j *Journal) {
			p := put(t, j, "x", "one")
			waiting.Go(func() { assert.NoError(t, j.Wait(t.Context(), p)) })
		}
		wait(first)
		<-entered
		waiting.Go(func() { assert.NoError(t, slice(t.Context(), one, 0)) })
		synctest.Wait()
		waiting.Go(func() { assert.NoError(t, slice(t.Context(), two, 0)) })
		wait(one) // takes the slice along
		synctest.Wait()
		_, err := last.Update(t.Context(), func(tx *Tx) error {
			tx.OnDurable(synctest.Wait) // whoever can go on before the next commit does
			return nil
		})
		require.NoError(t, err)
		e.onApply = func(ctx context.Context, n int, batches []persist.Batch) map[persist.Scope]error {
			if n == 2 {
				wait(two)
				synctest.Wait()
			}
			return held(ctx, n, batches)
		}
		close(release)
		waiting.Wait()
		require.Equal(t, []string{"f", "1S", "2", "2S"}, order(e))
	})
}

func ingest(t testing.TB, j *Journal, over <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-over:
			return
		default:
			assert.NoError(t, slice(t.Context(), j, n))
		}
	}
}

func TestSliceIsDurableWhenItReturnsAndWhatComesAfterItTakesItAlong(t *testing.T) {
	e := newEngine()
	j := open(t, start(t, e, Options{LazyDelay: time.Hour}), "a")
	put(t, j, "before", "one")
	require.NoError(t, slice(t.Context(), j, 0))
	require.Equal(t, "one", name(t, e, j, "history 0.0"))
	require.Equal(t, "one", name(t, e, j, "before"), "a prefix")

	entered, release := make(chan struct{}), make(chan struct{})
	e.onApply = func(_ context.Context, n int, _ []persist.Batch) map[persist.Scope]error {
		if n == 2 {
			close(entered)
			<-release
		}
		return nil
	}
	first := put(t, j, "x", "one")
	waited := make(chan error, 3)
	go func() { waited <- j.Wait(t.Context(), first) }()
	<-entered
	go func() { waited <- slice(t.Context(), j, 1) }()
	require.Eventually(t, func() bool { return name(t, j, j, "history 1.0") != "" }, time.Second, time.Microsecond)
	second := put(t, j, "y", "two")
	go func() { waited <- j.Wait(t.Context(), second) }()
	require.Eventually(t, func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		return len(j.waiters) == 3
	}, time.Second, time.Microsecond)
	close(release)
	for range 3 {
		require.NoError(t, <-waited)
	}
	require.Len(t, e.applies, 3)
	require.Len(t, e.applies[2][0].Mutations, sliceRows+1)
}

func TestUnitIsFullAtTheSizeOfASlice(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{}), "a")
	for _, name := range []string{"one", strings.Repeat("x", BulkBytes/10)} {
		rows := 0
		require.NoError(t, j.Bulk(t.Context(), func(tx *Tx) error {
			for ; !tx.Full(); rows++ {
				tx.Put(contact(fmt.Sprint(rows), name))
			}
			return nil
		}))
		require.LessOrEqual(t, rows, BulkRows)
		require.True(t, rows == BulkRows || rows == 10, rows)
	}
}

func TestHistoryDoesNotTakeTheMemoryOfWhatIsInUse(t *testing.T) {
	e := newEngine()
	j := open(t, start(t, e, Options{}), "a")
	require.NoError(t, j.Wait(t.Context(), put(t, j, "history 0.0", "old")))
	require.NoError(t, slice(t.Context(), j, 0))
	require.Equal(t, "one", name(t, j, j, "history 0.0"))
	require.Zero(t, e.reads(), "what was in memory stays there, as it is now")
	name(t, j, j, "history 0.1")
	require.Equal(t, 1, e.reads())
}

func TestWhoWaitsToIngestIsLetGo(t *testing.T) {
	for reason, end := range map[string]func(c *Committer, j *Journal, giveUp func()) error{
		"by its context": func(_ *Committer, _ *Journal, giveUp func()) error { giveUp(); return context.Canceled },
		"by a failure":   func(_ *Committer, j *Journal, _ func()) error { j.fail(persist.ErrFenced); return persist.ErrFenced },
		"by closing": func(c *Committer, _ *Journal, _ func()) error {
			ended, cancel := context.WithCancel(context.Background())
			cancel()
			_ = c.Close(ended)
			return persist.ErrClosed
		},
	} {
		t.Run(reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEngine()
				entered, release := e.gate()
				c := start(t, e, Options{LazyDelay: time.Hour})
				busy, waiting := open(t, c, "busy"), open(t, c, "waiting")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				answers := make(chan error, 1)
				go func() { _ = slice(context.Background(), busy, 0) }()
				<-entered
				go func() { answers <- slice(ctx, waiting, 0) }()
				synctest.Wait()
				want := end(c, waiting, cancel)
				require.ErrorIs(t, <-answers, want)
				close(release)
			})
		})
	}
}
