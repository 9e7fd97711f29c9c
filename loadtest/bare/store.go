package bare

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"sync"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"

	"whatsapp-web-server/loadtest/signalstore"
)

// memoryStore is the least that whatsmeow can link, send and receive with: maps
// of what a later call reads, and nothing for the rest.
type memoryStore struct {
	*signalstore.Memory

	mu        sync.Mutex
	lids, pns map[types.JID]types.JID // by the other, without device
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
	memory := &memoryStore{Memory: signalstore.NewMemory(), lids: map[types.JID]types.JID{}, pns: map[types.JID]types.JID{}}
	device.SetAllStores(memory)
	device.LIDs, device.Container = memory, memory
	return device
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
