package bare

import (
	"context"
	"crypto/rand"
	"maps"
	mathrand "math/rand/v2"
	"strings"
	"sync"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"

	"whatsapp-web-server/persist/devicestore/ratchet"
)

// memoryStore is the least that whatsmeow can link, send and receive with: maps
// of what a later call reads, and nothing for the rest.
type memoryStore struct {
	store.NoopStore

	mu         sync.Mutex
	sessions   map[string][]byte
	identities map[string][32]byte
	senderKeys map[[2]string][]byte // by group and user
	prekeys    map[uint32]*keys.PreKey
	lastKey    uint32
	lids, pns  map[types.JID]types.JID // by the other, without device
}

// NewDevice makes a device that is not linked yet, with keys and a store of its
// own.
func NewDevice() *store.Device {
	device := &store.Device{
		NoiseKey:       keys.NewKeyPair(),
		IdentityKey:    keys.NewKeyPair(),
		RegistrationID: mathrand.Uint32(),
		AdvSecretKey:   make([]byte, 32),
		Initialized:    true,
	}
	_, _ = rand.Read(device.AdvSecretKey) // never fails
	device.SignedPreKey = device.IdentityKey.CreateSignedPreKey(1)
	memory := &memoryStore{
		sessions: map[string][]byte{}, identities: map[string][32]byte{}, senderKeys: map[[2]string][]byte{},
		prekeys: map[uint32]*keys.PreKey{}, lids: map[types.JID]types.JID{}, pns: map[types.JID]types.JID{},
	}
	device.SetAllStores(memory)
	device.LIDs, device.Container = memory, memory
	return device
}

func (m *memoryStore) PutIdentity(_ context.Context, address string, key [32]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.identities[address] = key
	return nil
}

func (m *memoryStore) IsTrustedIdentity(_ context.Context, address string, key [32]byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.identities[address]
	return !ok || known == key, nil
}

func (m *memoryStore) GetSession(_ context.Context, address string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[address], nil
}

func (m *memoryStore) HasSession(_ context.Context, address string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[address] != nil, nil
}

func (m *memoryStore) GetManySessions(_ context.Context, addresses []string) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[string][]byte, len(addresses))
	for _, address := range addresses {
		found[address] = m.sessions[address]
	}
	return found, nil
}

// PutSession stores a session without what libsignal spoils in decrypting: the
// crowd is to show what the simulator does, not what libsignal does.
func (m *memoryStore) PutSession(_ context.Context, address string, session []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[address] = ratchet.Mend(m.sessions[address], session, store.SignalProtobufSerializer)
	return nil
}

func (m *memoryStore) DeleteSession(_ context.Context, address string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, address)
	return nil
}

// MigratePNToLID renames the sessions and identities of a person.
func (m *memoryStore) MigratePNToLID(_ context.Context, pn, lid types.JID) error {
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

func (m *memoryStore) PutSenderKey(_ context.Context, group, user string, key []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.senderKeys[[2]string{group, user}] = key
	return nil
}

func (m *memoryStore) GetSenderKey(_ context.Context, group, user string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.senderKeys[[2]string{group, user}], nil
}

func (m *memoryStore) PutManySessions(_ context.Context, sessions map[string][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.Copy(m.sessions, sessions)
	return nil
}

// GetOrGenPreKeys always makes new keys: it is asked once, after linking.
func (m *memoryStore) GetOrGenPreKeys(_ context.Context, count uint32) ([]*keys.PreKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	made := make([]*keys.PreKey, count)
	for i := range made {
		made[i] = m.newPreKeyLocked()
	}
	return made, nil
}

// GenOnePreKey makes the key that a retry receipt carries.
func (m *memoryStore) GenOnePreKey(context.Context) (*keys.PreKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.newPreKeyLocked(), nil
}

func (m *memoryStore) newPreKeyLocked() *keys.PreKey {
	m.lastKey++
	key := keys.NewPreKey(m.lastKey)
	m.prekeys[m.lastKey] = key
	return key
}

func (m *memoryStore) GetPreKey(_ context.Context, id uint32) (*keys.PreKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.prekeys[id], nil
}

func (m *memoryStore) RemovePreKey(_ context.Context, id uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.prekeys, id)
	return nil
}

func (m *memoryStore) UploadedPreKeyCount(context.Context) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.prekeys), nil
}

func (m *memoryStore) PutLIDMapping(_ context.Context, lid, pn types.JID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lids[pn.ToNonAD()], m.pns[lid.ToNonAD()] = lid.ToNonAD(), pn.ToNonAD()
	return nil
}

func (m *memoryStore) PutManyLIDMappings(ctx context.Context, mappings []store.LIDMapping) error {
	for _, mapping := range mappings {
		_ = m.PutLIDMapping(ctx, mapping.LID, mapping.PN) // never fails
	}
	return nil
}

func (m *memoryStore) GetLIDForPN(_ context.Context, pn types.JID) (types.JID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return withDevice(m.lids[pn.ToNonAD()], pn), nil
}

func (m *memoryStore) GetPNForLID(_ context.Context, lid types.JID) (types.JID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return withDevice(m.pns[lid.ToNonAD()], lid), nil
}

func (m *memoryStore) GetManyLIDsForPNs(ctx context.Context, pns []types.JID) (map[types.JID]types.JID, error) {
	found := make(map[types.JID]types.JID, len(pns))
	for _, pn := range pns {
		if lid, _ := m.GetLIDForPN(ctx, pn); !lid.IsEmpty() {
			found[pn] = lid
		}
	}
	return found, nil
}

func withDevice(found, asked types.JID) types.JID {
	if !found.IsEmpty() {
		found.Device = asked.Device
	}
	return found
}
