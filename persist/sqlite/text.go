package sqlite

import (
	"fmt"
	"slices"
	"strings"

	"whatsapp-web-server/persist"
)

// tableText holds the statements of one table. Their parameters are the scope's
// owner, unless the table is the installation's, and then values in the order of
// the table's columns.
type tableText struct {
	put, remove, get, version string
	// drop removes some rows of a scope.
	drop string
	// Of a searched table, add does nothing where there is a row, number selects that
	// of a row in the index of words, and unindex takes out what drop will remove.
	add, number, unindex string
}

// texts has every table there is; the set is closed.
var texts = func() map[*persist.Table]tableText {
	made := map[*persist.Table]tableText{}
	for _, table := range persist.Tables() {
		made[table] = newTableText(table)
	}
	return made
}()

func newTableText(t *persist.Table) tableText {
	columns := names(t)
	all := slices.Concat(numberColumns(t), scopeColumns(t), columns)
	at := atText(t)
	insert := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", t.Name, list(all), marks(len(all)))
	return tableText{
		put:     insert + onConflict(t),
		remove:  fmt.Sprintf("DELETE FROM %s%s", t.Name, at),
		get:     fmt.Sprintf("SELECT %s FROM %s%s", list(columns), t.Name, at),
		version: fmt.Sprintf("SELECT version FROM %s%s", t.Name, at),
		drop:    fmt.Sprintf("DELETE FROM %s WHERE %s", t.Name, dropped(t)),
		add:     insert + " ON CONFLICT DO NOTHING",
		number:  fmt.Sprintf("SELECT doc FROM %s%s", t.Name, at),
		unindex: fmt.Sprintf(unindexSome, dropped(t)),
	}
}

// onConflict makes an insert replace the record with the same key.
func onConflict(t *persist.Table) string {
	var set []string
	for _, name := range names(t)[t.KeyColumns:] {
		set = append(set, name+" = excluded."+name)
	}
	action := "NOTHING"
	if len(set) > 0 {
		action = "UPDATE SET " + list(set)
	}
	return fmt.Sprintf(" ON CONFLICT (%s) DO %s", list(primary(t)), action)
}

// dropped is the condition for rows that a slice of DeleteScope removes. They are
// found by the key, since tables WITHOUT ROWID have nothing else.
func dropped(t *persist.Table) string {
	key := list(primary(t))
	from, owned, order := t.Name, where(equal(scopeColumns(t))), key
	if isNumbered(t) {
		from, owned = "chat_numbers AS c CROSS JOIN "+t.Name+" USING (chat_number)", " WHERE c.account = ?"
		order = "c.chat, " + list(keyColumns(t)[1:])
	}
	return fmt.Sprintf("(%s) IN (SELECT %s FROM %s%s ORDER BY %s LIMIT %d)", key, key, from, owned, order, dropSlice)
}

// atText is the condition for the record with a key.
func atText(t *persist.Table) string {
	conditions := equal(append(scopeColumns(t), keyColumns(t)...))
	if isNumbered(t) {
		conditions = append([]string{"chat_number = (" + selectNumber + ")"}, equal(keyColumns(t)[1:])...)
	}
	return where(conditions)
}

// primary names the columns of the tree that finds a record by its key.
func primary(t *persist.Table) []string {
	if isNumbered(t) {
		return append(numberColumns(t), keyColumns(t)[1:]...)
	}
	return append(scopeColumns(t), keyColumns(t)...)
}

// scopeColumns names the column that says whose a row is: none in the tables of
// the installation.
func scopeColumns(t *persist.Table) []string {
	if t.Level == persist.SystemScope().Level() {
		return nil
	}
	return []string{t.Level}
}

// owner is the value of the scope column.
func owner(scope persist.Scope) []any {
	if scope.Level() == persist.SystemScope().Level() {
		return nil
	}
	return []any{scope.Owner()}
}

func names(t *persist.Table) []string {
	made := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		made[i] = column.Name
	}
	return made
}

func keyColumns(t *persist.Table) []string { return names(t)[:t.KeyColumns] }

// equal gives one condition a column.
func equal(columns []string) []string {
	conditions := make([]string, len(columns))
	for i, column := range columns {
		conditions[i] = column + " = ?"
	}
	return conditions
}

func where(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " AND ")
}

func list(names []string) string { return strings.Join(names, ", ") }

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
