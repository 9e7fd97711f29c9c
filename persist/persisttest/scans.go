package persisttest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"whatsapp-web-server/persist"
)

// scansLikeModel asks random queries of random rows in every declared order.
func scansLikeModel(t *testing.T, engine persist.Engine) {
	for _, table := range persist.Tables() {
		t.Run(table.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				scope, rows := fillTable(t, engine, table)
				for range 8 {
					q := drawQuery(t, scope, table, rows)
					got, err := engine.Scan(t.Context(), q)
					require.NoError(t, err)
					require.Equal(t, model(rows, q), got, "%+v", q)
				}
			})
		})
	}
}

// fillTable makes the table hold some rows in a scope and nothing else.
func fillTable(t *rapid.T, engine persist.Engine, table *persist.Table) (persist.Scope, []persist.Row) {
	sameKey := func(row persist.Row) string { return fmt.Sprintf("%#v", keyOf(table, row)) }
	rows := rapid.SliceOfNDistinct(closeRowOf(table), 0, 20, sameKey).Draw(t, "rows")
	batch := scopeFor(t, engine, table)
	for _, old := range all(t, engine, batch.Scope, table) {
		batch.Mutations = append(batch.Mutations, remove(table, old))
	}
	for _, row := range rows {
		batch.Mutations = append(batch.Mutations, put(table, row))
	}
	mustApply(t, engine, batch)
	return batch.Scope, rows
}

// drawQuery takes its values from a stored row, where there is one, or else
// from those rows are made of.
func drawQuery(t *rapid.T, scope persist.Scope, table *persist.Table, rows []persist.Row) persist.Query {
	q := persist.Query{
		Scope:   scope,
		Table:   table,
		Reverse: rapid.Bool().Draw(t, "reverse"),
		Offset:  rapid.SampledFrom([]int{0, 0, 0, 1, 5, 30}).Draw(t, "offset"),
		Limit:   rapid.SampledFrom([]int{1, 2, 5, 100}).Draw(t, "limit"),
	}
	names := []string{""}
	for _, index := range table.Indexes {
		names = append(names, index.Name)
	}
	q.Index = rapid.SampledFrom(names).Draw(t, "index")
	sample := closeRowOf(table).Draw(t, "absent")
	if len(rows) > 0 && rapid.Bool().Draw(t, "present") {
		sample = rapid.SampledFrom(rows).Draw(t, "sample")
	}
	values := along(table.Positions(q.Index), sample)
	prefix := rapid.IntRange(0, len(values)).Draw(t, "prefix")
	after := rapid.IntRange(prefix, len(values)).Draw(t, "after")
	q.Prefix = values[:prefix]
	if table.Searched > 0 {
		q.Match = drawMatch(t)
	}
	if after > prefix {
		q.After = values[prefix:after]
	}
	return q
}

// drawMatch begins to type words that rows may have.
func drawMatch(t *rapid.T) []string {
	var typed []string
	for _, term := range persist.Terms(sentences.Draw(t, "match")) {
		letters := []rune(term)
		typed = append(typed, string(letters[:rapid.IntRange(1, len(letters)).Draw(t, "length")]))
	}
	return typed
}

// matches tells whether a row has a word that begins with each term.
func matches(row persist.Row, q persist.Query) bool {
	return !slices.ContainsFunc(q.Match, func(term string) bool {
		return !slices.ContainsFunc(strings.Fields(row[q.Table.Searched].(string)), func(word string) bool {
			return strings.HasPrefix(word, term)
		})
	})
}

// along returns the row's values in the order of an index.
func along(positions []int, row persist.Row) persist.Key {
	values := make(persist.Key, len(positions))
	for i, position := range positions {
		values[i] = row[position]
	}
	return values
}

// model answers q by sorting all rows and walking them.
func model(rows []persist.Row, q persist.Query) []persist.Row {
	positions := q.Table.Positions(q.Index)
	sorted := slices.SortedFunc(slices.Values(rows), func(a, b persist.Row) int {
		return compareKeys(along(positions, a), along(positions, b))
	})
	if q.Reverse {
		slices.Reverse(sorted)
	}
	var found []persist.Row
	for _, row := range sorted {
		values := along(positions, row)
		if compareKeys(values[:len(q.Prefix)], q.Prefix) == 0 && beyond(values[len(q.Prefix):], q) && matches(row, q) {
			found = append(found, row)
		}
	}
	found = found[min(q.Offset, len(found)):]
	found = found[:min(q.Limit, len(found))]
	if len(found) == 0 {
		return nil
	}
	return found
}

// beyond tells whether values come after the start of q in its direction.
func beyond(values persist.Key, q persist.Query) bool {
	if len(q.After) == 0 {
		return true
	}
	order := compareKeys(values[:len(q.After)], q.After)
	if q.Reverse {
		return order < 0
	}
	return order > 0
}

func compareKeys(a, b persist.Key) int { return slices.CompareFunc(a, b, compareValues) }

func compareValues(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case int64:
		return cmp.Compare(a, b.(int64))
	default:
		return bytes.Compare(a.([]byte), b.([]byte))
	}
}

// cursorStability pages backwards through a chat while messages arrive at both
// ends and between the pages.
func cursorStability(t *testing.T, engine persist.Engine) {
	const originals, page = 50, 7
	a := newAccount(t, engine)
	message := func(id string, at int) persist.Mutation {
		return persist.Messages.Put(persist.Message{Chat: "chat", Sender: "s", ID: id, Timestamp: time.UnixMilli(int64(at))})
	}
	for i := range originals {
		a.apply(t, message(fmt.Sprintf("original %d", i), 1000+i/3)) // three share each time
	}
	q := persist.Query{Scope: a.scope, Index: "by_time", Prefix: persist.Key{"chat"}, Reverse: true, Limit: page}
	seen := map[string]int{}
	for turn := 0; ; turn++ {
		found, err := persist.Messages.Scan(t.Context(), engine, q)
		require.NoError(t, err)
		if len(found) == 0 {
			break
		}
		for _, m := range found {
			seen[m.ID]++
		}
		last := found[len(found)-1]
		q.After = persist.Messages.Key(last.Timestamp, last.Seq, last.Sender, last.ID)
		a.apply(t, message(fmt.Sprintf("newer %d", turn), 5000+turn), message(fmt.Sprintf("passed %d", turn), 1000+originals))
	}
	require.Len(t, seen, originals)
	for id, times := range seen {
		require.Equal(t, 1, times, id)
	}
}
