package signalstore

import (
	"context"

	"go.mau.fi/whatsmeow/util/keys"
)

// NewPreKey makes a one-time prekey with a number of its own.
func (m *Memory) NewPreKey() *keys.PreKey {
	pair := keys.NewKeyPair() // the costly part, outside the lock
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastPreKey++
	key := &keys.PreKey{KeyPair: *pair, KeyID: m.lastPreKey}
	m.preKeys[key.KeyID] = key
	return key
}

// GetOrGenPreKeys always makes new keys: it is asked once, after linking.
func (m *Memory) GetOrGenPreKeys(_ context.Context, count uint32) ([]*keys.PreKey, error) {
	made := make([]*keys.PreKey, count)
	for i := range made {
		made[i] = m.NewPreKey()
	}
	return made, nil
}

// GenOnePreKey makes the key that a retry receipt carries.
func (m *Memory) GenOnePreKey(context.Context) (*keys.PreKey, error) { return m.NewPreKey(), nil }

// GetPreKey implements [store.PreKeyStore].
func (m *Memory) GetPreKey(_ context.Context, id uint32) (*keys.PreKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.preKeys[id], nil
}

// RemovePreKey implements [store.PreKeyStore].
func (m *Memory) RemovePreKey(_ context.Context, id uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.preKeys, id)
	return nil
}

// UploadedPreKeyCount implements [store.PreKeyStore].
func (m *Memory) UploadedPreKeyCount(context.Context) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.preKeys), nil
}
