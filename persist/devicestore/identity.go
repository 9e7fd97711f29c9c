package devicestore

import (
	"context"

	"whatsapp-web-server/persist"
)

// PutIdentity stores a changed identity key. That of the own phone, which is
// stored at pairing, is durable when it returns.
func (s *Store) PutIdentity(ctx context.Context, address string, key [32]byte) (err error) {
	defer s.guard(ctx, "store identity", &err)
	changed := false
	position, err := editOne(ctx, s, persist.Identities, []any{address}, func(identity *persist.Identity, found bool) bool {
		changed = !found || identity.Key != key
		*identity = persist.Identity{Address: address, Key: key}
		return changed
	})
	if !changed || !s.isOwnPhone(address) {
		return err
	}
	return s.barrier(ctx, position, err)
}

// IsTrustedIdentity is true for the known key and for anybody unknown.
func (s *Store) IsTrustedIdentity(ctx context.Context, address string, key [32]byte) (_ bool, err error) {
	defer s.guard(ctx, "read identity", &err)
	identity, found, err := find(ctx, s, persist.Identities, address)
	return err == nil && (!found || identity.Key == key), err
}

// DeleteIdentity forgets one device's key.
func (s *Store) DeleteIdentity(ctx context.Context, address string) (err error) {
	defer s.guard(ctx, "remove identity", &err)
	_, err = s.write(ctx, persist.Identities.Remove(address))
	return err
}

// DeleteAllIdentities forgets the keys of all devices of a user.
func (s *Store) DeleteAllIdentities(ctx context.Context, user string) (err error) {
	defer s.guard(ctx, "remove identities", &err)
	return removeOfUser(ctx, s, persist.Identities, user, identityAddress)
}

func identityAddress(i *persist.Identity) *string { return &i.Address }
