package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"whatsapp-web-server/persist"
)

// Get implements [persist.Engine].
func (db *DB) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	if err := db.enter(); err != nil {
		return nil, err
	}
	defer db.leave()
	if err := table.CheckKey(key); err != nil {
		return nil, err
	}
	if table.Level != scope.Level() {
		return nil, persist.ErrNotFound
	}
	rows, err := db.query(ctx, table, texts[table].get, append(owner(scope), key...))
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, persist.ErrNotFound
	}
	return rows[0], nil
}

// Scan implements [persist.Engine].
func (db *DB) Scan(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	if err := db.enter(); err != nil {
		return nil, err
	}
	defer db.leave()
	if err := q.Check(); err != nil {
		return nil, err
	}
	if q.Table.Level != q.Scope.Level() {
		return nil, nil
	}
	if len(q.Match) > 0 {
		return db.search(ctx, q)
	}
	return db.query(ctx, q.Table, db.scanText(q), scanValues(q))
}

// walkRows is how many rows a search looks at before it asks the index of words. A
// word that a page of them has is so common that the index would name many times
// more, each to be read and all to be sorted.
const walkRows = 500

// search walks a short way and, if that is not enough, asks the index of words.
func (db *DB) search(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	near := q
	near.Match, near.Offset, near.Limit = nil, 0, db.walkRows
	rows, err := db.query(ctx, q.Table, db.scanText(near), scanValues(near))
	if err != nil {
		return nil, err
	}
	seenAll := len(rows) < db.walkRows
	rows = slices.DeleteFunc(rows, func(row persist.Row) bool { return !q.Table.Matches(row, q.Match) })
	if !seenAll && len(rows) < q.Offset+q.Limit {
		return db.query(ctx, q.Table, db.scanText(q), scanValues(q))
	}
	rows = rows[min(q.Offset, len(rows)):]
	return append([]persist.Row(nil), rows[:min(q.Limit, len(rows))]...), nil
}

// query returns rows of the table.
func (db *DB) query(ctx context.Context, table *persist.Table, text string, values []any) (found []persist.Row, err error) {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	rows, err := db.others.Query(ctx, text, append([]any{pgx.QueryResultFormats{pgx.BinaryFormatCode}}, values...)...)
	if err == nil {
		for rows.Next() {
			found = append(found, rowOf(table, rows.RawValues()))
		}
		err = rows.Err()
	}
	return found, db.failure("read "+table.Name, err)
}

// rowOf decodes the binary format of the protocol, which for text and bytea is the
// value itself. The raw values are good until the next row.
func rowOf(table *persist.Table, raw [][]byte) persist.Row {
	row := make(persist.Row, len(raw))
	for i, value := range raw {
		switch table.Columns[i].Type {
		case persist.Text:
			row[i] = string(value)
		case persist.Integer:
			row[i] = int64(binary.BigEndian.Uint64(value))
		default:
			row[i] = blob(bytes.Clone(value))
		}
	}
	return row
}

// scanShape is what the text of a scan depends on.
type scanShape struct {
	table          *persist.Table
	index          string
	prefix, after  int
	match, reverse bool
}

func (db *DB) scanText(q persist.Query) string {
	shape := scanShape{q.Table, q.Index, len(q.Prefix), len(q.After), len(q.Match) > 0, q.Reverse}
	if text, known := db.scans.Load(shape); known {
		return text.(string)
	}
	text := shape.text()
	db.scans.Store(shape, text)
	return text
}

// text selects along the index: fixed columns equal, the start as one comparison
// of row values, which the server answers by one descent of the tree.
func (s scanShape) text() string {
	layout := shapes[s.table]
	var order []string
	for _, position := range s.table.Positions(s.index) {
		order = append(order, quote(s.table.Columns[position].Name))
	}
	direction, beyond := "", ">"
	if s.reverse {
		direction, beyond = " DESC", "<"
	}
	conditions := equal(slices.Concat(layout.owner, order[:s.prefix]))
	given := len(conditions)
	if s.after > 0 {
		start := order[s.prefix : s.prefix+s.after]
		conditions = append(conditions, fmt.Sprintf("(%s) %s (%s)", list(start), beyond, list(marks(given, s.after))))
		given += s.after
	}
	from := layout.name
	if s.match {
		given++
		// Apart from the other conditions, or the planner might rather walk the order.
		from = fmt.Sprintf("(SELECT * FROM %s WHERE lexemes(%s, %s) @@ $%d::text::tsquery OFFSET 0) AS %s",
			from, layout.owner[0], quote(s.table.Columns[s.table.Searched].Name), given, from)
	}
	text := "SELECT " + list(layout.reads) + " FROM " + from + where(conditions)
	if rest := order[s.prefix:]; len(rest) > 0 {
		text += " ORDER BY " + strings.Join(rest, direction+", ") + direction
	}
	return text + fmt.Sprintf(" LIMIT $%d OFFSET $%d", given+1, given+2)
}

// marks are n parameters after those that are given.
func marks(given, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("$%d", given+i+1)
	}
	return names
}

// scanValues are the parameters of text.
func scanValues(q persist.Query) []any {
	values := append(owner(q.Scope), q.Prefix...)
	values = append(values, q.After...)
	if len(q.Match) > 0 {
		values = append(values, tsquery(q.Scope, q.Match))
	}
	return append(values, int64(q.Limit), int64(q.Offset))
}

// tsquery is a query of the server's for words that begin with all of the terms,
// each after its account as lexemes has them.
func tsquery(scope persist.Scope, terms []string) string {
	prefixes := make([]string, len(terms))
	for i, term := range terms {
		prefixes[i] = "'" + tsqueryEscapes.Replace(scope.Owner()+" "+term) + "':*"
	}
	return strings.Join(prefixes, " & ")
}

var tsqueryEscapes = strings.NewReplacer("'", "''", `\`, `\\`)
