package persist

import "context"

// Engine is a storage backend. All methods may be called concurrently. Rows
// handed in may be kept, and those handed out may be the same, since nobody
// changes a [Row]. Every error is one of the sentinels of this package or an
// engine's own error, which callers treat as "outcome unknown".
type Engine interface {
	// Migrate creates or upgrades the schema. It runs once, before any other
	// call, and refuses a schema newer than this program with [ErrSchemaTooNew].
	Migrate(ctx context.Context) error

	// Acquire makes the caller the one writer of the account: it stores and
	// returns a generation greater than every earlier one and than floor.
	// Batches with another generation are fenced from then on.
	Acquire(ctx context.Context, account string, floor uint64) (uint64, error)

	// Apply commits the batches, durably before it returns. The context counts
	// until the commit begins: none is abandoned half way. The result has one
	// entry per batch: nil, [ErrFenced], [ErrConflict], [ErrPoisoned] or an error
	// of the engine. A batch is applied whole or not at all; one that is refused
	// does not keep the others from being committed. Two batches of one call
	// never name the same scope.
	Apply(ctx context.Context, batches []Batch) []error

	// Get returns the row with this key, or [ErrNotFound], also when the table
	// is of another level than the scope.
	Get(ctx context.Context, scope Scope, table *Table, key Key) (Row, error)

	// Scan returns the rows that q asks for, at most q.Limit of them; none is no
	// error.
	Scan(ctx context.Context, q Query) ([]Row, error)

	// DeleteScope removes every record of the scope. For an account it is fenced
	// by the generation, which itself survives, so that a superseded writer
	// stays superseded. It need not be atomic: one that failed is repeated.
	DeleteScope(ctx context.Context, scope Scope, generation uint64) error

	// Health answers whether the engine can commit now.
	Health(ctx context.Context) error

	// Close waits for calls in progress and releases everything. Calls after it
	// return [ErrClosed]; closing again does nothing.
	Close() error
}

// Versioned is an engine whose schema several processes may be using.
type Versioned interface {
	// Schema tells which version the data have, 0 where there are none, and which one
	// Migrate brings them to. It may be called before that.
	Schema(ctx context.Context) (stored, known int, err error)
}

// Snapshotter is an engine that can be read as it was at one moment, for as long
// as it takes, while it goes on. Embedded engines are.
type Snapshotter interface {
	// Snapshot returns everything that is committed now. The caller closes it
	// before it closes the engine.
	Snapshot(ctx context.Context) (Snapshot, error)
}

// Snapshot is the records of one moment.
type Snapshot interface {
	Getter
	Scanner

	// Generation is the account's; 0 if it was never acquired.
	Generation(ctx context.Context, account string) (uint64, error)

	Close() error
}

// Batch is a set of mutations of one scope that become visible and durable
// together, in their order.
type Batch struct {
	Scope Scope
	// Generation is the writer's, for an account's scope; elsewhere it is zero.
	Generation uint64
	Mutations  []Mutation
}

// Mutation writes or removes one record.
type Mutation struct {
	Table *Table
	// Row is a whole row for a put. For a delete it holds the key columns only,
	// followed by the version on a versioned table.
	Row    Row
	Delete bool
}

// Key returns the key of the record that m touches.
func (m Mutation) Key() Key { return Key(m.Row[:m.Table.KeyColumns]) }

// Query selects rows of one table in one scope, in index order.
type Query struct {
	Scope Scope
	Table *Table
	// Index names a declared index; empty means the key.
	Index string
	// Prefix fixes the first columns of the index to these values.
	Prefix Key
	// After is an exclusive start: the columns of the index after Prefix,
	// followed by the key, or the first few of them. Rows that share a shorter
	// After are all skipped. Nil starts at the end the direction starts from.
	After Key
	// Match selects those rows whose searched column has, for each of these, a word
	// that begins with it. They are [Terms]. Order, cursor and limits are as without
	// it.
	Match []string
	// Reverse walks from the greatest to the least.
	Reverse bool
	// Offset skips rows after the start; it costs what reading them would.
	Offset int
	// Limit bounds the result and must be positive.
	Limit int
}
