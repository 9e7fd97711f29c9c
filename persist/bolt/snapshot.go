package bolt

import (
	"context"
	"errors"
	"fmt"

	berrors "go.etcd.io/bbolt/errors"

	"whatsapp-web-server/persist"
)

var _ persist.Snapshotter = (*DB)(nil)

// snapshot is a transaction that reads, kept open. The pages of its moment are not
// written on meanwhile, so that the file grows by what changes.
type snapshot struct {
	db     *DB
	tx     transaction
	failed uint64 // commits, when it was made
}

// Snapshot implements [persist.Snapshotter]. What is ahead of the file sinks first.
func (db *DB) Snapshot(ctx context.Context) (persist.Snapshot, error) {
	if err := db.enter(); err != nil {
		return nil, err
	}
	defer db.leave()
	s := &snapshot{db: db}
	if err := db.ahead.Freeze(ctx, s.begin); err != nil {
		return nil, fmt.Errorf("file: snapshot: %w", err)
	}
	return s, nil
}

func (s *snapshot) begin() error {
	s.failed = s.db.failed.Load()
	tx, err := s.db.bolt.Begin(false)
	s.tx = transaction{tx}
	return err
}

// view reads, unless a commit has failed since: what is free after that depends on
// whether it has reached the disk, and mending waits for no snapshot.
func (s *snapshot) view(ctx context.Context, fn func() error) error {
	if err := s.db.enter(); err != nil {
		return err
	}
	defer s.db.leave()
	if s.failed != s.db.failed.Load() {
		return errors.New("file: a commit has failed since the snapshot was made")
	}
	return errors.Join(ctx.Err(), fn())
}

// Get implements [persist.Snapshot].
func (s *snapshot) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (row persist.Row, err error) {
	if err := table.CheckKey(key); err != nil {
		return nil, err
	}
	err = s.view(ctx, func() (err error) {
		row, err = s.tx.get(scope, table, key)
		return err
	})
	return row, err
}

// Scan implements [persist.Snapshot].
func (s *snapshot) Scan(ctx context.Context, q persist.Query) (rows []persist.Row, err error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	err = s.view(ctx, func() (err error) {
		rows, err = s.tx.scan(ctx, q)
		return err
	})
	return rows, err
}

// Generation implements [persist.Snapshot].
func (s *snapshot) Generation(ctx context.Context, account string) (generation uint64, err error) {
	err = s.view(ctx, func() error {
		generation = s.tx.generation(account)
		return nil
	})
	return generation, err
}

// Close implements [persist.Snapshot].
func (s *snapshot) Close() error {
	if err := s.tx.Rollback(); !errors.Is(err, berrors.ErrTxClosed) {
		return err
	}
	return nil
}
