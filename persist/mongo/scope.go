package mongo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/semaphore"

	"whatsapp-web-server/persist"
)

// scopesCollection holds a document for each scope that was ever written to. It
// outlives the scope's rows.
const scopesCollection = "storage_scopes"

// scopeDocument is what is stored of a scope.
type scopeDocument struct {
	// Generation is the account's. Elsewhere it counts the times that a writer had
	// to shut out its own late commit.
	Generation int64 `bson:"generation"`
	// Entry is the number of the last one.
	Entry int64 `bson:"entry"`
	// Journal holds it, as long as nothing follows.
	Journal []entry `bson:"journal"`
}

func scopeID(scope persist.Scope) string { return scope.Level() + "|" + ownerPrefix(scope) }

// scopes is what this process knows of each scope that it has written to: a few
// words for each, for good.
type scopes struct {
	mu    sync.Mutex
	known map[persist.Scope]*state
}

// state is how a scope's document was last seen. Who holds turn may use it.
type state struct {
	scope persist.Scope
	turn  *semaphore.Weighted

	loaded     bool // the rest is what the document says, and its entry is in the tables
	generation uint64
	entry      int64

	// pending: an entry of this process may be committed and not be in the tables.
	pending atomic.Bool
}

// of returns the scope's state.
func (s *scopes) of(scope persist.Scope) *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[persist.Scope]*state{}
	}
	if s.known[scope] == nil {
		s.known[scope] = &state{scope: scope, turn: semaphore.NewWeighted(1)}
	}
	return s.known[scope]
}

// seen returns the scope's state, or nil if this process has not written to it.
func (s *scopes) seen(scope persist.Scope) *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[scope]
}

// unknown is called when a commit, or the writing of its rows, may have happened.
func (s *state) unknown() {
	s.loaded = false
	s.pending.Store(true)
}

// load reads the scope's document and brings the rows of its entry into the
// tables. After an unknown outcome, where no account's generation does, it shuts out
// a commit that might come late.
func (db *DB) load(ctx context.Context, s *state) error {
	var stored scopeDocument
	var err error
	if s.pending.Load() && !s.scope.IsAccount() {
		stored, err = db.raise(ctx, s.scope)
	} else {
		err = db.data.Collection(scopesCollection).FindOne(ctx, byID(scopeID(s.scope))).Decode(&stored)
	}
	if errors.Is(err, mongo.ErrNoDocuments) {
		stored, err = scopeDocument{}, db.create(ctx, s.scope)
	}
	if err != nil {
		return fmt.Errorf("read the journal of %s: %w", s.scope, err)
	}
	return db.adopt(ctx, s, stored)
}

// adopt takes what is stored of a scope for its state.
func (db *DB) adopt(ctx context.Context, s *state, stored scopeDocument) error {
	s.loaded = false
	if err := db.replay(ctx, stored.Journal); err != nil {
		return fmt.Errorf("replay the journal of %s: %w", s.scope, err)
	}
	s.loaded, s.generation, s.entry = true, uint64(stored.Generation), stored.Entry
	s.pending.Store(false)
	return nil
}

// create stores a scope's first document, unless another writer just has.
func (db *DB) create(ctx context.Context, scope persist.Scope) error {
	_, err := db.data.Collection(scopesCollection).InsertOne(ctx,
		bson.D{{Key: "_id", Value: scopeID(scope)}, {Key: "generation", Value: int64(0)}, {Key: "entry", Value: int64(0)}})
	if mongo.IsDuplicateKeyError(err) {
		return nil
	}
	return err
}

// raise stores the scope's next generation and returns the document.
func (db *DB) raise(ctx context.Context, scope persist.Scope) (stored scopeDocument, err error) {
	err = db.data.Collection(scopesCollection).FindOneAndUpdate(ctx, byID(scopeID(scope)),
		bson.D{{Key: "$inc", Value: bson.D{{Key: "generation", Value: int64(1)}}}, ifNew(bson.E{Key: "entry", Value: int64(0)})},
		options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)).Decode(&stored)
	return stored, err
}

func ifNew(fields ...bson.E) bson.E { return bson.E{Key: "$setOnInsert", Value: bson.D(fields)} }

// Acquire implements [persist.Engine]. The generation is raised first, which shuts
// out the account's earlier writers; what they had committed until then is brought
// into the tables.
func (db *DB) Acquire(ctx context.Context, account string, floor uint64) (uint64, error) {
	ctx, leave, err := db.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	s := db.scopes.of(persist.AccountScope(account))
	if err := s.turn.Acquire(ctx, 1); err != nil {
		return 0, fmt.Errorf("mongodb: acquire: %w", err)
	}
	defer s.turn.Release(1)
	if err := db.acquire(ctx, s, floor); err != nil {
		return 0, fmt.Errorf("mongodb: acquire: %w", err)
	}
	return s.generation, nil
}

func (db *DB) acquire(ctx context.Context, s *state, floor uint64) error {
	s.loaded = false
	if floor > 0 {
		_, err := db.data.Collection(scopesCollection).UpdateOne(ctx, byID(scopeID(s.scope)),
			bson.D{{Key: "$max", Value: bson.D{{Key: "generation", Value: int64(floor)}}}, ifNew(bson.E{Key: "entry", Value: int64(0)})},
			options.UpdateOne().SetUpsert(true))
		if err != nil {
			return err
		}
	}
	stored, err := db.raise(ctx, s.scope)
	if err != nil {
		return err
	}
	if err := db.adopt(ctx, s, stored); err != nil {
		return err
	}
	return db.dropChunks(ctx, s.scope, s.generation)
}
