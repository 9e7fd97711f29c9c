package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redo"
)

// reader is the connections that read.
type reader struct {
	pool *sql.DB
	// turns holds a token for each connection in idle.
	turns chan struct{}

	mu sync.Mutex
	// idle is those that nobody uses. The last one back is the next to be used:
	// its cache is the warmest.
	idle  []*session
	scans map[scanShape]string
}

func newReader(ctx context.Context, path string) (*reader, error) {
	pool, err := openPool(readerDSN(path), readers)
	if err != nil {
		return nil, err
	}
	r := &reader{pool: pool, turns: make(chan struct{}, readers), scans: map[scanShape]string{}}
	for range readers {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.giveBack(newSession(conn))
	}
	return r, nil
}

// take waits for an idle connection until ctx ends.
func (r *reader) take(ctx context.Context) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-r.turns:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.idle) - 1
	s := r.idle[last]
	r.idle = r.idle[:last]
	return s, nil
}

func (r *reader) giveBack(s *session) {
	r.mu.Lock()
	r.idle = append(r.idle, s)
	r.mu.Unlock()
	r.turns <- struct{}{}
}

// close is called when nobody reads any more.
func (r *reader) close() error {
	var errs []error
	for _, s := range r.idle {
		errs = append(errs, s.close())
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
	if m, known := db.ahead.Get(scope, table, key); known {
		return redo.Latest(ctx, m)
	}
	rows, err := db.readers.query(ctx, len(table.Columns), texts[table].get, append(owner(scope), key...))
	if err != nil {
		return nil, fmt.Errorf("sqlite: get %s: %w", table.Name, err)
	}
	if len(rows) == 0 {
		return nil, persist.ErrNotFound
	}
	return rows[0], nil
}

// Scan implements [persist.Engine]. The order of a table is in the file, so what
// the table has ahead of it sinks first.
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
	if err := db.ahead.SinkFor(ctx, q.Scope, q.Table); err != nil {
		return nil, fmt.Errorf("sqlite: scan %s: %w", q.Table.Name, err)
	}
	rows, err := inSteps(q, func(q persist.Query) ([]persist.Row, error) { return db.readers.scan(ctx, q) })
	if err != nil {
		return nil, fmt.Errorf("sqlite: scan %s: %w", q.Table.Name, err)
	}
	return rows, nil
}

// query runs a statement on a connection that is idle, or will be before ctx
// ends. From then on the context no longer counts: to watch it the driver would
// start a goroutine for each read, and reads are bounded.
func (r *reader) query(ctx context.Context, columns int, text string, values []any) (rows []persist.Row, err error) {
	s, err := r.take(ctx)
	if err != nil {
		return nil, err
	}
	defer r.giveBack(s)
	err = s.use(func(on connection) error {
		rows, err = on.query(text, columns, values)
		return err
	})
	return rows, err
}

// scanShape is what the text of a scan depends on.
type scanShape struct {
	table         *persist.Table
	index         string
	prefix, after int
	match         int
	reverse       bool
	way           way
}

// way is how the rows of a scan are met.
type way int

const (
	straight way = iota // along the index, however far
	walking             // along the index, as far as is worth it
	finding             // by the words, to be put in order
)

func shapeOf(q persist.Query) scanShape {
	return scanShape{q.Table, q.Index, len(q.Prefix), len(q.After), len(q.Match), q.Reverse, straight}
}

func (r *reader) scanText(q persist.Query) string { return r.text(shapeOf(q)) }

func (r *reader) text(shape scanShape) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, known := r.scans[shape]
	if !known {
		text = shape.text()
		r.scans[shape] = text
	}
	return text
}

// text selects along the index: fixed columns equal, the start as one comparison
// of row values, which SQLite answers by one descent of the tree.
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
	from, sorted := s.from(), ""
	if len(order) > 0 {
		sorted = " ORDER BY " + strings.Join(order, direction+", ") + direction
	}
	var matches []string
	for range s.match {
		matches = append(matches, "instr("+s.table.Columns[s.table.Searched].Name+", ?) > 0")
	}
	switch s.way {
	case walking:
		from = fmt.Sprintf("(SELECT * FROM %s%s%s LIMIT %d)", from, where(conditions), sorted, walked)
		conditions = matches
	case finding:
		from = "(SELECT rowid AS doc FROM message_words WHERE message_words MATCH ?) CROSS JOIN " + s.table.Name + " USING (doc)"
	default:
		conditions = append(conditions, matches...)
	}
	// SQLite's planner looks at the value of a bare LIMIT parameter, and therefore
	// prepares the statement anew for each.
	return "SELECT " + list(names(s.table)) + " FROM " + from + where(conditions) + sorted + " LIMIT ?+0 OFFSET ?+0"
}

// from is the table with the index named, since the planner may prefer to walk the
// whole account by its key.
func (s scanShape) from() string {
	from := s.table.Name
	if s.index != "" {
		from += " INDEXED BY " + s.table.Name + "_" + s.index
	}
	if slices.Contains(numbered[s.table], s.index) {
		return fmt.Sprintf("(SELECT c.account, c.chat, %s FROM chat_numbers AS c CROSS JOIN %s USING (chat_number))",
			list(names(s.table)[1:]), from)
	}
	return from
}

// scanValues are the parameters of text.
func scanValues(q persist.Query) []any {
	values := append(owner(q.Scope), q.Prefix...)
	values = append(values, q.After...)
	for _, term := range q.Match {
		values = append(values, " "+term)
	}
	return append(values, int64(q.Limit), int64(q.Offset))
}
