package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

func TestManyWaitingAccountsShareOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		entered, release := e.gate()
		c := start(t, e, Options{})
		first := open(t, c, "first")
		go first.Wait(t.Context(), put(t, first, "x", "one"))
		<-entered
		waited := make(chan error, 64)
		for i := range 64 {
			j := open(t, c, fmt.Sprint(i))
			go func() { waited <- j.Wait(t.Context(), put(t, j, "x", "one")) }()
		}
		synctest.Wait()
		close(release)
		for range 64 {
			require.NoError(t, <-waited)
		}
		require.Len(t, e.applies, 2)
		require.Len(t, e.applies[1], 64)
	})
}

func TestCommitIsBoundedInAccountsAndBytes(t *testing.T) {
	for _, options := range []Options{{MaxBatches: 3}, {MaxBytes: 1}} {
		synctest.Test(t, func(t *testing.T) {
			e := newEngine()
			c := start(t, e, options)
			for i := range 10 {
				put(t, open(t, c, fmt.Sprint(i)), "x", "one")
			}
			time.Sleep(time.Second)
			synctest.Wait()
			flushed := 0
			for _, batches := range e.applies {
				require.LessOrEqual(t, len(batches), max(options.MaxBatches, 1))
				flushed += len(batches)
			}
			require.Equal(t, 10, flushed)
		})
	}
}

func TestFailedCommitEndsItsJournalAlone(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, test := range []struct{ answer, want error }{
		{broken, ErrOutcomeUnknown},
		{broken, broken},
		{persist.ErrFenced, persist.ErrFenced},
		{fmt.Errorf("row 3: %w", persist.ErrPoisoned), persist.ErrPoisoned},
	} {
		t.Run(test.answer.Error(), func(t *testing.T) {
			e := newEngine()
			e.refuse(1, test.answer, "bad")
			c := start(t, e, Options{LazyDelay: time.Hour})
			bad, good := open(t, c, "bad"), open(t, c, "good")
			told := false
			_, err := bad.Update(t.Context(), func(tx *Tx) error {
				tx.Put(contact("x", "one"))
				tx.OnDurable(func() { told = true })
				return nil
			})
			require.NoError(t, err)
			require.ErrorIs(t, bad.Flush(t.Context()), test.want)
			require.NoError(t, good.Wait(t.Context(), put(t, good, "x", "one")))
			<-bad.Failed()
			require.ErrorIs(t, bad.Err(), test.want)
			_, err = persist.Contacts.Get(t.Context(), bad, bad.Scope(), "x")
			require.ErrorIs(t, err, test.want)
			_, err = bad.Update(t.Context(), func(*Tx) error { return nil })
			require.ErrorIs(t, err, test.want)
			require.False(t, told)
			require.Zero(t, c.dirtyBytes.Load(), "what failed no longer counts")
		})
	}
}

func TestReopenedAccountReadsWhatIsDurable(t *testing.T) {
	e := newEngine()
	c := start(t, e, Options{})
	j := open(t, c, "a")
	require.NoError(t, j.Wait(t.Context(), put(t, j, "x", "kept")))
	e.refuse(2, errors.New("connection lost"), "a")
	require.ErrorIs(t, j.Wait(t.Context(), put(t, j, "x", "lost")), ErrOutcomeUnknown)
	e.onApply = nil
	again, err := c.Open(t.Context(), "a", j.Generation())
	require.NoError(t, err)
	require.Greater(t, again.Generation(), j.Generation())
	require.Equal(t, "kept", name(t, again, again, "x"))
	require.NoError(t, again.Wait(t.Context(), put(t, again, "x", "new")))
}

func TestOpeningAgainFencesTheJournalBefore(t *testing.T) {
	e := newEngine()
	c := start(t, e, Options{LazyDelay: time.Hour})
	old := open(t, c, "a")
	p := put(t, old, "x", "old")
	young := open(t, c, "a")
	<-old.Failed()
	require.ErrorIs(t, old.Wait(t.Context(), p), persist.ErrFenced)
	require.Empty(t, name(t, young, young, "x"))
	require.NoError(t, young.Wait(t.Context(), put(t, young, "x", "young")))
}

func TestWriterOfAnotherNodeFencesTheJournal(t *testing.T) {
	e := newEngine()
	old := open(t, start(t, e, Options{}), "a")
	open(t, start(t, e, Options{}), "a")
	require.ErrorIs(t, old.Wait(t.Context(), put(t, old, "x", "old")), persist.ErrFenced)
	require.Empty(t, name(t, e, old, "x"))
}

func TestPanicOfTheEngineFailsWhatItWasGivenOnly(t *testing.T) {
	e := newEngine()
	e.onApply = func(_ context.Context, n int, _ []persist.Batch) map[persist.Scope]error {
		if n == 1 {
			panic("engine bug")
		}
		return nil
	}
	var panics atomic.Int32
	c := start(t, e, Options{OnPanic: func(any, []byte) { panics.Add(1) }})
	a, b := open(t, c, "a"), open(t, c, "b")
	require.ErrorIs(t, a.Wait(t.Context(), put(t, a, "x", "one")), ErrOutcomeUnknown)
	require.NoError(t, b.Wait(t.Context(), put(t, b, "x", "one")))
	require.EqualValues(t, 1, panics.Load())
}

func TestCommitThatHangsFailsAtItsDeadlineAndHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		_, release := e.gate()
		c := start(t, e, Options{ApplyTimeout: 30 * time.Second})
		a, b := open(t, c, "a"), open(t, c, "b")
		began := time.Now()
		require.ErrorIs(t, a.Wait(t.Context(), put(t, a, "x", "one")), ErrOutcomeUnknown)
		require.Equal(t, 30*time.Second, time.Since(began))
		require.NoError(t, b.Wait(t.Context(), put(t, b, "x", "one")))
		close(release)
	})
}

func TestCallbacksComeInLogOrderBeforeTheWaiterAndSurvivePanics(t *testing.T) {
	var panics atomic.Int32
	c := start(t, newEngine(), Options{LazyDelay: time.Hour, OnPanic: func(any, []byte) { panics.Add(1) }})
	j := open(t, c, "a")
	var called []int
	for i := range 100 {
		_, err := j.Update(t.Context(), func(tx *Tx) error {
			tx.Put(contact("x", fmt.Sprint(i)))
			tx.OnDurable(func() {
				called = append(called, i)
				if i == 50 {
					panic("callback bug")
				}
			})
			return nil
		})
		require.NoError(t, err)
	}
	require.NoError(t, j.Flush(t.Context()))
	require.Len(t, called, 100)
	require.True(t, slices.IsSorted(called))
	require.EqualValues(t, 1, panics.Load())
}

func TestCallbackNeedsNoWaiter(t *testing.T) {
	for _, writes := range [][]persist.Mutation{nil, {contact("x", "one")}} {
		j := open(t, start(t, newEngine(), Options{LazyDelay: time.Hour}), "a")
		called := make(chan struct{})
		_, err := j.Update(t.Context(), func(tx *Tx) error {
			tx.Put(writes...)
			tx.OnDurable(func() { close(called) })
			return nil
		})
		require.NoError(t, err)
		<-called
	}
}

func TestPatientUnitIsTakenAlongByTheNextFlush(t *testing.T) {
	e := newEngine()
	j := open(t, start(t, e, Options{LazyDelay: time.Hour}), "a")
	var called []string
	_, err := j.Update(t.Context(), func(tx *Tx) error {
		tx.Put(contact("x", "one"))
		tx.OnDurable(func() { called = append(called, "patient") })
		tx.Patient()
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, j.Wait(t.Context(), put(t, j, "y", "two")))
	require.Equal(t, []string{"patient"}, called)
	require.Equal(t, 1, e.commits())
}

func TestPatientUnitIsDurableInTheEndByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := open(t, start(t, newEngine(), Options{LazyDelay: time.Second}), "a")
		called := make(chan struct{})
		began := time.Now()
		_, err := j.Update(t.Context(), func(tx *Tx) error {
			tx.OnDurable(func() { close(called) })
			tx.Patient()
			return nil
		})
		require.NoError(t, err)
		<-called
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestARiderGoesAlongWithTheNextCommitOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		c := start(t, e, Options{LazyDelay: time.Hour})
		rider, other := open(t, c, "rider"), open(t, c, "other")
		rode := make(chan error, 1)
		go func() { rode <- rider.Ride(t.Context(), put(t, rider, "x", "one")) }()
		synctest.Wait()
		require.Zero(t, e.commits())
		require.NoError(t, other.Wait(t.Context(), put(t, other, "x", "two")))
		require.NoError(t, <-rode)
		require.Equal(t, 1, e.commits())
		require.Equal(t, "one", name(t, e, rider, "x"))
	})
}

func TestARiderDoesNotWaitForOthersForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		rider := open(t, start(t, e, Options{LazyDelay: time.Hour, RideDelay: time.Second}), "rider")
		for _, text := range []string{"one", "two"} {
			began := time.Now()
			require.NoError(t, rider.Ride(t.Context(), put(t, rider, "x", text)))
			require.Equal(t, time.Second, time.Since(began))
			require.Equal(t, text, name(t, e, rider, "x"))
		}
	})
}

func TestCommitterFlushesEverythingWhenItCloses(t *testing.T) {
	e := newEngine()
	c := NewCommitter(e, Options{LazyDelay: time.Hour})
	var journals []*Journal
	for i := range 20 {
		j := open(t, c, fmt.Sprint(i))
		put(t, j, "x", "one")
		journals = append(journals, j)
	}
	require.NoError(t, c.Close(t.Context()))
	require.LessOrEqual(t, e.commits(), 20)
	for _, j := range journals {
		require.Equal(t, "one", name(t, e, j, "x"))
		require.ErrorIs(t, j.Err(), persist.ErrClosed)
	}
	_, err := c.Open(t.Context(), "late", 0)
	require.ErrorIs(t, err, persist.ErrClosed)
	require.NoError(t, c.Close(t.Context()), "closing twice is harmless")
}

func TestCommitterCloseCancelsACommitWhenTimeIsUp(t *testing.T) {
	e := newEngine()
	e.onApply = func(ctx context.Context, _ int, batches []persist.Batch) map[persist.Scope]error {
		<-ctx.Done()
		return map[persist.Scope]error{batches[0].Scope: ctx.Err()}
	}
	c := NewCommitter(e, Options{})
	put(t, open(t, c, "a"), "x", "one")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, c.Close(ctx), context.DeadlineExceeded)
	c.running.Wait()
}
