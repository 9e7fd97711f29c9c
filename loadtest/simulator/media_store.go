package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

const (
	// maxMedia bounds all blobs together, in bytes; beyond it the oldest are dropped and answered with 404.
	maxMedia = 512 << 20
	// maxUpload bounds one blob. Larger ones are refused with 413.
	maxUpload = 128 << 20
	// maxMediaFiles bounds their number, so that small ones don't hide what each costs by itself.
	maxMediaFiles = 100_000
)

// ErrUnknownMedia is the answer about media that the service does not hold, or no longer.
var ErrUnknownMedia = errors.New("no such media")

// mediaStore is what lies on the media servers: blobs that they cannot read. It is a leaf lock.
type mediaStore struct {
	mu    sync.Mutex
	files map[string]*mediaFile // by path without query
	order []string              // the oldest first; the deleted are still in it
	bytes int
}

// mediaFile is a blob, and the status with which it is refused once it has expired. Its bytes stay, for they stand for
// those on the phones of whoever sent or got it.
type mediaFile struct {
	blob    []byte
	expired int
	handle  string // what a newsletter's post names it by; empty if it is for no newsletter
}

func newMediaStore() *mediaStore { return &mediaStore{files: map[string]*mediaFile{}} }

// put keeps a blob, which must not change any more, under a path that nobody else knows. The path has a query as
// those of the real service do: clients append to it.
func (m *mediaStore) put(blob []byte) (directPath string) {
	path := "/v/t62.7118-24/" + randomHex(16)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[path] = &mediaFile{blob: blob}
	m.order = append(m.order, path)
	m.bytes += len(blob)
	for m.bytes > maxMedia || len(m.order) > maxMediaFiles {
		m.removeLocked(m.order[0])
		m.order = m.order[1:]
	}
	return path + "?ccb=11-4"
}

// putOpenly keeps a file for a newsletter, and returns the handle that its post has to name.
func (m *mediaStore) putOpenly(file []byte) (directPath, handle string) {
	directPath, handle = m.put(file), randomHex(8)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[withoutQuery(directPath)].handle = handle
	return directPath, handle
}

// openly finds a file that lies there for a newsletter; nil if there is none.
func (m *mediaStore) openly(directPath string) (file []byte, handle string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.files[withoutQuery(directPath)]
	if found == nil || found.handle == "" {
		return nil, ""
	}
	return found.blob, found.handle
}

// get returns a blob, or the status to refuse with.
func (m *mediaStore) get(directPath string) (blob []byte, status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	file := m.files[withoutQuery(directPath)]
	switch {
	case file == nil:
		return nil, http.StatusNotFound
	case file.expired != 0:
		return nil, file.expired
	default:
		return file.blob, http.StatusOK
	}
}

// expire makes a blob be refused with a status from now on.
func (m *mediaStore) expire(directPath string, status int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	file := m.files[withoutQuery(directPath)]
	if file == nil {
		return fmt.Errorf("media %q: %w", directPath, ErrUnknownMedia)
	}
	file.expired = status
	return nil
}

// putAgain keeps a blob under a new path, from the copy that a phone has.
func (m *mediaStore) putAgain(directPath string) (newPath string, err error) {
	m.mu.Lock()
	file := m.files[withoutQuery(directPath)]
	m.mu.Unlock()
	if file == nil {
		return "", fmt.Errorf("media %q: %w", directPath, ErrUnknownMedia)
	}
	return m.put(file.blob), nil
}

func (m *mediaStore) remove(directPath string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removeLocked(withoutQuery(directPath))
}

func (m *mediaStore) removeLocked(path string) {
	if file := m.files[path]; file != nil {
		m.bytes -= len(file.blob)
		delete(m.files, path)
	}
}

func (m *mediaStore) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files, m.order, m.bytes = map[string]*mediaFile{}, nil, 0
}

func withoutQuery(directPath string) string {
	path, _, _ := strings.Cut(directPath, "?")
	return path
}
