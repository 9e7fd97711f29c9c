package persisttest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
)

// Thrift divides the work of the tests that write much. An engine whose test server is
// slow raises it before it runs the suite.
var Thrift = 1

// Run tests an engine. Each call of open returns an empty, migrated engine of
// its own, which the suite closes.
func Run(t *testing.T, open func(testing.TB) persist.Engine) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, persist.Engine)
	}{
		{"a record of every kind is read as it was written", roundTrip},
		{"text and bytes of every value survive", awkwardValues},
		{"a large record survives", largeRecord},
		{"a missing record is not found", missing},
		{"a put replaces, a delete removes", replaceAndDelete},
		{"rows handed in and out stay as they are", rowsNotChanged},
		{"a wrong key or query is refused", misasked},

		{"mutations of a batch take effect in their order", orderWithinBatch},
		{"a poisoned batch leaves nothing", poisonedBatch},
		{"refused batches do not keep others from being committed", mixedBatches},
		{"a versioned record changes from the version that was read", versions},
		{"a conflict in the middle of a batch leaves nothing", conflictHalfWay},

		{"scans agree with a naive model", scansLikeModel},
		{"texts are found by the beginnings of their words", search},
		{"a cursor misses and repeats nothing while rows are inserted", cursorStability},

		{"accounts do not see each other", isolation},
		{"a table is not read through a scope of another level", levels},
		{"a deleted scope leaves nothing but its generation", deleteScope},

		{"generations grow and respect the floor", generationsGrow},
		{"generations are unique among concurrent writers", generationsUnique},
		{"a superseded writer is fenced", fencing},

		{"many writers at once lose nothing", concurrentAccounts},
		{"versions make concurrent changes of one record safe", concurrentVersions},

		{"a snapshot stays as it was while writers go on", snapshots},

		{"a healthy engine says so", healthy},
		{"a cancelled call has no effect", cancelled},
		{"a closed engine says so", closed},
		{"closing waits for calls in progress", closeWhileBusy},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, start(t, open)) })
	}
}

// tester is what a test and a rapid check have in common.
type tester interface {
	require.TestingT
	Helper()
	Context() context.Context
}

// start opens an engine for one test.
func start(t testing.TB, open func(testing.TB) persist.Engine) persist.Engine {
	t.Helper()
	engine := open(t)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	return engine
}

// account is a writer of one account and what it needs at hand.
type account struct {
	engine     persist.Engine
	number     string
	scope      persist.Scope
	generation uint64
}

var accounts atomic.Int64

// newAccount acquires an account that no other test has.
func newAccount(t tester, engine persist.Engine) account {
	t.Helper()
	return openAccount(t, engine, fmt.Sprintf("49170%08d", accounts.Add(1)))
}

func openAccount(t tester, engine persist.Engine, number string) account {
	t.Helper()
	generation, err := engine.Acquire(t.Context(), number, 0)
	require.NoError(t, err)
	return account{engine, number, persist.AccountScope(number), generation}
}

func (a account) batch(mutations ...persist.Mutation) persist.Batch {
	return persist.Batch{Scope: a.scope, Generation: a.generation, Mutations: mutations}
}

// apply commits the mutations in one batch.
func (a account) apply(t tester, mutations ...persist.Mutation) {
	t.Helper()
	mustApply(t, a.engine, a.batch(mutations...))
}

// try returns how the batch was answered.
func (a account) try(t tester, mutations ...persist.Mutation) error {
	t.Helper()
	return a.engine.Apply(t.Context(), []persist.Batch{a.batch(mutations...)})[0]
}

func (a account) counter(t tester, name string) int64 {
	t.Helper()
	counter, err := persist.Counters.Get(t.Context(), a.engine, a.scope, name)
	if errors.Is(err, persist.ErrNotFound) {
		return 0
	}
	require.NoError(t, err)
	return counter.Value
}

// all reads the rows of a table, up to a thousand, in the order of the key.
func all(t tester, engine persist.Engine, scope persist.Scope, table *persist.Table) []persist.Row {
	t.Helper()
	rows, err := engine.Scan(t.Context(), persist.Query{Scope: scope, Table: table, Limit: 1000})
	require.NoError(t, err)
	return rows
}

func mustApply(t tester, engine persist.Engine, batches ...persist.Batch) {
	t.Helper()
	results := engine.Apply(t.Context(), batches)
	require.Len(t, results, len(batches))
	require.NoError(t, errors.Join(results...))
}

func put(table *persist.Table, row persist.Row) persist.Mutation {
	return persist.Mutation{Table: table, Row: row}
}

func remove(table *persist.Table, row persist.Row) persist.Mutation {
	end := table.KeyColumns
	if table.Versioned {
		end++
	}
	return persist.Mutation{Table: table, Row: row[:end:end], Delete: true}
}

func keyOf(table *persist.Table, row persist.Row) persist.Key {
	return persist.Key(row[:table.KeyColumns:table.KeyColumns])
}

// count is a mutation that sets a counter.
func count(name string, value int64) persist.Mutation {
	return persist.Counters.Put(persist.Counter{Name: name, Value: value})
}

// scopeFor returns a scope that may hold the table's rows and a batch for it.
func scopeFor(t tester, engine persist.Engine, table *persist.Table) persist.Batch {
	t.Helper()
	switch table.Level {
	case persist.SystemScope().Level():
		return persist.Batch{Scope: persist.SystemScope()}
	case persist.TenantScope("").Level():
		return persist.Batch{Scope: persist.TenantScope(fmt.Sprintf("tenant-%d", accounts.Add(1)))}
	default:
		return newAccount(t, engine).batch()
	}
}
