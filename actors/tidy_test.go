package actors

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// count is how many records of a kind the desk has.
func count[T any](t *testing.T, d *desk, kind persist.Kind[T]) int {
	t.Helper()
	all, err := kind.Scan(t.Context(), d.journal, persist.Query{Scope: d.journal.Scope(), Limit: 10 * tidyPage})
	require.NoError(t, err)
	return len(all)
}

func TestWhatHasHadItsTimeIsRemovedAndNothingElse(t *testing.T) {
	d := newDesk(t)
	d.ledger.now = func() time.Time { return midday }
	over, open := midday.Add(-time.Second), midday.Add(time.Second)
	key := func(name string, expires time.Time) persist.Mutation {
		return persist.IdempotencyKeys.Put(persist.IdempotencyKey{Principal: "p", Key: name, RequestHash: []byte{1}, ExpiresAt: expires})
	}
	result := func(id string, expires time.Time) persist.Mutation {
		return persist.SendResults.Put(persist.SendResult{MessageID: id, Status: "sent", ExpiresAt: expires})
	}
	upload := func(digest string, at time.Time) persist.Mutation {
		return persist.MediaUploads.Put(persist.MediaUpload{Digest: digest, Type: "image", UploadedAt: at})
	}
	require.NoError(t, d.ledger.record(t.Context(), func(u *unit) error {
		u.Put(key("over", over), key("open", open), result("over", over), result("open", open),
			upload("over", over.Add(-keptUpload)), upload("open", open.Add(-keptUpload)))
		return nil
	}))

	require.NoError(t, d.ledger.tidy(t.Context()))

	for kind, left := range map[string]int{
		"keys": count(t, d, persist.IdempotencyKeys), "results": count(t, d, persist.SendResults),
		"uploads": count(t, d, persist.MediaUploads),
	} {
		require.Equal(t, 1, left, kind)
	}
	_, err := persist.IdempotencyKeys.Get(t.Context(), d.journal, d.journal.Scope(), "p", "open")
	require.NoError(t, err, "the one whose time is not over is what is left")
}

func TestMoreThanAPageOfOldKeysIsRemovedAtOnce(t *testing.T) {
	d := newDesk(t)
	d.ledger.now = func() time.Time { return midday }
	const keys = 2*tidyPage + 1
	require.NoError(t, d.ledger.record(t.Context(), func(u *unit) error {
		for i := range keys {
			term := midday.Add(time.Duration(1-2*(i%2)) * time.Hour) // every second one is over
			u.Put(persist.IdempotencyKeys.Put(persist.IdempotencyKey{
				Principal: "p", Key: time.Duration(i).String(), RequestHash: []byte{1}, ExpiresAt: term,
			}))
		}
		return nil
	}))
	require.NoError(t, d.ledger.tidy(t.Context()))
	require.Equal(t, tidyPage+1, count(t, d, persist.IdempotencyKeys))
}

func TestAKeyThatIsUsedAnewWhileOldOnesAreRemovedStays(t *testing.T) {
	d := newDesk(t)
	used := persist.IdempotencyKey{Principal: "p", Key: "k", RequestHash: []byte{1}, ExpiresAt: midday.Add(-time.Hour)}
	seen := persist.IdempotencyKeys.Put(used).Row // by the scan, before
	used.ExpiresAt = midday.Add(time.Hour)
	require.NoError(t, d.ledger.record(t.Context(), func(u *unit) error {
		u.Put(persist.IdempotencyKeys.Put(used))
		return nil
	}))
	old := func(k persist.IdempotencyKey) bool { return k.ExpiresAt.Before(midday) }
	require.NoError(t, removeOldOf(t.Context(), d.ledger, persist.IdempotencyKeys, []persist.Row{seen}, old))
	require.Equal(t, 1, count(t, d, persist.IdempotencyKeys))
}

func TestAnAccountIsTidiedWithinAnHourWhetherItRunsOrNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLodging(t)
		l.live(t, func(_ *Account, ref *Ref) {
			_, err := Ask[Status](t.Context(), ref, GetStatus{}) // its storage is open
			require.NoError(t, err)
		})
		scope := persist.AccountScope(own.User)
		generation, err := l.engine.Acquire(t.Context(), own.User, 0)
		require.NoError(t, err)
		require.NoError(t, l.engine.Apply(t.Context(), []persist.Batch{{Scope: scope, Generation: generation, Mutations: []persist.Mutation{
			persist.IdempotencyKeys.Put(persist.IdempotencyKey{
				Principal: "p", Key: "k", RequestHash: []byte{1}, ExpiresAt: time.Now().Add(90 * time.Minute),
			}),
		}}})[0])
		kept := func() bool {
			_, err := persist.IdempotencyKeys.Get(t.Context(), l.engine, scope, "p", "k")
			return err == nil
		}
		l.live(t, func(*Account, *Ref) {
			time.Sleep(tidyEvery)
			require.True(t, kept())
			time.Sleep(90 * time.Minute)
			synctest.Wait()
			require.False(t, kept())
		})
	})
}
