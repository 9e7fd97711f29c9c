package media

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// Limits of a file, in bytes, by the way it comes.
const (
	MaxFile   = 100 << 20 // by URL, or as part of a form
	MaxInline = 16 << 20  // within JSON
)

// ErrTooLarge is a file beyond its limit.
var ErrTooLarge = errors.New("media too large")

// File is a file on disk without a name: it is gone when it is closed, or with the
// process. It may be read by several at once.
type File struct {
	disk   *os.File
	Size   int64             // in bytes
	Digest [sha256.Size]byte // SHA-256 of the content
}

// Store copies all that from gives, up to limit bytes.
func Store(from io.Reader, limit int64) (*File, error) {
	disk, err := temporary()
	if err != nil {
		return nil, err
	}
	digest := sha256.New()
	size, err := io.Copy(io.MultiWriter(disk, digest), io.LimitReader(from, limit+1))
	if err == nil && size > limit {
		err = ErrTooLarge
	}
	if err != nil {
		disk.Close()
		return nil, err
	}
	return &File{disk: disk, Size: size, Digest: [sha256.Size]byte(digest.Sum(nil))}, nil
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
func (f *File) Close() error { return f.disk.Close() }
