package simulator

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/logger"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/util/keys"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/signalstore"
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
	memory *signalstore.Memory
	// current are the device's identity keys as others may read them; the device itself is for the phone alone, with
	// its ratchets locked.
	current atomic.Pointer[identityKeys]
}

func newPhoneKeys() *phoneKeys {
	current, memory := newIdentityKeys(), signalstore.NewMemory()
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
	one := publicKey(p.keys.memory.NewPreKey())
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
