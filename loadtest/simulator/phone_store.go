package simulator

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/logger"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/util/keys"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist/devicestore/ratchet"
)

// silence keeps libsignal from printing every failed decryption to standard output.
type silence struct{}

func (silence) Debug(_, _ string)   {}
func (silence) Info(_, _ string)    {}
func (silence) Warning(_, _ string) {}
func (silence) Error(_, _ string)   {}
func (silence) Configure(string)    {}

// The logger is a process global that is read without a lock, so it is set before any goroutine runs.
func init() { logger.Logger = silence{} } //nolint:gochecknoinits // see above

// phoneKeys are a phone's secrets: whatsmeow's device over maps, which serves libsignal as a store.
type phoneKeys struct {
	device *store.Device
	memory *signalMemory
	// current are the device's identity keys as others may read them; the device itself is for the phone alone, with
	// its ratchets locked.
	current atomic.Pointer[identityKeys]
}

func newPhoneKeys() *phoneKeys {
	current, memory := newIdentityKeys(), newSignalMemory()
	device := &store.Device{
		IdentityKey:    current.identity,
		SignedPreKey:   current.signed,
		RegistrationID: rand.Uint32(),
	}
	device.SetAllStores(memory)
	made := &phoneKeys{device: device, memory: memory}
	made.current.Store(current)
	return made
}

func (p *Phone) identity() [32]byte { return *p.keys.current.Load().identity.Pub }

// bundle is the phone's public keys with a fresh one-time prekey.
func (p *Phone) bundle() bundle {
	current := p.keys.current.Load()
	one := publicKey(p.keys.memory.newPreKey())
	return bundle{oneTime: &one, publicKeys: publicKeys{
		registration:    registrationBytes(p.keys.device.RegistrationID),
		identity:        *current.identity.Pub,
		signed:          publicKey(current.signed),
		signedSignature: *current.signed.Signature,
	}}
}

func registrationBytes(id uint32) [4]byte {
	return [4]byte{byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}
}

func publicKey(key *keys.PreKey) publicPreKey {
	id := registrationBytes(key.KeyID)
	return publicPreKey{id: [3]byte(id[1:]), key: *key.Pub}
}

// signDevice makes the identity of a companion: the phone's signature over its key.
func (p *Phone) signDevice(companion [32]byte, keyIndex uint32) (*waAdv.ADVSignedDeviceIdentity, error) {
	details, err := proto.Marshal(&waAdv.ADVDeviceIdentity{
		RawID:       proto.Uint32(p.keys.device.RegistrationID),
		Timestamp:   proto.Uint64(uint64(now())),
		KeyIndex:    proto.Uint32(keyIndex),
		AccountType: waAdv.ADVEncryptionType_E2EE.Enum(),
		DeviceType:  waAdv.ADVEncryptionType_E2EE.Enum(),
	})
	if err != nil {
		return nil, err
	}
	message := slices.Concat(whatsmeow.AdvAccountSignaturePrefix, details, companion[:])
	signature := ecc.CalculateSignature(ecc.NewDjbECPrivateKey(*p.keys.current.Load().identity.Priv), message)
	identity := p.identity()
	return &waAdv.ADVSignedDeviceIdentity{Details: details, AccountSignatureKey: identity[:], AccountSignature: signature[:]}, nil
}

// signalMemory is the Signal store of one phone, in memory. It keeps what conversations need; the rest of a device's
// stores does nothing. It is a leaf lock.
type signalMemory struct {
	store.NoopStore

	mu         sync.Mutex
	identities map[string][32]byte
	sessions   map[string][]byte
	senderKeys map[string][]byte // by chat and address
	preKeys    map[uint32]*keys.PreKey
	lastPreKey uint32
}

func newSignalMemory() *signalMemory {
	return &signalMemory{
		identities: map[string][32]byte{},
		sessions:   map[string][]byte{},
		senderKeys: map[string][]byte{},
		preKeys:    map[uint32]*keys.PreKey{},
	}
}

func (m *signalMemory) PutIdentity(_ context.Context, address string, key [32]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.identities[address] = key
	return nil
}

// IsTrustedIdentity trusts the first key of an address and no other: device numbers are never used twice, and a phone with
// new keys is met anew.
func (m *signalMemory) IsTrustedIdentity(_ context.Context, address string, key [32]byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.identities[address]
	return !ok || known == key, nil
}

// meet drops what is known of an address if its key is another one now.
func (m *signalMemory) meet(address string, key [32]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.identities[address]; ok && known != key {
		delete(m.identities, address)
		delete(m.sessions, address)
	}
}

// forget drops everything. Numbers of prekeys go on, so that none names two keys.
func (m *signalMemory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.identities)
	clear(m.sessions)
	clear(m.preKeys)
	clear(m.senderKeys)
}

func (m *signalMemory) GetSession(_ context.Context, address string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[address], nil
}

func (m *signalMemory) HasSession(_ context.Context, address string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.sessions[address]
	return ok, nil
}

// PutSession stores a session without what libsignal spoils of it in decrypting, which a real phone does not.
func (m *signalMemory) PutSession(_ context.Context, address string, session []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[address] = ratchet.Mend(m.sessions[address], session, store.SignalProtobufSerializer)
	return nil
}

func (m *signalMemory) DeleteSession(_ context.Context, address string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, address)
	return nil
}

// newPreKey makes a one-time prekey for one bundle, so that a phone never runs out.
func (m *signalMemory) newPreKey() *keys.PreKey {
	pair := keys.NewKeyPair() // the costly part, outside the lock
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastPreKey++
	key := &keys.PreKey{KeyPair: *pair, KeyID: m.lastPreKey}
	m.preKeys[key.KeyID] = key
	return key
}

func (m *signalMemory) GetPreKey(_ context.Context, id uint32) (*keys.PreKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.preKeys[id], nil
}

func (m *signalMemory) RemovePreKey(_ context.Context, id uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.preKeys, id)
	return nil
}
