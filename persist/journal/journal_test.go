package journal

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

func TestWriteIsReadableBeforeAndAfterItIsDurable(t *testing.T) {
	e := newEngine()
	j := open(t, start(t, e, Options{}), "a")
	p := put(t, j, "x", "one")
	require.Equal(t, "one", name(t, j, j, "x"))
	require.NoError(t, j.Wait(t.Context(), p))
	require.Equal(t, "one", name(t, j, j, "x"))
	require.Zero(t, e.reads(), "what was written stays in memory")
	require.Equal(t, "one", name(t, e, j, "x"))
}

func TestWaiterIsNotKeptUntilTheLazyFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := open(t, start(t, newEngine(), Options{}), "a")
		began := time.Now()
		require.NoError(t, j.Wait(t.Context(), put(t, j, "x", "one")))
		require.Zero(t, time.Since(began))
	})
}

func TestWhatNobodyWaitsForIsFlushedOnceAfterTheLazyDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		c := start(t, e, Options{LazyDelay: time.Second})
		a, b := open(t, c, "a"), open(t, c, "b")
		for i := range 100 {
			put(t, a, "x", fmt.Sprint(i))
			put(t, b, "y", fmt.Sprint(i))
		}
		time.Sleep(time.Second - time.Millisecond)
		synctest.Wait()
		require.Zero(t, e.commits())
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.Len(t, e.applies, 1)
		require.Len(t, e.applies[0], 2, "both accounts in one commit")
		require.Len(t, e.applies[0][0].Mutations, 1, "only the last write of a record")
		require.Equal(t, "99", name(t, e, a, "x"))
		time.Sleep(time.Minute)
		require.Equal(t, 1, e.commits(), "nothing is dirty any more")
		put(t, a, "x", "again")
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, "again", name(t, e, a, "x"))
	})
}

func TestWritesDuringACommitGoIntoTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		entered, release := e.gate()
		j := open(t, start(t, e, Options{LazyDelay: time.Hour}), "a")
		waited := make(chan error, 2)
		first := put(t, j, "x", "one")
		go func() { waited <- j.Wait(t.Context(), first) }()
		<-entered
		second := put(t, j, "x", "two")
		go func() { waited <- j.Wait(t.Context(), second) }()
		require.Equal(t, "two", name(t, j, j, "x"))
		synctest.Wait()
		began := time.Now()
		close(release)
		require.NoError(t, <-waited)
		require.NoError(t, <-waited)
		require.Zero(t, time.Since(began))
		require.Len(t, e.applies, 2)
		require.Equal(t, "one", e.applies[0][0].Mutations[0].Row[3])
		require.Equal(t, "two", e.applies[1][0].Mutations[0].Row[3])
	})
}

func TestWaitGivesUpWithItsContextAndTheUnitStays(t *testing.T) {
	e := newEngine()
	entered, release := e.gate()
	j := open(t, start(t, e, Options{}), "a")
	p := put(t, j, "x", "one")
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	require.ErrorIs(t, j.Wait(ctx, p), context.Canceled)
	close(release)
	require.NoError(t, j.Wait(t.Context(), p))
}

func TestWaitRefusesAPositionBeyondTheLog(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{}), "a")
	require.NoError(t, j.Wait(t.Context(), 0))
	require.Error(t, j.Wait(t.Context(), 1))
}

func TestScanSeesEverythingAppendedBefore(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{LazyDelay: time.Hour}), "a")
	put(t, j, "x", "one")
	found, err := persist.Contacts.Scan(t.Context(), j, persist.Query{Limit: 10})
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestJournalShowsNothingOfAnotherScope(t *testing.T) {
	c := start(t, newEngine(), Options{})
	a, b := open(t, c, "a"), open(t, c, "b")
	put(t, a, "x", "one")
	_, err := persist.Contacts.Get(t.Context(), b, a.Scope(), "x")
	require.ErrorIs(t, err, persist.ErrNotFound)
	_, err = persist.Contacts.Get(t.Context(), b.Begin(), a.Scope(), "x")
	require.ErrorIs(t, err, persist.ErrNotFound)
	_, err = persist.Contacts.Get(t.Context(), b, b.Scope(), "x")
	require.ErrorIs(t, err, persist.ErrNotFound)
}

func TestRowsAreTheReadersOwn(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{}), "a")
	session := persist.SignalSession{Address: "x", Session: []byte("good")}
	_, err := j.Update(t.Context(), func(tx *Tx) error {
		tx.Put(persist.SignalSessions.Put(session))
		return nil
	})
	require.NoError(t, err)
	session.Session[0] = '!'
	read, err := persist.SignalSessions.Get(t.Context(), j, j.Scope(), "x")
	require.NoError(t, err)
	require.Equal(t, "good", string(read.Session))
	read.Session[0] = '?'
	read, err = persist.SignalSessions.Get(t.Context(), j, j.Scope(), "x")
	require.NoError(t, err)
	require.Equal(t, "good", string(read.Session))
}

func TestCloseFlushesThenEverythingAnswersClosed(t *testing.T) {
	e := newEngine()
	j := open(t, start(t, e, Options{LazyDelay: time.Hour}), "a")
	p := put(t, j, "x", "one")
	open := j.Begin()
	open.Put(contact("y", "late"))
	require.NoError(t, j.Close(t.Context()))
	require.Equal(t, "one", name(t, e, j, "x"))

	_, err := j.Update(t.Context(), func(*Tx) error { return errors.New("must not run") })
	require.ErrorIs(t, err, persist.ErrClosed)
	_, err = open.Commit()
	require.ErrorIs(t, err, persist.ErrClosed)
	_, err = persist.Contacts.Get(t.Context(), j, j.Scope(), "x")
	require.ErrorIs(t, err, persist.ErrClosed)
	_, err = j.Scan(t.Context(), persist.Query{Table: persist.Contacts.Table, Limit: 1})
	require.ErrorIs(t, err, persist.ErrClosed)
	require.ErrorIs(t, j.Wait(t.Context(), p), persist.ErrClosed)
	require.ErrorIs(t, j.Close(t.Context()), persist.ErrClosed)
	require.ErrorIs(t, j.Err(), persist.ErrClosed)
	select {
	case <-j.Failed():
		t.Fatal("closing is no failure")
	default:
	}
}

func TestWritesAreRefusedFromTheBeginningOfAClose(t *testing.T) {
	for _, whole := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := newEngine()
			entered, release := e.gate()
			c := start(t, e, Options{})
			j := open(t, c, "a")
			put(t, j, "x", "one")
			closed := make(chan error, 1)
			go func() {
				if whole {
					closed <- c.Close(t.Context())
				} else {
					closed <- j.Close(t.Context())
				}
			}()
			<-entered
			require.NoError(t, j.Err(), "not closed yet")
			_, err := j.Update(t.Context(), func(*Tx) error { panic("must not run") })
			require.ErrorIs(t, err, persist.ErrClosed)
			close(release)
			require.NoError(t, <-closed)
		})
	}
}

func TestWaiterOfACloseThatFlushesIsToldThatItIsDurable(t *testing.T) {
	e := newEngine()
	entered, release := e.gate()
	j := open(t, start(t, e, Options{}), "a")
	waited := make(chan error, 1)
	p := put(t, j, "x", "one")
	go func() { waited <- j.Wait(context.Background(), p) }()
	<-entered
	closed := make(chan error, 1)
	go func() { closed <- j.Close(context.Background()) }()
	close(release)
	require.NoError(t, <-waited)
	require.NoError(t, <-closed)
}

func TestCloseWithoutTimeDropsWhatIsNotDurable(t *testing.T) {
	e := newEngine()
	entered, release := e.gate()
	defer close(release)
	j := open(t, start(t, e, Options{}), "a")
	p := put(t, j, "x", "one")
	waited := make(chan error, 1)
	go func() { waited <- j.Wait(context.Background(), p) }()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, j.Close(ctx), context.Canceled)
	require.ErrorIs(t, <-waited, persist.ErrClosed)
}
