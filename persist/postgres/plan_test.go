package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/postgres"
)

// planner is a session with the settings of the engine's own.
type planner struct {
	db   *postgres.DB
	conn *pgx.Conn
}

func newPlanner(t *testing.T) planner {
	t.Helper()
	url := newDatabase(t)
	db := openURL(t, url)
	for n := range 3 {
		account := fmt.Sprint(n)
		generation, err := db.Acquire(t.Context(), account, 0)
		require.NoError(t, err)
		batch := history(persist.Batch{Scope: persist.AccountScope(account), Generation: generation}, 0, 1000)
		require.NoError(t, db.Apply(t.Context(), []persist.Batch{batch})[0])
	}
	execute(t, url, "ANALYZE")
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	config.RuntimeParams = db.Settings()
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close(t.Context()))
		require.NoError(t, db.Close())
	})
	return planner{db, conn}
}

// explain returns the plan that is made for all values of a scan.
func (p planner) explain(t *testing.T, q persist.Query) string {
	t.Helper()
	text := p.db.ScanText(q)
	_, err := p.conn.Exec(t.Context(), "DEALLOCATE ALL")
	require.NoError(t, err)
	_, err = p.conn.Exec(t.Context(), "PREPARE scan AS "+text)
	require.NoError(t, err, text)
	values := strings.Repeat("NULL, ", strings.Count(text, "$")-1) + "NULL"
	rows, err := p.conn.Query(t.Context(), "EXPLAIN (COSTS OFF) EXECUTE scan ("+values+")")
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(lines, "\n")
}

// Pages are read along their index, from where they start: nothing is sorted, and
// no row is read in vain.
func TestScansWalkTheirIndex(t *testing.T) {
	p := newPlanner(t)
	for _, table := range persist.Tables() {
		for _, index := range append([]persist.Index{{}}, table.Indexes...) {
			length := len(table.Positions(index.Name))
			for prefix := range max(length, 1) { // one of all columns is as good by another index
				for after := range length - prefix + 1 {
					q := persist.Query{
						Table: table, Index: index.Name, Reverse: (prefix+after)%2 == 0,
						Prefix: make(persist.Key, prefix), After: make(persist.Key, after),
					}
					plan := p.explain(t, q)
					assert.Contains(t, plan, " using "+table.Name+"_", plan)
					assert.NotContains(t, plan, "Sort", plan)
					assert.NotContains(t, plan, "Filter", plan)
				}
			}
		}
	}
}

func TestSearchReadsTheIndexOfWords(t *testing.T) {
	p := newPlanner(t)
	plan := p.explain(t, persist.Query{
		Table: persist.MessageContents.Table, Index: "by_time", Match: []string{"a"}, After: persist.Key{int64(1)}, Reverse: true,
	})
	require.Contains(t, plan, "Bitmap Index Scan on message_content_words")
	require.NotContains(t, plan, " on message_content_pkey", plan)
}
