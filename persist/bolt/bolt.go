package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
	"golang.org/x/sync/semaphore"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redo"
)

// FileName is the database's name in its folder.
const FileName = "whatsapp.bolt"

// Config says where the data are.
type Config struct {
	// Folder of the database. It is created as needed, readable by this user
	// alone.
	Folder string
}

// DB is the engine over one file. It implements [persist.Engine].
type DB struct {
	path  string
	file  *os.File // bbolt's own
	bolt  *bbolt.DB
	turn  *semaphore.Weighted // held to write
	ahead *redo.Ahead         // of the file

	calls  sync.RWMutex // held for reading by each call, for writing to mend and to close
	closed bool
	failed atomic.Uint64 // counts the commits that failed
	mended atomic.Uint64 // how many of them are mended
}

var _ persist.Engine = (*DB)(nil)

// Open claims the database, creating it if there is none. It fails if another
// process owns it.
func Open(ctx context.Context, config Config) (*DB, error) {
	folder, err := filepath.Abs(config.Folder)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(ctx.Err(), create(folder)); err != nil {
		return nil, err
	}
	return open(filepath.Join(folder, FileName))
}

// Close implements [persist.Engine].
func (db *DB) Close() error {
	db.calls.Lock()
	defer db.calls.Unlock()
	if db.closed {
		return nil
	}
	db.closed = true
	return errors.Join(db.restore(), db.ahead.Close(), db.bolt.Close())
}

// view reads in one moment of the file.
func (db *DB) view(ctx context.Context, fn func(tx transaction) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return db.bolt.View(func(tx *bbolt.Tx) error { return fn(transaction{tx}) })
}

// commit makes durable what fn writes to the file, unless fn returns an error.
func (db *DB) commit(ctx context.Context, fn func(tx transaction) error) error {
	if err := db.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer db.turn.Release(1)
	if db.failed.Load() != db.mended.Load() {
		return errors.New("the commit before has failed")
	}
	written := false
	err := db.bolt.Update(func(tx *bbolt.Tx) error {
		err := fn(transaction{tx})
		written = err == nil
		return err
	})
	if err != nil && written {
		db.failed.Add(1)
		return fmt.Errorf("commit: %w", err)
	}
	return err
}

// enter begins a call, which keeps the engine open until leave.
func (db *DB) enter() error {
	if db.failed.Load() != db.mended.Load() {
		if err := db.mend(); err != nil {
			return fmt.Errorf("mend %s: %w", db.path, err)
		}
	}
	db.calls.RLock()
	if db.closed {
		db.calls.RUnlock()
		return persist.ErrClosed
	}
	return nil
}

func (db *DB) leave() { db.calls.RUnlock() }

// mend makes durable what can be seen after a commit that failed. The page that
// makes a commit the tree may have been written and not flushed; the kernel then
// takes it for clean and would flush it no more. So both such pages are written
// again, while nobody reads the tree of before, whose pages are free now.
func (db *DB) mend() error {
	db.calls.Lock()
	defer db.calls.Unlock()
	if db.closed {
		return persist.ErrClosed
	}
	return db.restore()
}

// restore does it. No call is under way; what sinks meanwhile is refused.
func (db *DB) restore() error {
	failed := db.failed.Load()
	if failed == db.mended.Load() {
		return nil
	}
	pages := make([]byte, 2*db.bolt.Info().PageSize)
	if _, err := db.file.ReadAt(pages, 0); err != nil {
		return err
	}
	if _, err := db.file.WriteAt(pages, 0); err != nil {
		return err
	}
	if err := db.file.Sync(); err != nil {
		return err
	}
	db.mended.Store(failed)
	return nil
}
