package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// compactSlice is how much of the copy is one transaction, in bytes.
const compactSlice = 16 << 20

// Compact makes the database as small as its rows, by a copy that takes its
// place, and returns the sizes of before and after in bytes. It fails if the
// database is in use. A copy that was cut off is of no consequence; the next one
// begins anew.
func Compact(ctx context.Context, config Config) (before, after int64, err error) {
	path, err := filepath.Abs(filepath.Join(config.Folder, FileName))
	if err != nil {
		return 0, 0, err
	}
	if _, err := os.Stat(path); err != nil {
		return 0, 0, err
	}
	source, err := open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	if before, err = size(path); err != nil {
		return 0, 0, err
	}
	copied := path + ".compact"
	if err := errors.Join(ctx.Err(), copyTo(copied, source.bolt)); err != nil {
		return 0, 0, fmt.Errorf("compact %s: %w", path, errors.Join(err, discard(copied)))
	}
	if err := errors.Join(os.Rename(copied, path), flushFolder(filepath.Dir(path))); err != nil {
		return 0, 0, fmt.Errorf("compact %s: %w", path, err)
	}
	after, err = size(path)
	return before, after, err
}

// copyTo makes a file of what is in source, flushed once it is whole.
func copyTo(path string, source *bbolt.DB) error {
	if err := discard(path); err != nil {
		return err
	}
	how := options()
	how.NoSync = true
	target, err := bbolt.Open(path, 0o600, how)
	if err != nil {
		return err
	}
	target.AllocSize = 0 // no room for growth at the end
	return errors.Join(bbolt.Compact(target, source, compactSlice), target.Sync(), target.Close())
}

// discard removes a file that may be there.
func discard(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func size(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
