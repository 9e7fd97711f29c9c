package persist

import "errors"

var (
	// ErrNotFound means that no record has this key.
	ErrNotFound = errors.New("record not found")
	// ErrFenced means that another writer has acquired the account since. The
	// holder of the old generation must stop; nothing was written.
	ErrFenced = errors.New("writer superseded by a newer generation")
	// ErrConflict means that a versioned record is not at the version the caller
	// read. Nothing was written; read again.
	ErrConflict = errors.New("record changed since it was read")
	// ErrPoisoned means that a batch cannot be stored whatever happens, such as a
	// row that does not fit its table. Nothing of it was written.
	ErrPoisoned = errors.New("batch cannot be stored")
	// ErrTampered means that a sealed value was changed, moved or put there by
	// someone without the key.
	ErrTampered = errors.New("sealed value cannot be opened")
	// ErrSchemaTooNew means that the data were written by a newer program.
	ErrSchemaTooNew = errors.New("storage schema is newer than this program")
	// ErrClosed means that the engine or journal was closed.
	ErrClosed = errors.New("storage closed")
)
