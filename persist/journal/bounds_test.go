package journal

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

func TestWriterWaitsForRoomInItsAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		entered, release := e.gate()
		c := start(t, e, Options{AccountDirtyBytes: 2000})
		j, other := open(t, c, "a"), open(t, c, "b")
		put(t, j, "x", strings.Repeat("x", 3000))
		written := make(chan struct{})
		go func() {
			put(t, j, "y", "waits")
			close(written)
		}()
		<-entered // nobody else has asked for this flush
		synctest.Wait()
		select {
		case <-written:
			t.Fatal("written beyond the bound")
		default:
		}
		put(t, other, "x", "another account has room")
		close(release)
		<-written
	})
}

func TestWriterWaitsForRoomOnTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		entered, release := e.gate()
		c := start(t, e, Options{NodeDirtyBytes: 2000, LazyDelay: time.Hour})
		j, other := open(t, c, "a"), open(t, c, "b")
		put(t, j, "x", strings.Repeat("x", 3000))
		written := make(chan struct{})
		go func() {
			put(t, other, "y", "waits")
			close(written)
		}()
		<-entered
		synctest.Wait()
		select {
		case <-written:
			t.Fatal("written beyond the bound")
		default:
		}
		close(release)
		<-written
	})
}

func TestJournalThatEndsMakesRoomOnTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		entered, release := e.gate()
		defer close(release)
		c := start(t, e, Options{NodeDirtyBytes: 2000})
		j, other := open(t, c, "a"), open(t, c, "b")
		put(t, j, "x", strings.Repeat("x", 3000))
		written := make(chan struct{})
		go func() {
			put(t, other, "y", "waits")
			close(written)
		}()
		<-entered
		synctest.Wait()
		open(t, c, "a")
		<-written
	})
}

func TestRewrittenRecordTakesItsPlaceOnce(t *testing.T) {
	c := start(t, newEngine(), Options{LazyDelay: time.Hour})
	j := open(t, c, "a")
	put(t, j, "x", "one")
	once := c.dirtyBytes.Load()
	for range 10 {
		put(t, j, "x", "two")
		require.Equal(t, once, c.dirtyBytes.Load())
	}
	for range 10 {
		require.NoError(t, j.Wait(t.Context(), put(t, j, "x", "six")))
		require.Zero(t, c.dirtyBytes.Load())
		require.Equal(t, once, c.cleanBytes.Load())
	}
}

func TestWriterGivesUpWaitingForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		_, release := e.gate()
		c := start(t, e, Options{AccountDirtyBytes: 1, AppendTimeout: 7 * time.Second})
		j := open(t, c, "a")
		put(t, j, "x", "one")
		began := time.Now()
		_, err := j.Update(t.Context(), func(*Tx) error { panic("must not run") })
		require.ErrorIs(t, err, ErrBusy)
		require.Equal(t, 7*time.Second, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = j.Update(ctx, func(*Tx) error { panic("must not run") })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(release)
		require.NoError(t, j.Flush(t.Context()))
		require.NoError(t, j.Wait(t.Context(), put(t, j, "x", "two")))
	})
}

func TestWriterThatWaitsForRoomLearnsThatTheJournalFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		e.onApply = func(_ context.Context, _ int, batches []persist.Batch) map[persist.Scope]error {
			time.Sleep(time.Second)
			return map[persist.Scope]error{batches[0].Scope: persist.ErrFenced}
		}
		j := open(t, start(t, e, Options{AccountDirtyBytes: 1}), "a")
		put(t, j, "x", "one")
		_, err := j.Update(t.Context(), func(*Tx) error { panic("must not run") })
		require.ErrorIs(t, err, persist.ErrFenced)
	})
}

func TestAbsenceIsCached(t *testing.T) {
	e := newEngine()
	j := open(t, start(t, e, Options{}), "a")
	for range 3 {
		require.Empty(t, name(t, j, j, "x"))
	}
	require.Equal(t, 1, e.reads())
	require.NoError(t, j.Wait(t.Context(), put(t, j, "x", "one")))
	require.Equal(t, "one", name(t, j, j, "x"))
	require.Equal(t, 1, e.reads())
}

func TestCleanRecordsAreEvictedWithinTheBound(t *testing.T) {
	for _, options := range []Options{{AccountCacheBytes: 10_000}, {NodeCacheBytes: 10_000}} {
		e := newEngine()
		c := start(t, e, options)
		j := open(t, c, "a")
		for i := range 100 {
			put(t, j, fmt.Sprint(i), fmt.Sprint("name ", i))
		}
		require.NoError(t, j.Flush(t.Context()))
		require.LessOrEqual(t, c.cleanBytes.Load(), int64(10_000))
		require.Positive(t, c.cleanBytes.Load())
		for i := range 100 {
			require.Equal(t, fmt.Sprint("name ", i), name(t, j, j, fmt.Sprint(i)))
		}
		require.Positive(t, e.reads())
		require.LessOrEqual(t, c.cleanBytes.Load(), int64(10_000))
		require.NoError(t, j.Close(t.Context()))
		require.Zero(t, c.cleanBytes.Load())
	}
}

func TestIdleAccountLetsItsCleanRecordsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newEngine(), Options{})
		j := open(t, c, "a")
		put(t, j, "x", "one")
		time.Sleep(time.Second)
		synctest.Wait()
		require.Positive(t, c.cleanBytes.Load())
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		require.Zero(t, c.cleanBytes.Load())
		require.Nil(t, j.clean.records)
		require.Equal(t, "one", name(t, j, j, "x"))
	})
}

// A record that is written, made durable and evicted while an older read of it
// is under way must not be replaced in memory by what that read found.
func TestLoadOvertakenByAnEvictedWriteIsMadeAgain(t *testing.T) {
	e := newEngine()
	j := open(t, start(t, e, Options{AccountCacheBytes: 1}), "a")
	require.NoError(t, j.Wait(t.Context(), put(t, j, "x", "old")))
	e.onGet = func() {
		e.onGet = nil
		require.NoError(t, j.Wait(t.Context(), put(t, j, "x", "new")))
	}
	require.Equal(t, "new", name(t, j, j, "x"))
}

func TestEvictedRecordMayConflictButNeverHidesAWrite(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{AccountCacheBytes: 1}), "a")
	tx := j.Begin()
	name(t, tx, j, "x")
	require.NoError(t, j.Wait(t.Context(), put(t, j, "x", "one")))
	_, known := j.clean.get(addressOf(persist.Contacts.Table, persist.Key{"x"}))
	require.False(t, known)
	_, err := tx.Commit()
	require.ErrorIs(t, err, ErrChanged)
}
