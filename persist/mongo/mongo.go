package mongo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"whatsapp-web-server/persist"
)

// Config says where the data are.
type Config struct {
	// URL is mongodb://[user:password@]host[:port]/database?options, or
	// mongodb+srv://… The database is "whatsapp_auth" if it names none.
	URL string
	// AllowLoss permits a write concern, or a server, that loses confirmed writes.
	AllowLoss bool
}

const (
	// callTimeout bounds every call: a server that stops answering is an error then.
	callTimeout = 30 * time.Second
	// longTimeout bounds those that may have much to do: to make indexes of tables that
	// are full, and to delete an account.
	longTimeout = 30 * time.Minute
)

// DB is the engine over one database. It implements [persist.Engine].
type DB struct {
	client *mongo.Client
	data   *mongo.Database
	// ferret: the server is a FerretDB, with its limits.
	ferret bool
	scopes scopes
	// applying is called between the commit of entries and the writing of their rows.
	// Tests crash there.
	applying func() error
	// inline is how many bytes of an entry are kept within the scope's document.
	inline int

	stop    context.CancelFunc // of what runs beside the calls
	running sync.WaitGroup

	calls  sync.RWMutex // held for reading by each call, for writing to close
	closed bool
}

var _ persist.Engine = (*DB)(nil)

// Open connects to the server. It fails if none answers within some seconds, if
// the server refuses the user, and if it loses what it confirms.
func Open(ctx context.Context, config Config) (*DB, error) {
	at, err := parseURL(config.URL, config.AllowLoss)
	if err != nil {
		return nil, fmt.Errorf("open mongodb: %w", err)
	}
	db := &DB{applying: func() error { return nil }, inline: inlineBytes, stop: func() {}}
	if err := db.connect(ctx, at); err != nil {
		return nil, errors.Join(fmt.Errorf("open mongodb: %w", err), db.Close())
	}
	if db.ferret && !config.AllowLoss {
		return nil, errors.Join(fmt.Errorf("open mongodb: %s is a FerretDB, which loses confirmed writes: use MongoDB, or set MONGODB_ALLOW_LOSS=true", at.hosts), db.Close())
	}
	return db, nil
}

// Health implements [persist.Engine] by a commit of one small document.
func (db *DB) Health(ctx context.Context) error {
	ctx, leave, err := db.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	_, err = db.data.Collection(schemaCollection).UpdateOne(ctx, byID("health"),
		bson.D{{Key: "$set", Value: bson.D{{Key: "checked_at", Value: time.Now()}}}}, options.UpdateOne().SetUpsert(true))
	return err
}

// Close implements [persist.Engine].
func (db *DB) Close() error {
	db.calls.Lock()
	defer db.calls.Unlock()
	if db.closed {
		return nil
	}
	db.closed = true
	db.stop()
	db.running.Wait()
	if db.client == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	return db.client.Disconnect(ctx)
}

// enter begins a call, which keeps the engine open until leave and has a deadline.
func (db *DB) enter(ctx context.Context) (_ context.Context, leave func(), err error) {
	return db.enterFor(ctx, callTimeout)
}

func (db *DB) enterFor(ctx context.Context, timeout time.Duration) (_ context.Context, leave func(), err error) {
	db.calls.RLock()
	if err = ctx.Err(); db.closed {
		err = persist.ErrClosed
	}
	if err != nil {
		db.calls.RUnlock()
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return ctx, func() {
		cancel()
		db.calls.RUnlock()
	}, nil
}

// uncancelled is a context for what must not be abandoned half way: nothing but the
// deadline ends it.
func uncancelled(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(callTimeout)
	}
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}

func byID(id string) bson.D { return bson.D{{Key: "_id", Value: id}} }

func set(fields ...bson.E) bson.D { return bson.D{{Key: "$set", Value: bson.D(fields)}} }
