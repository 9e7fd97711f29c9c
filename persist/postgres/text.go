package postgres

import (
	"fmt"
	"slices"
	"strings"

	"whatsapp-web-server/persist"
)

// shape is how a table is laid out in the database: the scope's owner, unless the
// table is the installation's, and then the columns of the table.
type shape struct {
	name  string
	owner []string // the column that says whose a row is, or none
	// columns are those that a put fills: the owner's, the key's and the rest.
	columns []string
	// puts are the values of columns, from those of a row, which are named p0, p1, …
	puts []string
	// reads are the values of a row.
	reads []string
	key   []string // with the owner first
}

// shapes has every table there is; the set is closed.
var shapes = func() map[*persist.Table]shape {
	made := map[*persist.Table]shape{}
	for _, table := range persist.Tables() {
		made[table] = newShape(table)
	}
	return made
}()

func newShape(t *persist.Table) shape {
	if t == persist.AuthSessions.Table {
		return authSessions
	}
	made := shape{name: t.Name}
	if t.Level != persist.SystemScope().Level() {
		made.owner = []string{t.Level}
	}
	for _, column := range t.Columns {
		made.reads = append(made.reads, quote(column.Name))
	}
	made.columns = slices.Concat(made.owner, made.reads)
	made.key = made.columns[:len(made.owner)+t.KeyColumns]
	made.puts = parameters(len(made.columns))
	return made
}

// authSessions keeps a record, which may be any text and numbers, exact in a JSON
// object. The times beside it are clamped to years that everybody can display.
var authSessions = shape{
	name:    "auth_sessions",
	owner:   []string{"account_number"},
	columns: []string{"account_number", "auth_state", "created_at", "updated_at"},
	puts: []string{
		"p0", "jsonb_build_object('state', p1, 'created_at', p2, 'updated_at', p3)", clamped("p2"), clamped("p3"),
	},
	reads: []string{"auth_state->>'state'", "(auth_state->>'created_at')::bigint", "(auth_state->>'updated_at')::bigint"},
	key:   []string{"account_number"},
}

// clamped is the time of Unix milliseconds, at most that of the year 9999.
func clamped(milliseconds string) string {
	return fmt.Sprintf("to_timestamp(least(greatest(%s, 0), 253402300799000) / 1000.0)", milliseconds)
}

// tableText holds the statements of one table.
type tableText struct {
	// put and remove take an array for each column of the row, or of its key, after
	// one of the owners.
	put, remove string
	// get and version take the owner and the key, drop the owner.
	get, version string
	// drop removes some rows of a scope.
	drop string
}

var texts = func() map[*persist.Table]tableText {
	made := map[*persist.Table]tableText{}
	for table, s := range shapes {
		made[table] = newTableText(table, s)
	}
	return made
}()

func newTableText(t *persist.Table, s shape) tableText {
	at := where(equal(s.key))
	return tableText{
		put: fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s%s",
			s.name, list(s.columns), list(s.puts), arrays(t, len(s.owner), len(t.Columns)), onConflict(s)),
		// Each row is looked up by itself, whatever the planner believes of the table.
		remove: fmt.Sprintf("DELETE FROM %s WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM %s, LATERAL (SELECT ctid FROM %s%s OFFSET 0) AS r))",
			s.name, arrays(t, len(s.owner), t.KeyColumns), s.name, where(matches(s))),
		get:     fmt.Sprintf("SELECT %s FROM %s%s", list(s.reads), s.name, at),
		version: fmt.Sprintf("SELECT version FROM %s%s FOR UPDATE", s.name, at),
		drop: fmt.Sprintf("DELETE FROM %s WHERE ctid = ANY (ARRAY(SELECT ctid FROM %s%s LIMIT %d))",
			s.name, s.name, where(equal(s.owner)), dropSlice),
	}
}

// arrays is the table that the parameters make, one array a column: of the owners
// if there are any, and of the first columns of the table's rows.
func arrays(t *persist.Table, owners, columns int) string {
	types := slices.Repeat([]string{"text[]"}, owners)
	for _, column := range t.Columns[:columns] {
		types = append(types, map[persist.Type]string{persist.Text: "text[]", persist.Integer: "bigint[]", persist.Blob: "bytea[]"}[column.Type])
	}
	for i := range types {
		types[i] = fmt.Sprintf("$%d::%s", i+1, types[i])
	}
	return fmt.Sprintf("unnest(%s) AS p (%s)", list(types), list(parameters(len(types))))
}

// onConflict makes an insert replace the record with the same key.
func onConflict(s shape) string {
	var set []string
	for _, name := range s.columns[len(s.key):] {
		set = append(set, name+" = excluded."+name)
	}
	action := "NOTHING"
	if len(set) > 0 {
		action = "UPDATE SET " + list(set)
	}
	return fmt.Sprintf(" ON CONFLICT (%s) DO %s", list(s.key), action)
}

// matches compares the key with what arrays has.
func matches(s shape) []string {
	conditions := make([]string, len(s.key))
	for i, column := range s.key {
		conditions[i] = fmt.Sprintf("%s.%s = p%d", s.name, column, i)
	}
	return conditions
}

// parameters are p0, p1, …
func parameters(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("p%d", i)
	}
	return names
}

// equal gives one condition a column.
func equal(columns []string) []string {
	conditions := make([]string, len(columns))
	for i, column := range columns {
		conditions[i] = fmt.Sprintf("%s = $%d", column, i+1)
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

// quote lets a column be named like a word of SQL.
func quote(name string) string { return `"` + name + `"` }

// owner is the value of the owner's column, if there is one.
func owner(scope persist.Scope) []any {
	if scope.Level() == persist.SystemScope().Level() {
		return nil
	}
	return []any{scope.Owner()}
}
