package actors

import (
	"context"
	"hash/maphash"

	"whatsapp-web-server/persist"
)

// maxUsedKeys bounds the idempotency keys that an account remembers in memory, at
// about 16 bytes each. Over it all are looked up in storage.
const maxUsedKeys = 1 << 14

// usedKeys knows which idempotency keys nobody has used: nearly every key is new,
// and needs no look into storage then. It holds for one incarnation, whose writes
// are the only ones, and is for one goroutine at a time.
type usedKeys struct {
	scope persist.Scope
	limit int
	seed  maphash.Seed
	// digests of all keys in storage, and maybe of some that did not get there. Nil
	// until they are read, and once there are too many.
	digests map[uint64]struct{}
	read    bool
}

func newUsedKeys(scope persist.Scope, limit int) *usedKeys {
	return &usedKeys{scope: scope, limit: limit, seed: maphash.MakeSeed()}
}

// unused tells whether a key has certainly not been used. It must be asked before
// any of the keys is added.
func (k *usedKeys) unused(ctx context.Context, from persist.Scanner, principal, key string) (bool, error) {
	if err := k.load(ctx, from); err != nil || k.digests == nil {
		return false, err
	}
	_, used := k.digests[k.digest(principal, key)]
	return !used, nil
}

// load reads the keys once. Those that have expired count as well.
func (k *usedKeys) load(ctx context.Context, from persist.Scanner) error {
	if k.read {
		return nil
	}
	stored, err := persist.IdempotencyKeys.Scan(ctx, from, persist.Query{Scope: k.scope, Limit: k.limit + 1})
	if err != nil {
		return err
	}
	k.read, k.digests = true, make(map[uint64]struct{})
	for _, used := range stored {
		k.add(used.Principal, used.Key)
	}
	return nil
}

// add has to come before the key is written.
func (k *usedKeys) add(principal, key string) {
	if k.digests == nil {
		return
	}
	k.digests[k.digest(principal, key)] = struct{}{}
	if len(k.digests) > k.limit {
		k.digests = nil
	}
}

func (k *usedKeys) digest(principal, key string) uint64 {
	return maphash.Comparable(k.seed, [2]string{principal, key})
}
