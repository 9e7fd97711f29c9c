package postgres

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/semaphore"

	"whatsapp-web-server/persist"
)

// Config says where the database is.
type Config struct {
	// URL is postgres://user:password@host:port/database?options with the options
	// of libpq and of pgxpool, such as pool_max_conns, which bounds the connections
	// that read. It is in no error.
	URL string
	// AllowLoss permits settings that lose committed writes when the server
	// crashes, and leaves synchronous_commit to the server.
	AllowLoss bool
	// Timeout bounds each statement, at the server. Zero means 8 seconds, which is
	// less than a journal waits.
	Timeout time.Duration
}

// DB is the engine over one database. It implements [persist.Engine].
type DB struct {
	config  Config
	writers *pgxpool.Pool // a connection for each shard
	// others reads and does what is rare.
	others *pgxpool.Pool
	shards [shards]*semaphore.Weighted
	scans  sync.Map // the text of each scanShape

	walkRows int // the constant, but in tests

	calls  sync.RWMutex // held for reading by each call, for writing to close
	closed bool
}

var _ persist.Engine = (*DB)(nil)

// Open connects to the database and verifies that what it commits is durable.
// Errors are sentences for the operator, without the password.
func Open(ctx context.Context, config Config) (*DB, error) {
	config.Timeout = cmp.Or(config.Timeout, 8*time.Second)
	db := &DB{config: config, walkRows: walkRows}
	for i := range db.shards {
		db.shards[i] = semaphore.NewWeighted(1)
	}
	if err := db.connect(ctx); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return db, nil
}

// Health implements [persist.Engine] by a commit of one small row.
func (db *DB) Health(ctx context.Context) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	_, err := db.others.Exec(ctx, `INSERT INTO health VALUES (1, $1)
		ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at`, time.Now().UnixMilli())
	return db.failure("health", err)
}

// Close implements [persist.Engine].
func (db *DB) Close() error {
	db.calls.Lock()
	defer db.calls.Unlock()
	if !db.closed {
		db.closed = true
		db.disconnect()
	}
	return nil
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

// grace is how much later than the server the client gives up. A statement that
// waits for a lock is ended by the server, and the connection is good; only a
// server that does not answer leaves the outcome unknown.
const grace = time.Second

// bounded gives what is asked of the server its deadline.
func (db *DB) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, db.config.Timeout+grace)
}
