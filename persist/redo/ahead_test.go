package redo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/persist"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inMemory is in memory.
type inMemory struct {
	mu          sync.Mutex
	rows        map[address]persist.Mutation
	commits     int
	applied     uint64
	generations map[string]uint64
	full        error
}

func newFile() *inMemory {
	return &inMemory{rows: map[address]persist.Mutation{}, generations: map[string]uint64{}}
}

func (f *inMemory) Bring(_ context.Context, number uint64, writes Writes) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full != nil {
		return f.full
	}
	for scope, m := range writes {
		f.rows[addressOf(scope, m.Table, m.Key())] = m
	}
	f.applied = number
	f.commits++
	return nil
}

func (f *inMemory) Generation(_ context.Context, account string) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.generations[account], nil
}

// fill has every commit fail from now on, or none.
func (f *inMemory) fill(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = err
}

// stored is what the file has of an account's counter.
func (f *inMemory) stored(account string) (value any, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.rows[addressOf(persist.AccountScope(account), persist.Counters.Table, persist.Key{"n"})]
	if !ok {
		return nil, false
	}
	return m.Row[1], true
}

func openAhead(t *testing.T, path string, file *inMemory) *Ahead {
	t.Helper()
	a := New(file)
	require.NoError(t, a.Open(t.Context(), path, salt, file.applied))
	return a
}

// counter is a batch of generation 0, which is that of whom nobody has acquired.
func counter(account string, n int64) []persist.Batch {
	return []persist.Batch{{Scope: persist.AccountScope(account), Mutations: []persist.Mutation{
		persist.Counters.Put(persist.Counter{Name: "n", Value: n}),
	}}}
}

func (a *Ahead) append(t *testing.T, batches []persist.Batch) error {
	t.Helper()
	results, err := a.Append(t.Context(), batches)
	return errors.Join(append(results, err)...)
}

func TestManyWritesToARecordSinkAsOne(t *testing.T) {
	file := newFile()
	a := openAhead(t, filepath.Join(t.TempDir(), "log"), file)
	for n := range int64(100) {
		require.NoError(t, a.append(t, counter("1", n)))
	}
	_, stored := file.stored("1")
	require.False(t, stored)
	m, ahead := a.Get(persist.AccountScope("1"), persist.Counters.Table, persist.Key{"n"})
	require.True(t, ahead)
	require.Equal(t, int64(99), m.Row[1])

	require.NoError(t, a.SinkFor(t.Context(), persist.AccountScope("2"), persist.Counters.Table))
	require.Zero(t, file.commits, "of another account")
	require.NoError(t, a.SinkFor(t.Context(), persist.AccountScope("1"), persist.Counters.Table))
	require.Equal(t, 1, file.commits)
	value, _ := file.stored("1")
	require.Equal(t, int64(99), value)
	_, ahead = a.Get(persist.AccountScope("1"), persist.Counters.Table, persist.Key{"n"})
	require.False(t, ahead)
	require.NoError(t, a.Close())
}

func TestWhatIsAheadSinksByItself(t *testing.T) {
	file := newFile()
	a := openAhead(t, filepath.Join(t.TempDir(), "log"), file)
	require.NoError(t, a.append(t, counter("1", 1)))
	require.Eventually(t, a.layers.empty, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, a.append(t, counter("1", 2)))
	require.NoError(t, a.Close())
	value, _ := file.stored("1")
	require.Equal(t, int64(2), value, "closing leaves nothing")
	require.Equal(t, uint64(2), file.applied)
}

func TestOnlyTheOneWriterAppends(t *testing.T) {
	file := newFile()
	file.generations["1"] = 7
	a := openAhead(t, filepath.Join(t.TempDir(), "log"), file)
	require.ErrorIs(t, a.append(t, counter("1", 1)), persist.ErrFenced)
	batch := counter("1", 1)
	batch[0].Generation = 8
	generation, err := a.Acquire(t.Context(), "1", func() (uint64, error) { return 8, nil })
	require.NoError(t, err)
	require.Equal(t, uint64(8), generation)
	require.NoError(t, a.append(t, batch))
	require.NoError(t, a.Close())
}

// TestWhatIsOnlyInTheLogIsReplayed leaves the files as a crash does.
func TestWhatIsOnlyInTheLogIsReplayed(t *testing.T) {
	path, file := filepath.Join(t.TempDir(), "log"), newFile()
	crashed := openAhead(t, path, file)
	require.NoError(t, crashed.append(t, counter("1", 1)))
	require.NoError(t, crashed.SinkAll(t.Context()))
	require.NoError(t, crashed.append(t, counter("2", 2)))
	_, stored := file.stored("2")
	require.False(t, stored)
	require.NoError(t, crashed.log.Close())

	a := openAhead(t, path, file)
	value, _ := file.stored("2")
	require.Equal(t, int64(2), value)
	require.Equal(t, uint64(2), file.applied)
	require.NoError(t, a.Close())
	require.Error(t, crashed.Close(), "its log is closed")
}

func TestWhatAFullFileCannotTakeStaysAheadOfIt(t *testing.T) {
	full, file := errors.New("full"), newFile()
	a := openAhead(t, filepath.Join(t.TempDir(), "log"), file)
	file.fill(full)
	require.NoError(t, a.append(t, counter("1", 1)), "the log has room")
	for range 2 {
		require.ErrorIs(t, a.SinkFor(t.Context(), persist.AccountScope("1"), persist.Counters.Table), full)
	}
	a.hurry()
	require.Eventually(t, a.stranded.Load, 20*time.Second, time.Millisecond)
	require.ErrorIs(t, a.Retry(t.Context()), full)
	a.layers.mu.Lock()
	a.layers.fresh = newLayer()
	a.layers.fresh.bytes, a.layers.fresh.number = maxAhead, 1
	a.layers.mu.Unlock()
	require.ErrorIs(t, a.append(t, counter("1", 2)), full, "too much is ahead")
	file.fill(nil)
	require.NoError(t, a.Retry(t.Context()))
	require.NoError(t, a.append(t, counter("1", 3)))
	require.NoError(t, a.Close())
	value, _ := file.stored("1")
	require.Equal(t, int64(3), value)
}

func TestLogThatFailsTakesNothingMoreUntilItIsMended(t *testing.T) {
	path, file := filepath.Join(t.TempDir(), "log"), newFile()
	a := openAhead(t, path, file)
	require.NoError(t, a.append(t, counter("1", 1)))
	require.NoError(t, a.log.Close())
	require.ErrorContains(t, a.append(t, counter("1", 2)), "file already closed")
	require.ErrorContains(t, a.append(t, counter("1", 2)), "file already closed")
	require.ErrorContains(t, a.Retry(t.Context()), "file already closed")
	value, _ := file.stored("1")
	require.Equal(t, int64(1), value, "what the log is known to hold")

	var err error
	a.log, err = Open(path, salt, a.log.Last())
	require.NoError(t, err)
	require.NoError(t, a.Retry(t.Context()))
	require.NoError(t, a.append(t, counter("1", 3)))
	require.NoError(t, a.Close())
	value, _ = file.stored("1")
	require.Equal(t, int64(3), value)
}

func TestFrozenFileHasEverything(t *testing.T) {
	file := newFile()
	a := openAhead(t, filepath.Join(t.TempDir(), "log"), file)
	var writers sync.WaitGroup
	for account := range 4 {
		writers.Go(func() {
			for n := range int64(200) {
				if err := a.append(t, counter(fmt.Sprint(account), n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 10 {
		require.NoError(t, a.Freeze(t.Context(), func() error {
			require.True(t, a.layers.empty())
			require.Equal(t, a.log.Last(), file.applied)
			return nil
		}))
	}
	writers.Wait()
	require.NoError(t, a.Close())
}

func TestNothingIsAppendedToALogThatIsNotOpen(t *testing.T) {
	a := New(newFile())
	require.ErrorContains(t, a.append(t, counter("1", 1)), "log is not open")
	require.NoError(t, a.SinkAll(t.Context()))
	require.NoError(t, a.Close())
}
