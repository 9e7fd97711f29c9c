package access

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

const (
	// MaxKeys bounds the keys of a tenant: they are all held in memory.
	MaxKeys = 1000
	// rereadEvery is how long another node's change may stay unseen, where nobody tells.
	rereadEvery = 5 * time.Second
	// noteEvery is how far the time of the last use is behind.
	noteEvery = 10 * time.Minute
	// rereadTime bounds a reading, and what is written beside it.
	rereadTime = 30 * time.Second
	readPage   = 500
)

// ErrUnknown is what Authenticate answers for a token that opens nothing, whatever is
// wrong with it; ErrAddress where it is the place alone that is wrong.
var (
	ErrUnknown = errors.New("the key is not valid")
	ErrAddress = errors.New("the key may not be used from this address")
)

// Others is how a node and the other ones hold together; the zero value is for a node
// by itself.
type Others struct {
	// Limiter counts the rates of keys for all nodes; nil counts for this one.
	Limiter Limiter
	// Tell has the other nodes Refresh, after something was changed here. It returns soon,
	// and need not succeed. Nil tells nobody.
	Tell func()
}

// Store holds the keys of the installation. They are in memory; a change is stored
// before it counts, counts here at once, and on other nodes as soon as they are told,
// else a few seconds later.
type Store struct {
	engine persist.Engine
	log    *zap.Logger
	others Others
	asked  chan struct{} // to read again

	changing sync.Mutex // keeps what is read from overtaking what is written
	mu       sync.RWMutex
	grants   map[string]*Grant

	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
}

// Open reads the keys, and sees to changes until Close.
func Open(ctx context.Context, engine persist.Engine, log *zap.Logger, others Others) (*Store, error) {
	if others.Tell == nil {
		others.Tell = func() {}
	}
	s := &Store{engine: engine, log: log, others: others, asked: make(chan struct{}, 1), grants: make(map[string]*Grant)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if err := s.reread(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("read keys: %w", err)
	}
	s.running.Go(s.follow)
	return s, nil
}

// Close ends the life of every grant.
func (s *Store) Close() {
	s.stop()
	s.running.Wait()
}

// Refresh has the keys read again: another node has changed some. It does not wait.
func (s *Store) Refresh() {
	select {
	case s.asked <- struct{}{}:
	default: // it will be
	}
}

func (s *Store) follow() {
	tick := time.NewTicker(rereadEvery)
	defer tick.Stop()
	for tended := time.Now(); ; {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		case <-s.asked:
		}
		ctx, cancel := context.WithTimeout(s.ctx, rereadTime)
		err := s.reread(ctx)
		if err == nil && time.Since(tended) >= noteEvery {
			tended = time.Now()
			err = errors.Join(s.noteUse(ctx), s.prune(ctx))
		}
		cancel()
		if err != nil && s.ctx.Err() == nil {
			s.log.Warn("keys could not be read: those that are known stay valid", zap.Error(err))
		}
	}
}

// reread takes over what the storage has.
func (s *Store) reread(ctx context.Context) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	stored, err := scanAll(ctx, s.engine, persist.APIKeys, func(key persist.APIKey) string { return key.ID })
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	there := make(map[string]bool, len(stored))
	for _, key := range stored {
		there[key.ID] = true
		s.putLocked(key)
	}
	for id := range s.grants {
		if !there[id] {
			s.dropLocked(id)
		}
	}
	return nil
}

func scanAll[T any](ctx context.Context, engine persist.Engine, kind persist.Kind[T], id func(T) string) (all []T, err error) {
	q := persist.Query{Scope: persist.SystemScope(), Limit: readPage}
	for {
		page, err := kind.Scan(ctx, engine, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < readPage {
			return all, nil
		}
		q.After = kind.Key(id(page[len(page)-1]))
	}
}

// putLocked has a key be what it is now. A grant that gives what it gave goes on.
func (s *Store) putLocked(key persist.APIKey) {
	old := s.grants[key.ID]
	if old != nil && same(old.key, key) {
		old.key = key
		return
	}
	next := newGrant(s.ctx, key, s.others.Limiter)
	s.grants[key.ID] = next
	if old != nil {
		next.used.Store(old.used.Load())
		old.end(ErrChanged)
	}
}

func (s *Store) dropLocked(id string) {
	if grant := s.grants[id]; grant != nil {
		delete(s.grants, id)
		grant.end(ErrRevoked)
	}
}

// Authenticate finds whom a token belongs to. How long it takes tells nothing of
// secrets: digests are compared, also where there is no such key.
func (s *Store) Authenticate(token string, from netip.Addr) (*Grant, error) {
	id, secret := splitToken(token)
	digest := sha256.Sum256([]byte(secret))
	grant, expected := s.find(id)
	proven := subtle.ConstantTimeCompare(digest[:], expected) == 1
	switch {
	case grant == nil || !proven || grant.life.Err() != nil:
		return nil, ErrUnknown
	case !grant.From(from):
		return nil, ErrAddress
	}
	grant.used.Store(time.Now().Unix())
	return grant, nil
}

// Grant is what a key gives that is known by its id, for whoever has proven to have it
// elsewhere; nil if there is none.
func (s *Store) Grant(id string) *Grant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.grants[id]
}

// find returns a key's grant and digest, and a digest of nothing where there is none.
func (s *Store) find(id string) (*Grant, []byte) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if grant := s.grants[id]; grant != nil {
		return grant, grant.key.Digest
	}
	return nil, make([]byte, sha256.Size)
}

// Create makes a key for a tenant, and returns its token, which is nowhere else.
func (s *Store) Create(ctx context.Context, by Principal, tenant string, spec Spec) (persist.APIKey, string, error) {
	now := storable(time.Now())
	key, err := spec.apply(persist.APIKey{
		ID: newID(), Version: 1, Tenant: tenant, CreatedAt: now, UpdatedAt: now, CreatedBy: by.ID,
	})
	if err != nil {
		return key, "", err
	}
	if err := mayGive(by, key); err != nil {
		return key, "", err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.count(tenant) >= MaxKeys {
		return key, "", actors.Refuse(actors.CodeConflict, "a tenant has at most %d keys", MaxKeys)
	}
	token, digest := newSecret(key.ID)
	key.Digest = digest
	return key, token, s.announce(s.write(ctx, key))
}

func (s *Store) count(tenant string) (n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, grant := range s.grants {
		if grant.Tenant == tenant {
			n++
		}
	}
	return n
}

// Keys lists those that the caller may manage, oldest first.
func (s *Store) Keys(by Principal) []persist.APIKey {
	s.mu.RLock()
	defer s.mu.RUnlock()
	keys := []persist.APIKey{}
	for _, grant := range s.grants {
		if mayManage(by, grant.key) {
			keys = append(keys, grant.shown())
		}
	}
	slices.SortFunc(keys, func(a, b persist.APIKey) int { return cmp.Compare(a.ID, b.ID) })
	return keys
}

// Key is one of them. It refuses with not_found.
func (s *Store) Key(by Principal, id string) (persist.APIKey, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if grant := s.grants[id]; grant != nil && mayManage(by, grant.key) {
		return grant.shown(), nil
	}
	return persist.APIKey{}, actors.Refuse(actors.CodeNotFound, "there is no such key")
}

// shown is the key with its last use as it is known here.
func (g *Grant) shown() persist.APIKey {
	key := g.key
	if used := g.used.Load(); used > 0 && used > key.LastUsedAt.Unix() {
		key.LastUsedAt = time.Unix(used, 0).UTC()
	}
	return key
}

// Change changes a key. What it gave before is over.
func (s *Store) Change(ctx context.Context, by Principal, id string, spec Spec) (persist.APIKey, error) {
	return s.change(ctx, by, id, func(key persist.APIKey) (persist.APIKey, error) {
		key, err := spec.apply(key)
		return key, errors.Join(err, mayGive(by, key))
	})
}

// Rotate gives a key another secret. The one before opens nothing any more.
func (s *Store) Rotate(ctx context.Context, by Principal, id string) (key persist.APIKey, token string, err error) {
	key, err = s.change(ctx, by, id, func(key persist.APIKey) (persist.APIKey, error) {
		token, key.Digest = newSecret(key.ID)
		return key, nil
	})
	return key, token, err
}

func (s *Store) change(ctx context.Context, by Principal, id string, how func(persist.APIKey) (persist.APIKey, error)) (persist.APIKey, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	key, err := s.Key(by, id)
	if err != nil {
		return key, err
	}
	if key, err = how(key); err != nil {
		return key, err
	}
	key.Version, key.UpdatedAt = key.Version+1, storable(time.Now())
	return key, s.announce(s.write(ctx, key))
}

// Revoke ends a key for good.
func (s *Store) Revoke(ctx context.Context, by Principal, id string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	key, err := s.Key(by, id)
	if err != nil {
		return err
	}
	if err := s.apply(ctx, persist.APIKeys.Remove(id, key.Version)); err != nil {
		return err
	}
	s.mu.Lock()
	s.dropLocked(id)
	s.mu.Unlock()
	return s.announce(nil)
}

// announce tells the other nodes of a change that was not refused.
func (s *Store) announce(err error) error {
	if err == nil {
		s.others.Tell()
	}
	return err
}

// write stores a key, and has it count.
func (s *Store) write(ctx context.Context, key persist.APIKey) error {
	if err := s.apply(ctx, persist.APIKeys.Put(key)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putLocked(key)
	return nil
}

func (s *Store) apply(ctx context.Context, mutations ...persist.Mutation) error {
	err := s.engine.Apply(ctx, []persist.Batch{{Scope: persist.SystemScope(), Mutations: mutations}})[0]
	switch {
	case errors.Is(err, persist.ErrConflict):
		return actors.Refuse(actors.CodeConflict, "somebody else has changed the key at the same time")
	case err != nil:
		return &actors.Error{Code: actors.CodeStorageUnavailable, Cause: fmt.Errorf("store key: %w", err), RetryAfter: time.Second}
	default:
		return nil
	}
}

// noteUse stores when keys were last used. That another node has been quicker is none
// the worse.
func (s *Store) noteUse(ctx context.Context) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	var failures []error
	for _, key := range s.Keys(Administrator("node")) {
		stored, err := persist.APIKeys.Get(ctx, s.engine, persist.SystemScope(), key.ID)
		if err != nil || key.LastUsedAt.Sub(stored.LastUsedAt) < noteEvery {
			continue
		}
		stored.LastUsedAt, stored.Version = key.LastUsedAt, stored.Version+1
		if err := s.write(ctx, stored); err != nil && actors.CodeOf(err) != actors.CodeConflict {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}
