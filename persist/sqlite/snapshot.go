package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"whatsapp-web-server/persist"
)

// snapshot is a read transaction on a connection of its own. While it is open the
// write-ahead log cannot be taken back into the file and grows.
type snapshot struct {
	reader *reader // for the texts of scans; its connections are not used
	mu     sync.Mutex
	*session

	close func() error
}

var (
	_ persist.Snapshotter = (*DB)(nil)
	_ persist.Snapshot    = (*snapshot)(nil)
)

// Snapshot implements [persist.Snapshotter]. What is ahead of the file sinks first.
func (db *DB) Snapshot(ctx context.Context) (persist.Snapshot, error) {
	if err := db.enter(); err != nil {
		return nil, err
	}
	defer db.leave()
	s, err := db.openSnapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("sqlite: snapshot: %w", err)
	}
	if err := db.ahead.Freeze(ctx, s.begin); err != nil {
		return nil, fmt.Errorf("sqlite: snapshot: %w", errors.Join(err, s.Close()))
	}
	return s, nil
}

func (db *DB) openSnapshot(ctx context.Context) (*snapshot, error) {
	pool, err := openPool(readerDSN(db.path), 1)
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	s := newSession(conn)
	return &snapshot{reader: db.readers, session: s, close: func() error { return errors.Join(s.close(), pool.Close()) }}, nil
}

// begin is done with the first read: until then SQLite takes no notice.
func (s *snapshot) begin() error {
	_, err := s.query(0, "BEGIN", nil)
	if err == nil {
		_, err = s.query(1, "SELECT count(*) FROM generations", nil)
	}
	return err
}

func (s *snapshot) query(columns int, text string, values []any) (rows []persist.Row, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.use(func(on connection) error {
		rows, err = on.query(text, columns, values)
		return err
	})
	return rows, err
}

// Get implements [persist.Getter].
func (s *snapshot) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	if err := errors.Join(ctx.Err(), table.CheckKey(key)); err != nil {
		return nil, err
	}
	if table.Level != scope.Level() {
		return nil, persist.ErrNotFound
	}
	rows, err := s.query(len(table.Columns), texts[table].get, append(owner(scope), key...))
	if err != nil {
		return nil, fmt.Errorf("sqlite: get %s: %w", table.Name, err)
	}
	if len(rows) == 0 {
		return nil, persist.ErrNotFound
	}
	return rows[0], nil
}

// Scan implements [persist.Scanner].
func (s *snapshot) Scan(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	if err := errors.Join(ctx.Err(), q.Check()); err != nil {
		return nil, err
	}
	if q.Table.Level != q.Scope.Level() {
		return nil, nil
	}
	rows, err := inSteps(q, func(q persist.Query) ([]persist.Row, error) {
		return s.query(len(q.Table.Columns), s.reader.scanText(q), scanValues(q))
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: scan %s: %w", q.Table.Name, err)
	}
	return rows, nil
}

// Generation implements [persist.Snapshot].
func (s *snapshot) Generation(ctx context.Context, account string) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	rows, err := s.query(1, selectGeneration, []any{account})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return uint64(rows[0][0].(int64)), nil
}

// Close implements [persist.Snapshot].
func (s *snapshot) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.close()
}
