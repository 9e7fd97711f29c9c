package simulator

import (
	"context"

	"go.mau.fi/whatsmeow/util/keys"
)

// identityKeys are the keys that a phone is known by. Others read them without its lock.
type identityKeys struct {
	identity *keys.KeyPair
	signed   *keys.PreKey
}

func newIdentityKeys() *identityKeys {
	identity := keys.NewKeyPair()
	return &identityKeys{identity: identity, signed: identity.CreateSignedPreKey(1)}
}

// Reinstall is WhatsApp set up anew on the phone, with its number and none of its keys: a new identity and no sessions.
// Its companions are unlinked, and who holds its device list is told of the new identity. Messages in the phone's inbox
// that were encrypted for the old keys are asked for again.
func (p *Phone) Reinstall(_ context.Context) {
	next := newIdentityKeys()
	p.ratchets.Lock()
	defer p.ratchets.Unlock()
	p.keys.device.IdentityKey, p.keys.device.SignedPreKey = next.identity, next.signed
	p.keys.memory.Forget()
	p.holders = nil
	s := p.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	p.keys.current.Store(next)
	s.unlinkAllLocked(p.account)
	s.tellContactsLocked(p.account, notification(p.account.lid, "encrypt", element("identity", nil)))
}

// meetLocked forgets what it shares with another phone that has new keys since.
func (p *Phone) meetLocked(peer endpoint) {
	if peer.number == 0 {
		p.keys.memory.Meet(peer.lid().SignalAddress().String(), peer.account.phone.identity())
	}
}

// ExhaustPreKeys takes a companion's one-time prekeys from the service without telling it, as if strangers had used
// them all up: who writes to it next begins with the signed prekey alone.
func (p *Phone) ExhaustPreKeys(_ context.Context, device uint16) error {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	d := p.account.devices[device]
	if d == nil {
		return ErrUnknownDevice
	}
	d.keys.oneTime = nil
	return nil
}
