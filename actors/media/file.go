package media

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/semaphore"
)

// Limits of a file, in bytes, by the way it comes.
const (
	MaxFile   = 100 << 20 // by URL, or as part of a form
	MaxInline = 16 << 20  // within JSON
)

// diskBudget is how many bytes of files a process has on its way at a time.
const diskBudget = 1 << 30

var held = semaphore.NewWeighted(diskBudget)

// Why a file is not taken.
var (
	// ErrTooLarge is a file beyond its limit.
	ErrTooLarge = errors.New("media too large")
	// ErrBusy says that as many files are on their way as the process has room for.
	ErrBusy = errors.New("too many files at a time")
)

// File is a file on disk without a name: it is gone when it is closed, or with the
// process. It may be read by several at once, and is closed once.
type File struct {
	disk   *os.File
	Size   int64             // in bytes
	Digest [sha256.Size]byte // SHA-256 of the content
}

// Store copies all that from gives, up to limit bytes.
func Store(from io.Reader, limit int64) (*File, error) {
	return Fill(limit, func(disk *os.File) error {
		size, err := io.Copy(disk, io.LimitReader(from, limit+1))
		if err == nil && size > limit {
			err = ErrTooLarge
		}
		return err
	})
}

// Fill makes a file of what write leaves in it, which must be no more than limit
// bytes.
func Fill(limit int64, write func(disk *os.File) error) (file *File, err error) {
	if limit > diskBudget {
		return nil, ErrTooLarge
	}
	if !held.TryAcquire(limit) {
		return nil, ErrBusy
	}
	file = &File{Size: limit}
	if file.disk, err = temporary(); err != nil {
		held.Release(limit)
		return nil, err
	}
	if err = write(file.disk); err == nil {
		err = file.seal(limit)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// seal finds out what the file has become, and gives back what it did not need.
func (f *File) seal(limit int64) error {
	size, err := f.disk.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if size > limit {
		return ErrTooLarge
	}
	f.Size = size
	held.Release(limit - size)
	digest := sha256.New()
	_, err = io.Copy(digest, f.Reader())
	f.Digest = [sha256.Size]byte(digest.Sum(nil))
	return err
}

// temporary makes a file that no name leads to any more.
func temporary() (*os.File, error) {
	disk, err := os.CreateTemp("", "media-*")
	if err != nil {
		return nil, fmt.Errorf("make temporary file: %w", err)
	}
	if err := os.Remove(disk.Name()); err != nil {
		disk.Close()
		return nil, fmt.Errorf("unlink temporary file: %w", err)
	}
	return disk, nil
}

// Reader reads the file from its beginning.
func (f *File) Reader() *io.SectionReader { return io.NewSectionReader(f.disk, 0, f.Size) }

// Close gives the file up.
func (f *File) Close() error {
	held.Release(f.Size)
	return f.disk.Close()
}
