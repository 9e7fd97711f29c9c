package devicestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"go.mau.fi/util/random"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// registrationVersion is raised when older programs cannot read what is written.
const registrationVersion = 1

// registration is a device as it is stored: JSON, keys in base64.
type registration struct {
	Version               int       `json:"version"`
	ID                    types.JID `json:"id"`
	LID                   types.JID `json:"lid"`
	RegistrationID        uint32    `json:"registrationId"`
	NoiseKey              []byte    `json:"noiseKey"` // private keys; the public ones follow from them
	IdentityKey           []byte    `json:"identityKey"`
	SignedPreKey          []byte    `json:"signedPreKey"`
	SignedPreKeyID        uint32    `json:"signedPreKeyId"`
	SignedPreKeySignature []byte    `json:"signedPreKeySignature"`
	AdvSecretKey          []byte    `json:"advSecretKey"`
	Account               []byte    `json:"account"` // serialized ADVSignedDeviceIdentity
	Platform              string    `json:"platform"`
	BusinessName          string    `json:"businessName"`
	PushName              string    `json:"pushName"`
	LIDMigrationTimestamp int64     `json:"lidMigrationTimestamp"`
	CompanionMetaNonce    string    `json:"companionMetaNonce"`
	FacebookUUID          uuid.UUID `json:"facebookUuid"`
	// DeletedAt is set once whatsmeow gave the device up, as after a logout.
	DeletedAt time.Time `json:"deletedAt,omitzero"`
}

// PutDevice stores the registration, durably before it returns: at pairing the
// phone is told next.
func (s *Store) PutDevice(ctx context.Context, device *store.Device) (err error) {
	defer s.guard(ctx, "store device", &err)
	if err := s.open(); err != nil {
		return err
	}
	switch {
	case device.ID == nil:
		return refusal{errors.New("a device without JID is not stored")}
	case s.givenUp.Load():
		return refusal{ErrGivenUp}
	}
	state, err := encodeDevice(device)
	if err != nil {
		return err
	}
	position, err := editOne(ctx, s, persist.AuthSessions, nil, func(session *persist.AuthSession, found bool) bool {
		now := time.Now()
		if !found {
			session.CreatedAt = now
		}
		session.State, session.UpdatedAt = state, now
		return true
	})
	s.own.Store(addressesOf(device))
	return s.barrier(ctx, position, err)
}

// ErrGivenUp is what DeleteDevice answers when it has done its work.
var ErrGivenUp = errors.New("the device is given up; its registration is kept until another takes its place")

// DeleteDevice marks the registration as given up. The next Open makes a fresh
// device and removes the signal state of this one.
//
// On success it returns [ErrGivenUp]: whatsmeow would otherwise empty the device
// that its own goroutines are reading.
func (s *Store) DeleteDevice(ctx context.Context, _ *store.Device) (err error) {
	if err := s.GiveUp(ctx); err != nil {
		return err
	}
	return ErrGivenUp
}

// GiveUp is what the owner does with a device that WhatsApp no longer knows:
// DeleteDevice, without its odd answer.
func (s *Store) GiveUp(ctx context.Context) (err error) {
	defer s.guard(ctx, "give up device", &err)
	s.givenUp.Store(true)
	return s.markDeleted(ctx)
}

// GivenUp tells whether whatsmeow has given the device up, which it also does
// with one whose pairing failed half-way. The store is of no use then: close it
// and open another.
func (s *Store) GivenUp() bool { return s.givenUp.Load() }

// Forget removes the registration and all signal state of the account for good.
// The store is of no use afterwards: close it and open another.
func (s *Store) Forget(ctx context.Context) (err error) {
	defer s.guard(ctx, "forget device", &err)
	s.givenUp.Store(true)
	if err := s.markDeleted(ctx); err != nil {
		return err
	}
	if err := s.purge(ctx); err != nil {
		return err
	}
	position, err := s.write(ctx, persist.AuthSessions.Remove())
	return s.barrier(ctx, position, err)
}

func (s *Store) markDeleted(ctx context.Context) error {
	var broken error
	position, err := editOne(ctx, s, persist.AuthSessions, nil, func(session *persist.AuthSession, found bool) bool {
		if !found {
			return false
		}
		session.State, broken = withDeletion(session.State)
		session.UpdatedAt = time.Now()
		return broken == nil
	})
	return s.barrier(ctx, position, errors.Join(err, broken))
}

func withDeletion(state string) (string, error) {
	var stored registration
	if err := json.Unmarshal([]byte(state), &stored); err != nil {
		return "", err
	}
	stored.DeletedAt = time.Now()
	marked, err := json.Marshal(stored)
	return string(marked), err
}

// load returns the stored device, or a fresh one if there is none or it was
// deleted.
func (s *Store) load(ctx context.Context) (*store.Device, error) {
	session, found, err := find(ctx, s, persist.AuthSessions)
	if err != nil {
		return nil, fmt.Errorf("read device: %w", err)
	}
	if !found {
		return freshDevice(), nil
	}
	var stored registration
	if err := json.Unmarshal([]byte(session.State), &stored); err != nil {
		return nil, fmt.Errorf("read device: %w", err)
	}
	if stored.Version > registrationVersion {
		return nil, fmt.Errorf("read device: version %d is newer than this program", stored.Version)
	}
	if !stored.DeletedAt.IsZero() {
		return freshDevice(), s.purge(ctx)
	}
	return stored.device()
}

// install makes the store serve device.
func (s *Store) install(device *store.Device) {
	device.Log = s.log
	device.SetAllStores(s)
	device.LIDs = s
	device.Container = s
	device.Initialized = true
	s.own.Store(addressesOf(device))
	s.device = device
}

// freshDevice has the keys that whatsmeow's own container would give it.
func freshDevice() *store.Device {
	device := &store.Device{
		NoiseKey:       keys.NewKeyPair(),
		IdentityKey:    keys.NewKeyPair(),
		RegistrationID: rand.Uint32(),
		AdvSecretKey:   random.Bytes(32),
	}
	device.SignedPreKey = device.IdentityKey.CreateSignedPreKey(1)
	return device
}

func encodeDevice(device *store.Device) (string, error) {
	account, err := proto.Marshal(device.Account)
	if err != nil {
		return "", err
	}
	state, err := json.Marshal(registration{
		Version:               registrationVersion,
		ID:                    *device.ID,
		LID:                   device.LID,
		RegistrationID:        device.RegistrationID,
		NoiseKey:              device.NoiseKey.Priv[:],
		IdentityKey:           device.IdentityKey.Priv[:],
		SignedPreKey:          device.SignedPreKey.Priv[:],
		SignedPreKeyID:        device.SignedPreKey.KeyID,
		SignedPreKeySignature: device.SignedPreKey.Signature[:],
		AdvSecretKey:          device.AdvSecretKey,
		Account:               account,
		Platform:              device.Platform,
		BusinessName:          device.BusinessName,
		PushName:              device.PushName,
		LIDMigrationTimestamp: device.LIDMigrationTimestamp,
		CompanionMetaNonce:    device.CompanionMetaNonce,
		FacebookUUID:          device.FacebookUUID,
	})
	return string(state), err
}

func (r registration) device() (*store.Device, error) {
	if len(r.NoiseKey) != 32 || len(r.IdentityKey) != 32 || len(r.SignedPreKey) != 32 || len(r.SignedPreKeySignature) != 64 {
		return nil, errors.New("read device: a key has the wrong length")
	}
	var account waAdv.ADVSignedDeviceIdentity
	if err := proto.Unmarshal(r.Account, &account); err != nil {
		return nil, fmt.Errorf("read device: %w", err)
	}
	return &store.Device{
		NoiseKey:    keys.NewKeyPairFromPrivateKey([32]byte(r.NoiseKey)),
		IdentityKey: keys.NewKeyPairFromPrivateKey([32]byte(r.IdentityKey)),
		SignedPreKey: &keys.PreKey{
			KeyPair:   *keys.NewKeyPairFromPrivateKey([32]byte(r.SignedPreKey)),
			KeyID:     r.SignedPreKeyID,
			Signature: (*[64]byte)(r.SignedPreKeySignature),
		},
		RegistrationID:        r.RegistrationID,
		AdvSecretKey:          r.AdvSecretKey,
		ID:                    &r.ID,
		LID:                   r.LID,
		Account:               &account,
		Platform:              r.Platform,
		BusinessName:          r.BusinessName,
		PushName:              r.PushName,
		LIDMigrationTimestamp: r.LIDMigrationTimestamp,
		CompanionMetaNonce:    r.CompanionMetaNonce,
		FacebookUUID:          r.FacebookUUID,
	}, nil
}

// purge removes everything that belongs to one device rather than to the account
// and its people. Contacts, chat settings, the LID map and message secrets stay.
func (s *Store) purge(ctx context.Context) error {
	for _, table := range []*persist.Table{
		persist.Identities.Table, persist.SignalSessions.Table, persist.PreKeys.Table, persist.SenderKeys.Table,
		persist.AppStateKeys.Table, persist.AppStateVersions.Table, persist.AppStateMACs.Table,
		persist.PrivacyTokens.Table, persist.NCTSalts.Table,
		persist.DecryptedEvents.Table, persist.OutgoingEvents.Table,
	} {
		if err := s.clear(ctx, table); err != nil {
			return fmt.Errorf("clear %s: %w", table.Name, err)
		}
	}
	_, err := s.write(ctx, persist.Counters.Remove(uploadedPreKeys))
	return err
}

func (s *Store) clear(ctx context.Context, table *persist.Table) error {
	for {
		rows, err := s.page(ctx, persist.Query{Scope: s.scope(), Table: table, Limit: pageSize})
		if err != nil || len(rows) == 0 {
			return err
		}
		gone := make([]persist.Mutation, len(rows))
		for i, row := range rows {
			gone[i] = persist.Mutation{Table: table, Row: row[:table.KeyColumns], Delete: true}
		}
		if _, err := s.write(ctx, gone...); err != nil {
			return err
		}
	}
}
