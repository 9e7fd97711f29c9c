package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"whatsapp-web-server/persist"
)

// reader is the pool of connections that read, with the statements they have
// prepared: as many as there are shapes of queries.
type reader struct {
	pool *sql.DB

	mu         sync.RWMutex
	statements map[string]*sql.Stmt
	scans      map[scanShape]string
}

func newReader(path string) (*reader, error) {
	pool, err := openPool(readerDSN(path), readers)
	if err != nil {
		return nil, err
	}
	return &reader{pool: pool, statements: map[string]*sql.Stmt{}, scans: map[scanShape]string{}}, nil
}

func (r *reader) close() error {
	var errs []error
	for _, statement := range r.statements {
		errs = append(errs, statement.Close())
	}
	return errors.Join(append(errs, r.pool.Close())...)
}

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
	rows, err := db.readers.query(ctx, table, texts[table].get, append(owner(scope), key...))
	if err != nil {
		return nil, fmt.Errorf("sqlite: get %s: %w", table.Name, err)
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
	rows, err := db.readers.query(ctx, q.Table, db.readers.scanText(q), scanValues(q))
	if err != nil {
		return nil, fmt.Errorf("sqlite: scan %s: %w", q.Table.Name, err)
	}
	return rows, nil
}

func (r *reader) query(ctx context.Context, table *persist.Table, text string, values []any) ([]persist.Row, error) {
	statement, err := r.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := statement.QueryContext(ctx, values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []persist.Row
	for rows.Next() {
		row, err := scanRow(rows, table)
		if err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

func scanRow(rows *sql.Rows, table *persist.Table) (persist.Row, error) {
	row := make(persist.Row, len(table.Columns))
	into := make([]any, len(row))
	for i := range row {
		into[i] = &row[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, value := range row {
		if blob, ok := value.([]byte); ok && blob == nil {
			row[i] = []byte{}
		}
	}
	return row, nil
}

func (r *reader) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	r.mu.RLock()
	statement := r.statements[text]
	r.mu.RUnlock()
	if statement != nil {
		return statement, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if statement := r.statements[text]; statement != nil {
		return statement, nil
	}
	statement, err := r.pool.PrepareContext(ctx, text)
	if err == nil {
		r.statements[text] = statement
	}
	return statement, err
}

// scanShape is what the text of a scan depends on.
type scanShape struct {
	table         *persist.Table
	index         string
	prefix, after int
	reverse       bool
}

func (r *reader) scanText(q persist.Query) string {
	shape := scanShape{q.Table, q.Index, len(q.Prefix), len(q.After), q.Reverse}
	r.mu.RLock()
	text := r.scans[shape]
	r.mu.RUnlock()
	if text == "" {
		text = shape.text()
		r.mu.Lock()
		r.scans[shape] = text
		r.mu.Unlock()
	}
	return text
}

// text selects along the index: fixed columns equal, the start as one comparison
// of row values, which SQLite answers by one descent of the tree. The index is
// named, since the planner may prefer to walk the whole account by its key.
func (s scanShape) text() string {
	var order []string
	for _, position := range s.table.Positions(s.index) {
		order = append(order, s.table.Columns[position].Name)
	}
	direction, beyond := "", ">"
	if s.reverse {
		direction, beyond = " DESC", "<"
	}
	conditions := equal(append(scopeColumns(s.table), order[:s.prefix]...))
	if s.after > 0 {
		start := order[s.prefix : s.prefix+s.after]
		conditions = append(conditions, fmt.Sprintf("(%s) %s (%s)", list(start), beyond, marks(len(start))))
	}
	text := "SELECT " + list(names(s.table)) + " FROM " + s.table.Name
	if s.index != "" {
		text += " INDEXED BY " + s.table.Name + "_" + s.index
	}
	text += where(conditions)
	if len(order) > 0 {
		text += " ORDER BY " + strings.Join(order, direction+", ") + direction
	}
	return text + " LIMIT ? OFFSET ?"
}

// scanValues are the parameters of text.
func scanValues(q persist.Query) []any {
	values := append(owner(q.Scope), q.Prefix...)
	values = append(values, q.After...)
	return append(values, q.Limit, q.Offset)
}
