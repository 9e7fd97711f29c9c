package postgres_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/postgres"
)

func TestMigratedSchemaIsThatOfTheKinds(t *testing.T) {
	url := newDatabase(t)
	require.NoError(t, openURL(t, url).Close())

	var names []string
	for _, table := range persist.Tables() {
		names = append(names, table.Name)
		if table == persist.AuthSessions.Table {
			continue
		}
		require.Equal(t, wantColumns(table), columns(t, url, table.Name), table.Name)
		require.Equal(t, wantIndexes(table), indexes(t, url, table.Name), table.Name)
	}
	own := []string{"generations", "goose_db_version", "health"}
	require.ElementsMatch(t, append(names, own...), texts(t, url, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"))
}

// owner names the scope's column; the installation's tables have none.
func owner(table *persist.Table) []string {
	if table.Level == "system" {
		return nil
	}
	return []string{table.Level}
}

// wantColumns are as "name type collation", each NOT NULL.
func wantColumns(table *persist.Table) []string {
	kinds := map[persist.Type]string{persist.Text: "text C", persist.Integer: "bigint ", persist.Blob: "bytea "}
	var want []string
	for _, name := range owner(table) {
		want = append(want, name+" text C")
	}
	for _, c := range table.Columns {
		want = append(want, c.Name+" "+kinds[c.Type])
	}
	return want
}

func columns(t *testing.T, url, table string) []string {
	return texts(t, url, `SELECT column_name || ' ' || data_type || ' ' || coalesce(collation_name, '')
		FROM information_schema.columns WHERE table_name = $1 AND is_nullable = 'NO' ORDER BY ordinal_position`, table)
}

// wantIndexes are as "name (columns)": the key's and the declared ones.
func wantIndexes(table *persist.Table) []string {
	var want []string
	for _, index := range append([]persist.Index{{Name: "pkey"}}, table.Indexes...) {
		name := index.Name
		if name == "pkey" {
			index.Name = ""
		}
		along := owner(table)
		for _, position := range table.Positions(index.Name) {
			along = append(along, table.Columns[position].Name)
		}
		want = append(want, fmt.Sprintf("%s_%s (%s)", table.Name, name, strings.Join(along, ", ")))
	}
	return want
}

// indexes lists the trees of a table in the order in which they were made.
func indexes(t *testing.T, url, table string) []string {
	return texts(t, url, `SELECT c.relname || ' ' || replace(substring(pg_get_indexdef(c.oid) from '\(.*\)'), '"', '')
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
		WHERE i.indrelid = $1::regclass AND a.amname = 'btree' ORDER BY c.oid`, table)
}

func TestAuthSessionsAreInTheShapeThatOthersRead(t *testing.T) {
	url := newDatabase(t)
	db := openURL(t, url)
	generation, err := db.Acquire(t.Context(), "4917", 0)
	require.NoError(t, err)
	write := func(session persist.AuthSession) {
		require.NoError(t, db.Apply(t.Context(), []persist.Batch{{
			Scope: persist.AccountScope("4917"), Generation: generation, Mutations: []persist.Mutation{persist.AuthSessions.Put(session)},
		}})[0])
	}
	read := func(expression string) string {
		return texts(t, url, "SELECT ("+expression+")::text FROM auth_sessions WHERE account_number = '4917'")[0]
	}
	write(persist.AuthSession{State: `the text: {"jid": "4917"}`, CreatedAt: time.UnixMilli(1_700_000_000_123), UpdatedAt: time.UnixMilli(1 << 60)})
	require.Equal(t, `the text: {"jid": "4917"}`, read("auth_state->>'state'"))
	require.Equal(t, "2023-11-14 22:13:20.123", read("created_at AT TIME ZONE 'UTC'"))
	require.Equal(t, "9999-12-31 23:59:59", read("updated_at AT TIME ZONE 'UTC'"))
	require.Equal(t, []string{
		"account_number character varying(50) NO ", "auth_state jsonb NO ",
		"created_at timestamp with time zone YES now()", "updated_at timestamp with time zone YES now()",
	}, texts(t, url, `SELECT column_name || ' ' || data_type || coalesce('(' || character_maximum_length || ')', '') || ' ' || is_nullable
		|| ' ' || coalesce(column_default, '') FROM information_schema.columns WHERE table_name = 'auth_sessions' ORDER BY ordinal_position`))
	require.NoError(t, db.Close())
}

func TestNewerSchemaIsRefused(t *testing.T) {
	url := newDatabase(t)
	require.NoError(t, openURL(t, url).Close())
	execute(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	require.NoError(t, err)
	require.ErrorIs(t, db.Migrate(t.Context()), persist.ErrSchemaTooNew)
	require.NoError(t, db.Close())
}

func TestNodesThatStartAtOnceMigrateOnce(t *testing.T) {
	url := newDatabase(t)
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
			if assert.NoError(t, err) {
				assert.NoError(t, db.Migrate(t.Context()))
				assert.NoError(t, db.Health(t.Context()))
				assert.NoError(t, db.Close())
			}
		})
	}
	group.Wait()
	versions := texts(t, url, "SELECT version_id::text FROM goose_db_version")
	require.Len(t, versions, len(texts(t, url, "SELECT DISTINCT version_id::text FROM goose_db_version")))
}
