package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redo"
)

// Config says where the data are.
type Config struct {
	// Path of the data file. It and its folder are created as needed, readable
	// by this user alone.
	Path string
}

// DB is the engine over one file. It implements [persist.Engine].
type DB struct {
	path    string
	lock    *os.File
	readers *reader
	writer  *writer
	ahead   *redo.Ahead

	calls  sync.RWMutex // held for reading by each call, for writing to close
	closed bool
}

var _ persist.Engine = (*DB)(nil)

// Open claims the file, creating it if there is none, and verifies that what is
// committed is durable. It fails if another process owns the file.
func Open(ctx context.Context, config Config) (*DB, error) {
	path, err := filepath.Abs(config.Path)
	if err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	db := &DB{path: path}
	db.ahead = redo.New(file{db})
	if db.lock, err = lock(path); err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	if err := db.connect(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return db, nil
}

func (db *DB) connect(ctx context.Context) (err error) {
	if db.writer, err = newWriter(ctx, db.path); err != nil {
		return err
	}
	db.readers, err = newReader(ctx, db.path)
	return err
}

// Health implements [persist.Engine] by a commit of one small row, and by trying
// again what failed beside the calls or left the log broken.
func (db *DB) Health(ctx context.Context) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	if err := db.ahead.Retry(ctx); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return db.writer.transact(ctx, func(tx transaction) error {
		_, err := tx.exec("INSERT INTO health VALUES (1, unixepoch()) ON CONFLICT DO UPDATE SET checked_at = excluded.checked_at")
		return err
	})
}

// Close implements [persist.Engine].
func (db *DB) Close() error {
	db.calls.Lock()
	defer db.calls.Unlock()
	if db.closed {
		return nil
	}
	db.closed = true
	errs := []error{db.ahead.Close()}
	if db.readers != nil {
		errs = append(errs, db.readers.close())
	}
	if db.writer != nil {
		errs = append(errs, db.writer.close())
	}
	return errors.Join(append(errs, db.lock.Close())...)
}

// enter begins a call, which keeps the engine open until leave.
func (db *DB) enter() error {
	db.calls.RLock()
	if db.closed {
		db.calls.RUnlock()
		return persist.ErrClosed
	}
	return nil
}

func (db *DB) leave() { db.calls.RUnlock() }

func openPool(dsn string, connections int) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool, nil
}
