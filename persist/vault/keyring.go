package vault

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"whatsapp-web-server/persist"
)

// KeySize is the size of the operator's key and of data keys, in bytes.
const KeySize = chacha20poly1305.KeySize

// KeyError says that the operator's key does not fit the data, which have not been
// changed.
type KeyError struct{ Problem string }

// Error is one sentence.
func (e *KeyError) Error() string { return e.Problem }

// keyring is the data keys of an installation, opened.
type keyring struct {
	keys    map[uint32]cipher.AEAD
	current uint32
	covers  persist.Secrecy
}

// strict tells whether an open value of this secrecy cannot be one from before.
func (r *keyring) strict(secrecy persist.Secrecy) bool {
	return r.covers != persist.Plain && secrecy >= r.covers
}

// records reads the data keys of an installation, the current one last.
func records(ctx context.Context, engine persist.Scanner) ([]persist.DataKey, error) {
	const most = 100 // a rekeying that nobody ever finished leaves one each time
	found, err := persist.DataKeys.Scan(ctx, engine, persist.Query{Scope: persist.SystemScope(), Limit: most})
	if err != nil {
		return nil, fmt.Errorf("read data keys: %w", err)
	}
	return found, nil
}

// Sealed tells whether the engine has data that need a key.
func Sealed(ctx context.Context, engine persist.Scanner) (bool, error) {
	found, err := records(ctx, engine)
	return len(found) > 0, err
}

// unwrapAll opens the data keys with the operator's keys, of which each needs one.
func unwrapAll(found []persist.DataKey, operators ...[]byte) (ring *keyring, raw [][]byte, err error) {
	ring = &keyring{keys: map[uint32]cipher.AEAD{}}
	for _, record := range found {
		key, err := unwrap(record, operators...)
		if err != nil {
			return nil, nil, err
		}
		if ring.keys[record.ID], err = chacha20poly1305.NewX(key); err != nil {
			return nil, nil, fmt.Errorf("data key %d: %w", record.ID, err)
		}
		ring.current, ring.covers = record.ID, record.Covers
		raw = append(raw, key)
	}
	return ring, raw, nil
}

func unwrap(record persist.DataKey, operators ...[]byte) ([]byte, error) {
	for _, operator := range operators {
		wrapping, err := chacha20poly1305.NewX(operator)
		if err != nil {
			return nil, fmt.Errorf("operator's key: %w", err)
		}
		if len(record.Wrapped) < chacha20poly1305.NonceSizeX {
			break
		}
		nonce, sealed := record.Wrapped[:chacha20poly1305.NonceSizeX], record.Wrapped[chacha20poly1305.NonceSizeX:]
		if key, err := wrapping.Open(nil, nonce, sealed, wrapBinding(record)); err == nil {
			return key, nil
		}
	}
	return nil, &KeyError{"the data are sealed with another key than ENCRYPTION_KEY"}
}

// wrap seals a data key into its record.
func wrap(record persist.DataKey, key, operator []byte) (persist.DataKey, error) {
	wrapping, err := chacha20poly1305.NewX(operator)
	if err != nil {
		return record, fmt.Errorf("operator's key: %w", err)
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+KeySize+chacha20poly1305.Overhead)
	_, _ = rand.Read(nonce) // it never fails
	record.Wrapped = wrapping.Seal(nonce, nonce, key, wrapBinding(record))
	return record, nil
}

// wrapBinding keeps a wrapped key to its id and to what it is known to cover.
func wrapBinding(record persist.DataKey) []byte {
	binding := binary.BigEndian.AppendUint32([]byte("whatsapp-web-server data key"), record.ID)
	return append(binding, byte(record.Covers))
}

// newRecord is of a new data key.
func newRecord(id uint32, covers persist.Secrecy, operator []byte) (persist.DataKey, error) {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // it never fails
	return wrap(persist.DataKey{ID: id, Version: 1, Covers: covers, CreatedAt: time.Now()}, key, operator)
}

// store writes records whose versions say what they were made from.
func store(ctx context.Context, engine persist.Engine, mutations ...persist.Mutation) error {
	batch := persist.Batch{Scope: persist.SystemScope(), Mutations: mutations}
	if err := engine.Apply(ctx, []persist.Batch{batch})[0]; err != nil {
		return fmt.Errorf("write data keys: %w", err)
	}
	return nil
}
