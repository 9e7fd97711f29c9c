package redis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	driver "github.com/redis/go-redis/v9"

	"whatsapp-web-server/persist"
)

// Config says where the server is.
type Config struct {
	// URL is redis://[user][:password]@host:port/database, or rediss:// for TLS. It
	// names the server, or any node of a cluster.
	URL string
	// Prefix begins every key. Default "wa:".
	Prefix string
	// AllowLoss accepts a server whose settings lose writes that were acknowledged.
	AllowLoss bool
}

// callTimeout bounds every exchange with the server, also where the caller's
// context has no deadline or a later one.
const callTimeout = 30 * time.Second

// DB is the engine over one server or cluster. It implements [persist.Engine].
type DB struct {
	client driver.UniversalClient
	// address is host and port, for errors.
	address   string
	prefix    string
	allowLoss bool
	// cluster is whether accounts are on several servers.
	cluster bool
	// few is up to how many mutations an Apply is left to scripts.
	few int

	calls  sync.RWMutex // held for reading by each call, for writing to close
	closed bool
}

var _ persist.Engine = (*DB)(nil)

// Open connects and verifies that what is written is durable.
func Open(ctx context.Context, config Config) (*DB, error) {
	db, err := connect(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	if err := db.verify(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open redis at %s: %w", db.address, err), db.Close())
	}
	return db, nil
}

// Health implements [persist.Engine] by a write of one small key, and by another
// look at the settings.
func (db *DB) Health(ctx context.Context) error {
	ctx, leave, err := db.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := db.verify(ctx); err != nil {
		return db.failed(ctx, "check", err)
	}
	if err := db.write(ctx, "SET", db.prefix+"health", time.Now().Unix()).Err(); err != nil {
		return db.failed(ctx, "check", err)
	}
	return nil
}

// Close implements [persist.Engine].
func (db *DB) Close() error {
	db.calls.Lock()
	defer db.calls.Unlock()
	if db.closed {
		return nil
	}
	db.closed = true
	return db.client.Close()
}

// enter begins a call, which keeps the engine open until leave and has a deadline.
func (db *DB) enter(ctx context.Context) (bounded context.Context, leave func(), err error) {
	db.calls.RLock()
	if db.closed {
		db.calls.RUnlock()
		return nil, nil, persist.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		db.calls.RUnlock()
		return nil, nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	return bounded, func() {
		cancel()
		db.calls.RUnlock()
	}, nil
}

// failed tells what could not be done, and that the context had ended if so.
func (db *DB) failed(ctx context.Context, what string, err error) error {
	late := ctx.Err()
	if errors.Is(err, os.ErrDeadlineExceeded) { // the connection notices it first
		late = context.DeadlineExceeded
	}
	if late != nil && !errors.Is(err, late) {
		err = fmt.Errorf("%w: %w", late, err)
	}
	return fmt.Errorf("redis at %s: %s: %w", db.address, what, err)
}
