package devicestore

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"go.mau.fi/whatsmeow/store"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// PutAppStateSyncKey stores a key shared by the phone unless a newer one of this
// id is known. It is durable when it returns: the phone gets its receipt.
func (s *Store) PutAppStateSyncKey(ctx context.Context, id []byte, key store.AppStateSyncKey) (err error) {
	defer s.guard(ctx, "store app state key", &err)
	position, err := editOne(ctx, s, persist.AppStateKeys, []any{id}, func(stored *persist.AppStateKey, found bool) bool {
		newer := !found || key.Timestamp > stored.Timestamp
		*stored = persist.AppStateKey{ID: id, Data: key.Data, Fingerprint: key.Fingerprint, Timestamp: key.Timestamp}
		return newer
	})
	return s.barrier(ctx, position, err)
}

// GetAppStateSyncKey returns nil for an unknown key.
func (s *Store) GetAppStateSyncKey(ctx context.Context, id []byte) (_ *store.AppStateSyncKey, err error) {
	defer s.guard(ctx, "read app state key", &err)
	key, found, err := find(ctx, s, persist.AppStateKeys, id)
	if err != nil || !found {
		return nil, err
	}
	return syncKeyOf(key), nil
}

// GetLatestAppStateSyncKeyID returns nil while no key was shared.
func (s *Store) GetLatestAppStateSyncKeyID(ctx context.Context) (_ []byte, err error) {
	defer s.guard(ctx, "read app state keys", &err)
	stored, err := s.appStateKeys(ctx)
	if err != nil || len(stored) == 0 {
		return nil, err
	}
	return stored[0].ID, nil
}

// GetAllAppStateSyncKeys returns the newest first.
func (s *Store) GetAllAppStateSyncKeys(ctx context.Context) (all []*store.AppStateSyncKey, err error) {
	defer s.guard(ctx, "read app state keys", &err)
	stored, err := s.appStateKeys(ctx)
	for _, key := range stored {
		all = append(all, syncKeyOf(key))
	}
	return all, err
}

// appStateKeys lists the keys, the newest first. There are few.
func (s *Store) appStateKeys(ctx context.Context) ([]persist.AppStateKey, error) {
	var stored []persist.AppStateKey
	for key, err := range scan(ctx, s, persist.AppStateKeys, persist.Query{}) {
		if err != nil {
			return nil, err
		}
		stored = append(stored, key)
	}
	slices.SortStableFunc(stored, func(a, b persist.AppStateKey) int { return int(b.Timestamp - a.Timestamp) })
	return stored, nil
}

func syncKeyOf(key persist.AppStateKey) *store.AppStateSyncKey {
	return &store.AppStateSyncKey{Data: key.Data, Fingerprint: key.Fingerprint, Timestamp: key.Timestamp}
}

// collections holds, by collection, a version whose MACs have not been written.
// whatsmeow writes the version, removes MACs and adds MACs in three calls
// (appstate/decode.go storeMACs, the last one always); a version without its MACs
// would fail every later patch, so the last call stores all three as one unit.
type collections struct {
	mu      sync.Mutex
	pending map[string]*pendingCollection
}

type pendingCollection struct {
	version persist.AppStateVersion
	removed [][]byte
}

// PutAppStateVersion is stored with the MACs that follow.
func (s *Store) PutAppStateVersion(ctx context.Context, name string, version uint64, hash [128]byte) (err error) {
	defer s.guard(ctx, "store app state version", &err)
	if err := s.open(); err != nil {
		return err
	}
	s.collections.mu.Lock()
	defer s.collections.mu.Unlock()
	if s.collections.pending == nil {
		s.collections.pending = make(map[string]*pendingCollection)
	}
	s.collections.pending[name] = &pendingCollection{
		version: persist.AppStateVersion{Name: name, Version: version, Hash: hash},
	}
	return nil
}

// GetAppStateVersion returns version 0 for a collection that was never synced.
func (s *Store) GetAppStateVersion(ctx context.Context, name string) (_ uint64, _ [128]byte, err error) {
	defer s.guard(ctx, "read app state version", &err)
	stored, _, err := find(ctx, s, persist.AppStateVersions, name)
	if err != nil {
		return 0, [128]byte{}, err
	}
	s.collections.mu.Lock()
	defer s.collections.mu.Unlock()
	if pending := s.collections.pending[name]; pending != nil {
		stored = pending.version
	}
	return stored.Version, stored.Hash, nil
}

// DeleteAppStateVersion forgets a collection with its MACs.
func (s *Store) DeleteAppStateVersion(ctx context.Context, name string) (err error) {
	defer s.guard(ctx, "remove app state version", &err)
	s.takePending(name)
	gone := []persist.Mutation{persist.AppStateVersions.Remove(name)}
	q := persist.Query{Prefix: persist.AppStateMACs.Key(name)}
	for mac, err := range scan(ctx, s, persist.AppStateMACs, q) {
		if err != nil {
			return err
		}
		gone = append(gone, removal(persist.AppStateMACs, mac))
	}
	_, err = s.write(ctx, gone...)
	return err
}

// PutAppStateMutationMACs stores MACs, and with them what PutAppStateVersion and
// DeleteAppStateMutationMACs left pending.
func (s *Store) PutAppStateMutationMACs(ctx context.Context, name string, version uint64, mutations []store.AppStateMutationMAC) (err error) {
	defer s.guard(ctx, "store app state MACs", &err)
	_, err = s.update(ctx, func(tx *journal.Tx) error {
		if pending := s.takePending(name); pending != nil {
			tx.Put(persist.AppStateVersions.Put(pending.version))
			tx.Put(removeMACs(name, pending.removed)...)
		}
		for _, mac := range mutations {
			tx.Put(persist.AppStateMACs.Put(persist.AppStateMAC{
				Name: name, IndexMAC: mac.IndexMAC, Version: version, ValueMAC: mac.ValueMAC,
			}))
		}
		return nil
	})
	return err
}

// DeleteAppStateMutationMACs removes MACs, with the pending version if there is
// one.
func (s *Store) DeleteAppStateMutationMACs(ctx context.Context, name string, indexMACs [][]byte) (err error) {
	defer s.guard(ctx, "remove app state MACs", &err)
	if err := s.open(); err != nil {
		return err
	}
	if s.addPending(name, indexMACs) {
		return nil
	}
	_, err = s.write(ctx, removeMACs(name, indexMACs)...)
	return err
}

// GetAppStateMutationMAC returns nil for an index without a value.
func (s *Store) GetAppStateMutationMAC(ctx context.Context, name string, indexMAC []byte) (_ []byte, err error) {
	defer s.guard(ctx, "read app state MAC", &err)
	mac, found, err := find(ctx, s, persist.AppStateMACs, name, indexMAC)
	if err != nil || !found || s.removesPending(name, indexMAC) {
		return nil, err
	}
	return mac.ValueMAC, nil
}

func (s *Store) takePending(name string) *pendingCollection {
	s.collections.mu.Lock()
	defer s.collections.mu.Unlock()
	pending := s.collections.pending[name]
	delete(s.collections.pending, name)
	return pending
}

func (s *Store) addPending(name string, removed [][]byte) bool {
	s.collections.mu.Lock()
	defer s.collections.mu.Unlock()
	pending := s.collections.pending[name]
	if pending == nil {
		return false
	}
	pending.removed = append(pending.removed, removed...)
	return true
}

func (s *Store) removesPending(name string, indexMAC []byte) bool {
	s.collections.mu.Lock()
	defer s.collections.mu.Unlock()
	pending := s.collections.pending[name]
	return pending != nil && slices.ContainsFunc(pending.removed, func(removed []byte) bool {
		return bytes.Equal(removed, indexMAC)
	})
}

func removeMACs(name string, indexMACs [][]byte) []persist.Mutation {
	gone := make([]persist.Mutation, len(indexMACs))
	for i, indexMAC := range indexMACs {
		gone[i] = persist.AppStateMACs.Remove(name, indexMAC)
	}
	return gone
}
