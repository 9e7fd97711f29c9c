package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sync/semaphore"

	"whatsapp-web-server/persist/redo"
)

// mapped is how much of the address space is set aside for the file. Growing
// beyond it has to wait for all reads to end, and new ones wait for that.
const mapped = min(64<<30, math.MaxInt/4)

// patience is how long to wait for the lock on a file: not at all, but 0 would be
// for ever.
const patience = 1

// options are those of storage that loses nothing: every commit is flushed. Which
// pages are free is not stored but found at start, which halves what a small
// commit writes.
func options() *bbolt.Options {
	return &bbolt.Options{
		Timeout: patience, FreelistType: bbolt.FreelistMapType, NoFreelistSync: true,
		NoStatistics: true, InitialMmapSize: mapped,
	}
}

// create makes the folder, for this user alone.
func create(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return refusal(folder, err)
	}
	return nil
}

// open claims the file. What is not a whole database is left as it is.
func open(path string) (*DB, error) {
	size, err := inspect(path)
	if err != nil {
		return nil, err
	}
	db := &DB{path: path, turn: semaphore.NewWeighted(1)}
	db.ahead = redo.New(sink{db})
	how := options()
	how.OpenFile = func(path string, flag int, mode os.FileMode) (file *os.File, err error) {
		db.file, err = os.OpenFile(path, flag, mode)
		return db.file, err
	}
	err = guard(path, func() (err error) {
		if db.bolt, err = bbolt.Open(path, 0o600, how); err != nil {
			err = refusal(path, err)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := db.settle(size == 0); err != nil {
		return nil, errors.Join(refusal(path, err), db.Close())
	}
	return db, nil
}

// settle makes a file that was opened this user's alone, and one that was created
// durable.
func (db *DB) settle(created bool) error {
	if err := db.file.Chmod(0o600); err != nil {
		return err
	}
	if !created {
		return db.verifyName()
	}
	return errors.Join(db.verifyName(), flushFolder(filepath.Dir(db.path)))
}

// verifyName refuses a file that was replaced ([Compact]) before it was locked.
func (db *DB) verifyName() error {
	mine, err := db.file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(db.path)
	if err != nil {
		return err
	}
	if !os.SameFile(mine, named) {
		return berrors.ErrTimeout
	}
	return nil
}

// inspect refuses an existing file that is not a whole database, or that another
// process owns, before anything could change it. It returns the file's size.
func inspect(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, refusal(path, err)
	}
	if info.Size() == 0 {
		return 0, nil
	}
	reader := &bbolt.Options{ReadOnly: true, Timeout: patience, NoStatistics: true}
	file, err := bbolt.Open(path, 0o600, reader)
	if err != nil {
		return 0, refusal(path, err)
	}
	defer file.Close()
	return info.Size(), examine(file, info.Size())
}

// examine looks at every page, as opening the file to write does in a goroutine
// that nobody could guard.
func examine(file *bbolt.DB, size int64) error {
	return guard(file.Path(), func() error {
		return file.View(func(tx *bbolt.Tx) error {
			if tx.Size() > size {
				return fmt.Errorf("%s has %d bytes of the database's %d: the rest is missing", file.Path(), size, tx.Size())
			}
			return tx.ForEach(func(_ []byte, bucket *bbolt.Bucket) error {
				bucket.Stats()
				return nil
			})
		})
	})
}

// guard makes errors of the panics in which bbolt tells that a file is damaged.
func guard(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if found := recover(); found != nil {
			err = fmt.Errorf("%s is damaged: %v", path, found)
		}
	}()
	return fn()
}

// refusal says in one sentence why the file cannot be used.
func refusal(path string, err error) error {
	_, unreadable := errors.AsType[*fs.PathError](err)
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("%s is in use by another process; only one may own it", path)
	case unreadable:
		return err
	default:
		return fmt.Errorf("%s is not a database of this server: %w", path, err)
	}
}

// flushFolder makes durable which files the folder has.
func flushFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
