package journal

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

func TestErrorOrPanicOfAnUpdateDiscardsTheUnit(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{}), "a")
	failure := errors.New("second thoughts")
	_, err := j.Update(t.Context(), func(tx *Tx) error {
		tx.Put(contact("x", "one"))
		return failure
	})
	require.ErrorIs(t, err, failure)
	require.PanicsWithValue(t, "bug", func() {
		_, _ = j.Update(t.Context(), func(tx *Tx) error {
			tx.Put(contact("x", "one"))
			panic("bug")
		})
	})
	require.Zero(t, j.Head())
	require.Empty(t, name(t, j, j, "x"))
	put(t, j, "x", "two")
}

func TestTransactionReadsItsOwnWritesFirstAndHidesThem(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{}), "a")
	put(t, j, "x", "one")
	put(t, j, "y", "one")
	tx := j.Begin()
	tx.Put(contact("x", "two"), persist.Contacts.Remove("y"), contact("z", "two"), contact("z", "three"))
	require.Equal(t, "two", name(t, tx, j, "x"))
	require.Empty(t, name(t, tx, j, "y"))
	require.Equal(t, "three", name(t, tx, j, "z"))
	require.Equal(t, "one", name(t, j, j, "x"))
	_, err := tx.Commit()
	require.NoError(t, err)
	require.Equal(t, "two", name(t, j, j, "x"))
	require.Empty(t, name(t, j, j, "y"))
	require.Equal(t, "three", name(t, j, j, "z"))
	_, err = tx.Commit()
	require.ErrorIs(t, err, ErrDone)
}

func TestCommitConflictsOnlyIfWhatItReadWasWritten(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{}), "a")
	put(t, j, "x", "one")
	loser, winner, blind := j.Begin(), j.Begin(), j.Begin()
	name(t, loser, j, "x")
	name(t, winner, j, "absent")
	put(t, j, "x", "two")
	before := j.Head()
	loser.Put(contact("y", "lost"))
	_, err := loser.Commit()
	require.ErrorIs(t, err, ErrChanged)
	require.Equal(t, before, j.Head())
	require.Empty(t, name(t, j, j, "y"))

	winner.Put(contact("absent", "here"))
	_, err = winner.Commit()
	require.NoError(t, err)
	blind.Put(contact("x", "three"))
	_, err = blind.Commit()
	require.NoError(t, err)
}

func TestAbsenceThatWasReadIsAConflictToo(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{}), "a")
	tx := j.Begin()
	name(t, tx, j, "x")
	require.NoError(t, j.Wait(t.Context(), put(t, j, "x", "one")))
	_, err := tx.Commit()
	require.ErrorIs(t, err, ErrChanged)
}

func TestExpectedVersionGuardsAWriteMadeFromAnOlderRead(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{}), "a")
	write := func(version Version) error {
		_, err := j.Update(t.Context(), func(tx *Tx) error {
			tx.Expect(persist.Contacts.Table, persist.Key{"x"}, version)
			tx.Put(contact("x", "mine"))
			return nil
		})
		return err
	}
	version := j.Version(persist.Contacts.Table, persist.Key{"x"})
	require.Empty(t, name(t, j, j, "x"))
	require.NoError(t, write(version))
	require.ErrorIs(t, write(version), ErrChanged)
	require.NoError(t, write(j.Version(persist.Contacts.Table, persist.Key{"x"})))
}

func TestCountersAddUpAcrossUnitsThatMeet(t *testing.T) {
	e := newEngine()
	c := start(t, e, Options{})
	count := func(from persist.Getter, j *Journal) int64 {
		counter, err := persist.Counters.Get(t.Context(), from, j.Scope(), persist.CountChats)
		require.NoError(t, err)
		return counter.Value
	}
	j := open(t, c, "a")
	one, two := j.Begin(), j.Begin()
	one.Count(persist.CountChats, 3)
	one.Count(persist.CountChats, 1)
	require.EqualValues(t, 4, count(one, j))
	two.Count(persist.CountChats, -1)
	for _, tx := range []*Tx{one, two} {
		_, err := tx.Commit()
		require.NoError(t, err)
	}
	require.EqualValues(t, 3, count(j, j))
	require.NoError(t, j.Close(t.Context()))

	j = open(t, c, "a")
	_, err := j.Update(t.Context(), func(tx *Tx) error {
		require.EqualValues(t, 3, count(tx, j))
		tx.Count(persist.CountChats, 10)
		require.EqualValues(t, 13, count(tx, j))
		return nil
	})
	require.NoError(t, err)
	require.EqualValues(t, 13, count(j, j))
}

func TestUnitThatCannotBeStoredIsRefusedAloneAndAtOnce(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{}), "a")
	for _, bad := range []persist.Mutation{
		{Table: persist.Contacts.Table, Row: persist.Row{"too short"}},
		persist.AccountIndex.Put(persist.AccountEntry{Number: "a", Version: 1}),
	} {
		_, err := j.Update(t.Context(), func(tx *Tx) error {
			tx.Put(contact("x", "one"), bad)
			return nil
		})
		require.ErrorIs(t, err, persist.ErrPoisoned)
	}
	require.Empty(t, name(t, j, j, "x"))
	require.NoError(t, j.Wait(t.Context(), put(t, j, "x", "two")))
}

func TestUnitWithoutWritesHasThePositionOfWhatItRead(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{LazyDelay: time.Hour}), "a")
	p := put(t, j, "x", "one")
	q, err := j.Update(t.Context(), func(*Tx) error { return nil })
	require.NoError(t, err)
	require.Equal(t, p, q)
}

func TestUpdatesOfOneJournalAreSerial(t *testing.T) {
	j := open(t, start(t, newEngine(), Options{}), "a")
	const writers, each = 8, 50
	errs := make(chan error, writers)
	for range writers {
		go func() {
			for range each {
				_, err := j.Update(t.Context(), func(tx *Tx) error {
					chat, err := persist.Chats.Get(t.Context(), tx, j.Scope(), "x")
					if err != nil && !errors.Is(err, persist.ErrNotFound) {
						return err
					}
					chat.JID, chat.Unread = "x", chat.Unread+1
					tx.Put(persist.Chats.Put(chat))
					return nil
				})
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- j.Flush(t.Context())
		}()
	}
	for range writers {
		require.NoError(t, <-errs)
	}
	chat, err := persist.Chats.Get(t.Context(), j, j.Scope(), "x")
	require.NoError(t, err)
	require.EqualValues(t, writers*each, chat.Unread)
}
