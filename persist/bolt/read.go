package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redo"
	"whatsapp-web-server/persist/tuple"
)

// Get implements [persist.Engine].
func (db *DB) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (row persist.Row, err error) {
	if err := table.CheckKey(key); err != nil {
		return nil, err
	}
	if err := db.enter(); err != nil {
		return nil, err
	}
	defer db.leave()
	if m, known := db.ahead.Get(scope, table, key); known {
		return redo.Latest(ctx, m)
	}
	err = db.view(ctx, func(tx transaction) (err error) {
		row, err = tx.get(scope, table, key)
		return err
	})
	return row, err
}

func (tx transaction) get(scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	if table.Level != scope.Level() {
		return nil, persist.ErrNotFound
	}
	owner, s := ownerKey(scope), tx.open(table)
	at := rowKey(owner, key)
	value := s.rows.Get(at)
	if value == nil {
		return nil, persist.ErrNotFound
	}
	return s.row(at[len(owner):], value)
}

// Scan implements [persist.Engine]. The order of a table is in the file, so what the
// table has ahead of it sinks first.
func (db *DB) Scan(ctx context.Context, q persist.Query) (rows []persist.Row, err error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	if err := db.enter(); err != nil {
		return nil, err
	}
	defer db.leave()
	if err := db.ahead.SinkFor(ctx, q.Scope, q.Table); err != nil {
		return nil, fmt.Errorf("file: scan %s: %w", q.Table.Name, err)
	}
	err = db.view(ctx, func(tx transaction) (err error) {
		rows, err = tx.scan(ctx, q)
		return err
	})
	return rows, err
}

func (tx transaction) scan(ctx context.Context, q persist.Query) (rows []persist.Row, err error) {
	if q.Table.Level != q.Scope.Level() {
		return nil, nil
	}
	s, owner, skip := tx.open(q.Table), ownerKey(q.Scope), q.Offset
	for place, value := range s.walk(owner, q) {
		hit, err := s.matches(owner, q, place, value)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		switch {
		case !hit:
			continue
		case skip > 0:
			skip--
			continue
		}
		row, err := s.rowAt(owner, q.Index, place, value)
		if err != nil {
			return nil, err
		}
		if rows = append(rows, row); len(rows) == q.Limit {
			break
		}
	}
	return rows, nil
}

// walk visits what q selects, in the bucket of its index.
func (s openShelf) walk(owner []byte, q persist.Query) iter.Seq2[[]byte, []byte] {
	bucket := s.rows
	if q.Index != "" {
		bucket = s.tx.Bucket(s.order(q.Index).bucket)
	}
	from, to := tuple.Bounds(owner, q)
	if q.Reverse {
		return descend(bucket.Cursor(), from, to)
	}
	return ascend(bucket.Cursor(), from, to)
}

// ascend visits the keys from from up to the last before to.
func ascend(c *bbolt.Cursor, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for key, value := c.Seek(from); key != nil && before(key, to); key, value = c.Next() {
			if !yield(key, value) {
				return
			}
		}
	}
}

// descend visits the keys from the last before to down to from.
func descend(c *bbolt.Cursor, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for key, value := seekBefore(c, to); key != nil && !before(key, from); key, value = c.Prev() {
			if !yield(key, value) {
				return
			}
		}
	}
}

// seekBefore finds the last key before to.
func seekBefore(c *bbolt.Cursor, to []byte) (key, value []byte) {
	if to == nil {
		return c.Last()
	}
	if key, _ := c.Seek(to); key == nil {
		return c.Last()
	}
	return c.Prev()
}

// before tells whether key is one before end; nil is the end of all.
func before(key, end []byte) bool { return end == nil || bytes.Compare(key, end) < 0 }

// matches tells whether the row at a place of the walk is one that q.Match selects.
func (s openShelf) matches(owner []byte, q persist.Query, place, value []byte) (bool, error) {
	if len(q.Match) == 0 {
		return true, nil
	}
	_, value, err := s.find(owner, q.Index, place, value)
	if err != nil {
		return false, err
	}
	return s.shelf.matches(value, q.Match)
}

// rowAt is the row at a place of the walk.
func (s openShelf) rowAt(owner []byte, index string, place, value []byte) (persist.Row, error) {
	key, value, err := s.find(owner, index, place, value)
	if err != nil {
		return nil, err
	}
	return s.row(key[len(owner):], value)
}

// find returns the key and the value of the row that the place in an index leads
// to.
func (s openShelf) find(owner []byte, index string, place, value []byte) (rowKey, rowValue []byte, err error) {
	if index == "" {
		return place, value, nil
	}
	key, err := s.order(index).rowKey(s.table, owner, place)
	if err != nil {
		return nil, nil, err
	}
	if value = s.rows.Get(key); value == nil {
		return nil, nil, fmt.Errorf("file: an entry of %s.%s leads to no row", s.table.Name, index)
	}
	return key, value, nil
}
