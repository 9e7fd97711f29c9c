package sqlite_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/sqlite"
)

// inspect opens the file of a closed engine without any of its code.
func inspect(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23").Replace(path))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// column is how a table or an index has it.
type column struct {
	name, kind string
	notNull    bool
	key        int // place in the primary key from 1, else 0
}

func TestMigratedSchemaIsThatOfTheKinds(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, openAt(t, dir).Close())
	db := inspect(t, pathIn(dir))

	var names []string
	for _, table := range persist.Tables() {
		names = append(names, table.Name)
		require.Equal(t, wantColumns(table), columns(t, db, table.Name), table.Name)
		require.Equal(t, wantIndexes(table), indexes(t, db, table.Name), table.Name)
	}
	own := []string{
		"chat_numbers", "generations", "goose_db_version", "health", "redo",
		"message_words", "message_words_config", "message_words_data", "message_words_idx",
	}
	require.ElementsMatch(t, append(names, own...),
		texts(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"))
}

// owner names the scope's column; the installation's tables have none.
func owner(table *persist.Table) []string {
	if table.Level == "system" {
		return nil
	}
	return []string{table.Level}
}

func wantColumns(table *persist.Table) []column {
	kinds := map[persist.Type]string{persist.Text: "TEXT", persist.Integer: "INTEGER", persist.Blob: "BLOB"}
	var want []column
	if table.Searched > 0 {
		want = append(want, column{"doc", "INTEGER", true, 1})
	}
	numbered := isNumbered(table) // by a column of the engine's own, which is in the key for owner and chat
	if numbered {
		want = append(want, column{"chat_number", "INTEGER", true, 0})
	}
	for _, name := range owner(table) {
		key := 1
		if numbered {
			key = 0
		}
		want = append(want, column{name, "TEXT", true, key})
	}
	scoped := len(want)
	for i, c := range table.Columns {
		key := 0
		if i < table.KeyColumns && !numbered {
			key = scoped + i + 1
		}
		want = append(want, column{c.Name, kinds[c.Type], true, key})
	}
	return want
}

// isNumbered tells whether a table's trees have a number for owner and chat.
func isNumbered(table *persist.Table) bool {
	return table == persist.Messages.Table || table == persist.MessageContents.Table
}

// wantIndexes has the columns of the key at the end, except where rows are many and
// hardly ever tie without them.
func wantIndexes(table *persist.Table) map[string]string {
	want := map[string]string{}
	for _, index := range table.Indexes {
		want[table.Name+"_"+index.Name] = strings.Join(along(table, index.Name), ", ")
	}
	switch table {
	case persist.Messages.Table:
		return map[string]string{"messages_by_time": "chat_number, timestamp, seq", "messages_by_id": "chat_number, id"}
	case persist.MessageContents.Table:
		return map[string]string{"message_content_by_time": "account, timestamp, seq"}
	default:
		return want
	}
}

// along names the columns of an index, the key's at the end.
func along(table *persist.Table, index string) []string {
	names := owner(table)
	for _, position := range table.Positions(index) {
		names = append(names, table.Columns[position].Name)
	}
	return names
}

func columns(t *testing.T, db *sql.DB, table string) []column {
	t.Helper()
	rows, err := db.Query(`SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY cid`, table)
	require.NoError(t, err)
	defer rows.Close()
	var found []column
	for rows.Next() {
		var c column
		require.NoError(t, rows.Scan(&c.name, &c.kind, &c.notNull, &c.key))
		found = append(found, c)
	}
	require.NoError(t, rows.Err())
	return found
}

// indexes returns the columns of each index that is not of the primary key.
func indexes(t *testing.T, db *sql.DB, table string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range texts(t, db, "SELECT name FROM pragma_index_list(?) WHERE origin = 'c'", table) {
		found[name] = strings.Join(texts(t, db, "SELECT name FROM pragma_index_info(?) ORDER BY seqno", name), ", ")
	}
	return found
}

func texts(t *testing.T, db *sql.DB, query string, values ...any) []string {
	t.Helper()
	rows, err := db.Query(query, values...)
	require.NoError(t, err)
	defer rows.Close()
	var found []string
	for rows.Next() {
		var text string
		require.NoError(t, rows.Scan(&text))
		found = append(found, text)
	}
	require.NoError(t, rows.Err())
	return found
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, openAt(t, dir).Close())
	_, err := inspect(t, pathIn(dir)).Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	require.NoError(t, err)

	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: pathIn(dir)})
	require.NoError(t, err)
	require.ErrorIs(t, db.Migrate(t.Context()), persist.ErrSchemaTooNew)
	require.NoError(t, db.Close())
}
