// Package signalstore keeps in maps what a Signal endpoint knows of others: for
// the simulator's phones and for bare clients, which forget it with the process.
package signalstore

import (
	"context"
	"maps"
	"strings"
	"sync"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"

	"whatsapp-web-server/persist/devicestore/ratchet"
)

// Memory is the Signal part of whatsmeow's stores; the rest does nothing. It is
// safe for concurrent use and calls nobody.
type Memory struct {
	store.NoopStore

	mu         sync.Mutex
	identities map[string][32]byte
	sessions   map[string][]byte
	senderKeys map[senderKey][]byte
	preKeys    map[uint32]*keys.PreKey
	lastPreKey uint32
}

type senderKey struct{ chat, address string }

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{
		identities: map[string][32]byte{},
		sessions:   map[string][]byte{},
		senderKeys: map[senderKey][]byte{},
		preKeys:    map[uint32]*keys.PreKey{},
	}
}

// Meet drops what is known of an address if its key is another one now.
func (m *Memory) Meet(address string, key [32]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.identities[address]; ok && known != key {
		delete(m.identities, address)
		delete(m.sessions, address)
	}
}

// Forget drops everything. Numbers of prekeys go on, so that none names two keys.
func (m *Memory) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.identities)
	clear(m.sessions)
	clear(m.preKeys)
	clear(m.senderKeys)
}

// PutIdentity implements [store.IdentityStore].
func (m *Memory) PutIdentity(_ context.Context, address string, key [32]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.identities[address] = key
	return nil
}

// IsTrustedIdentity trusts the first key of an address and no other: device
// numbers are never used twice.
func (m *Memory) IsTrustedIdentity(_ context.Context, address string, key [32]byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.identities[address]
	return !ok || known == key, nil
}

// GetSession implements [store.SessionStore].
func (m *Memory) GetSession(_ context.Context, address string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[address], nil
}

// HasSession implements [store.SessionStore].
func (m *Memory) HasSession(_ context.Context, address string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.sessions[address]
	return ok, nil
}

// GetManySessions has an entry for every address: whatsmeow fetches prekeys for
// those whose session is nil.
func (m *Memory) GetManySessions(_ context.Context, addresses []string) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[string][]byte, len(addresses))
	for _, address := range addresses {
		found[address] = m.sessions[address]
	}
	return found, nil
}

// PutSession stores a session without what libsignal spoils of it in decrypting,
// which a real phone does not: what is to be seen is what WhatsApp does.
func (m *Memory) PutSession(_ context.Context, address string, session []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[address] = ratchet.Mend(m.sessions[address], session, store.SignalProtobufSerializer)
	return nil
}

// PutManySessions implements [store.SessionStore]. It follows encryptions, which
// spoil nothing.
func (m *Memory) PutManySessions(_ context.Context, sessions map[string][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.Copy(m.sessions, sessions)
	return nil
}

// DeleteSession implements [store.SessionStore].
func (m *Memory) DeleteSession(_ context.Context, address string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, address)
	return nil
}

// MigratePNToLID renames the sessions and identities of a person.
func (m *Memory) MigratePNToLID(_ context.Context, pn, lid types.JID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rename(m.sessions, pn.SignalAddressUser(), lid.SignalAddressUser())
	rename(m.identities, pn.SignalAddressUser(), lid.SignalAddressUser())
	return nil
}

// rename moves what is kept of each device of a user, where the new name has
// nothing yet.
func rename[T any](kept map[string]T, from, to string) {
	for address, value := range maps.Clone(kept) {
		device, ok := strings.CutPrefix(address, from+":")
		if !ok {
			continue
		}
		if _, taken := kept[to+":"+device]; !taken {
			kept[to+":"+device] = value
		}
		delete(kept, address)
	}
}

// PutSenderKey implements [store.SenderKeyStore].
func (m *Memory) PutSenderKey(_ context.Context, chat, address string, key []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.senderKeys[senderKey{chat, address}] = key
	return nil
}

// GetSenderKey implements [store.SenderKeyStore].
func (m *Memory) GetSenderKey(_ context.Context, chat, address string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.senderKeys[senderKey{chat, address}], nil
}

// DeleteSenderKey forgets the key of an address in a chat.
func (m *Memory) DeleteSenderKey(chat, address string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.senderKeys, senderKey{chat, address})
}
