package persisttest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// concurrentAccounts lets 64 accounts write at once; each reads what it wrote.
func concurrentAccounts(t *testing.T, engine persist.Engine) {
	const writers = 64
	commits := 15 / Thrift
	var group sync.WaitGroup
	for range writers {
		a := newAccount(t, engine)
		group.Go(func() {
			for n := range int64(commits) {
				err := a.try(t, count("total", n+1), persist.Events.Put(persist.Event{Seq: n}))
				stored, getErr := persist.Counters.Get(t.Context(), engine, a.scope, "total")
				if !assert.NoError(t, errors.Join(err, getErr)) || !assert.Equal(t, n+1, stored.Value) {
					return
				}
			}
			rows, err := engine.Scan(t.Context(), persist.Query{Scope: a.scope, Table: persist.Events.Table, Limit: 1000})
			assert.NoError(t, err)
			assert.Len(t, rows, commits)
		})
	}
	group.Wait()
}

// concurrentVersions counts in one record from several goroutines.
func concurrentVersions(t *testing.T, engine persist.Engine) {
	const writers, each = 8, 5
	require.NoError(t, changeIndex(t, engine, entry("shared", 1)))
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for range each {
				assert.NoError(t, increment(t, engine, fmt.Sprint(w)))
			}
		})
	}
	group.Wait()
	stored, err := persist.AccountIndex.Get(t.Context(), engine, persist.SystemScope(), "shared")
	require.NoError(t, err)
	require.EqualValues(t, 1+writers*each, stored.Version)
}

// increment reads and changes the shared record until nobody came between.
func increment(t tester, engine persist.Engine, by string) error {
	for {
		shared, err := persist.AccountIndex.Get(t.Context(), engine, persist.SystemScope(), "shared")
		if err != nil {
			return err
		}
		shared.Version++
		shared.Tenant = by
		err = changeIndex(t, engine, persist.AccountIndex.Put(shared))
		if !errors.Is(err, persist.ErrConflict) {
			return err
		}
	}
}
