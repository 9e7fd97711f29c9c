package actors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
)

// historyDownload bounds the download of one piece of history.
const historyDownload = 5 * time.Minute

// blobError is a piece of history that cannot be had, or read: a fault of that piece
// and of nothing else.
type blobError struct {
	cause error
	final bool // to try again is of no use
}

func (e blobError) Error() string { return e.cause.Error() }
func (e blobError) Unwrap() error { return e.cause }

// gone tells whether WhatsApp's media servers have a piece no more.
func gone(err error) bool {
	return errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith403) || errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith404) ||
		errors.Is(err, whatsmeow.ErrMediaDownloadFailedWith410)
}

// fetch gets a piece of history, still compressed. It holds no more of it than was
// announced.
func (l *link) fetch(notice *waE2E.HistorySyncNotification) ([]byte, error) {
	if inline := notice.GetInitialHistBootstrapInlinePayload(); inline != nil {
		return inline, nil
	}
	size := notice.GetFileLength()
	if size == 0 || size > maxHistoryBlob {
		return nil, blobError{fmt.Errorf("history of %d bytes", size), true}
	}
	ctx, cancel := context.WithTimeout(l.ctx, historyDownload)
	defer cancel()
	file := newMemoryFile(int(size))
	if err := l.client.DownloadToFile(ctx, notice, file); err != nil {
		return nil, blobError{fmt.Errorf("download history: %w", err), gone(err)}
	}
	return file.data, nil
}

// sealing is what encryption adds to a file at most: padding to the block size of
// AES, and the first 10 bytes of an HMAC.
const sealing = 16 + 10

var errFileFull = errors.New("file is larger than was announced")

// memoryFile is a file in memory that does not grow beyond its capacity.
type memoryFile struct {
	data []byte
	at   int
}

var _ whatsmeow.File = (*memoryFile)(nil)

// newMemoryFile has room for so many bytes, encrypted.
func newMemoryFile(size int) *memoryFile { return &memoryFile{data: make([]byte, 0, size+sealing)} }

// Write implements [io.Writer].
func (f *memoryFile) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, int64(f.at))
	f.at += n
	return n, err
}

// WriteAt implements [io.WriterAt]. It leaves no holes.
func (f *memoryFile) WriteAt(p []byte, at int64) (int, error) {
	if at < 0 || at > int64(len(f.data)) || int(at)+len(p) > cap(f.data) {
		return 0, errFileFull
	}
	f.data = f.data[:max(len(f.data), int(at)+len(p))]
	return copy(f.data[at:], p), nil
}

// Read implements [io.Reader].
func (f *memoryFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, int64(f.at))
	f.at += n
	if n > 0 {
		err = nil
	}
	return n, err
}

// ReadAt implements [io.ReaderAt].
func (f *memoryFile) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at > int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Seek implements [io.Seeker].
func (f *memoryFile) Seek(offset int64, whence int) (int64, error) {
	from := map[int]int{io.SeekStart: 0, io.SeekCurrent: f.at, io.SeekEnd: len(f.data)}[whence]
	at := from + int(offset)
	if at < 0 || at > len(f.data) {
		return 0, fs.ErrInvalid
	}
	f.at = at
	return int64(at), nil
}

// Truncate cuts the file off.
func (f *memoryFile) Truncate(size int64) error {
	if size < 0 || size > int64(len(f.data)) {
		return fs.ErrInvalid
	}
	f.data = f.data[:size]
	return nil
}

// Stat tells the size.
func (f *memoryFile) Stat() (fs.FileInfo, error) { return fileSize(len(f.data)), nil }

// fileSize is what is to be known of a file in memory.
type fileSize int64

func (s fileSize) Name() string       { return "" }
func (s fileSize) Size() int64        { return int64(s) }
func (s fileSize) Mode() fs.FileMode  { return 0 }
func (s fileSize) ModTime() time.Time { return time.Time{} }
func (s fileSize) IsDir() bool        { return false }
func (s fileSize) Sys() any           { return nil }
