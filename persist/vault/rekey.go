package vault

import (
	"context"
	"fmt"

	"whatsapp-web-server/persist"
)

// Rewrap seals the data keys with config.Key instead of old, which may be nil if
// that has been done before. Nothing else is written.
func Rewrap(ctx context.Context, engine persist.Engine, config Config, old []byte) error {
	return rewrap(ctx, engine, config, old, false)
}

// Rekey does what [Rewrap] does, then makes a new data key, has everything sealed
// with that, account by account, and removes the one before. Repeated after an end
// at any moment, it goes on. No server may use the accounts meanwhile: one that does
// is superseded, and whatever acquires an account afterwards needs the new key.
func Rekey(ctx context.Context, engine persist.Engine, config Config, old []byte) error {
	if err := rewrap(ctx, engine, config, old, true); err != nil {
		return err
	}
	v, err := Open(ctx, engine, config)
	if err != nil {
		return err
	}
	whole, err := v.resealAll(ctx)
	if err != nil {
		return fmt.Errorf("rekey: %w", err)
	}
	if !whole {
		return fmt.Errorf("rekey: %w: some values stay as they are, and so does the data key before", persist.ErrTampered)
	}
	return v.removeOthers(ctx)
}

// rewrap adds a new data key if there is only one.
func rewrap(ctx context.Context, engine persist.Engine, config Config, old []byte, add bool) error {
	found, err := records(ctx, engine)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return &KeyError{"nothing is sealed yet: the next start of the server seals it with ENCRYPTION_KEY"}
	}
	operators := [][]byte{config.Key}
	if old != nil {
		operators = append(operators, old)
	}
	_, raw, err := unwrapAll(found, operators...)
	if err != nil {
		return err
	}
	var mutations []persist.Mutation
	for i, record := range found {
		record.Version++
		if record, err = wrap(record, raw[i], config.Key); err != nil {
			return err
		}
		mutations = append(mutations, persist.DataKeys.Put(record))
	}
	if add && len(found) == 1 {
		record, err := newRecord(found[0].ID+1, found[0].Covers, config.Key)
		if err != nil {
			return err
		}
		mutations = append(mutations, persist.DataKeys.Put(record))
	}
	return store(ctx, engine, mutations...)
}

// removeOthers forgets the data keys that nothing is sealed with any more.
func (v *Vault) removeOthers(ctx context.Context) error {
	found, err := records(ctx, v.Engine)
	if err != nil {
		return err
	}
	var mutations []persist.Mutation
	for _, record := range found[:len(found)-1] {
		mutations = append(mutations, persist.DataKeys.Remove(record.ID, record.Version))
	}
	if len(mutations) == 0 {
		return nil
	}
	if err := store(ctx, v.Engine, mutations...); err != nil {
		return err
	}
	return v.refresh(ctx)
}
