package simulator

import (
	"crypto/rand"
	"fmt"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"google.golang.org/protobuf/proto"
)

// announces tells whether a group is the announcement group of a community, where reactions are encrypted once more.
func (s *Simulator) announces(group types.JID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[group]
	return g != nil && g.general
}

func newSecret() *waE2E.MessageContextInfo {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return &waE2E.MessageContextInfo{MessageSecret: secret}
}

// sealed makes of a message what an announcement group takes: a reaction is encrypted with the secret of the message
// that it is about, and every other message has one.
func (p *Phone) sealed(message *waE2E.Message) (*waE2E.Message, error) {
	if message.ReactionMessage != nil {
		return p.sealReaction(message.ReactionMessage)
	}
	if message.GetMessageContextInfo().GetMessageSecret() == nil {
		proto.Merge(message, &waE2E.Message{MessageContextInfo: newSecret()})
	}
	return message, nil
}

func (p *Phone) sealReaction(reaction *waE2E.ReactionMessage) (*waE2E.Message, error) {
	key := reaction.GetKey()
	about, err := p.known(key.GetID())
	if err != nil {
		return nil, fmt.Errorf("reaction: %w", err)
	}
	reaction.Key = nil
	plaintext, err := proto.Marshal(reaction)
	if err != nil {
		return nil, err
	}
	iv := make([]byte, 12)
	_, _ = rand.Read(iv) // never fails
	secret := addOnKey(whatsmeow.EncSecretReaction, about.message, key.GetID(), about.author.lid, p.account.lid)
	ciphertext, err := gcmutil.Encrypt(secret, iv, plaintext, nil)
	if err != nil {
		return nil, fmt.Errorf("encrypt reaction: %w", err)
	}
	return &waE2E.Message{EncReactionMessage: &waE2E.EncReactionMessage{TargetMessageKey: key, EncPayload: ciphertext, EncIV: iv}}, nil
}

// openReaction decrypts a reaction. One that does not decrypt is noted and stays sealed.
func (p *Phone) openReaction(by *account, id string, message *waE2E.Message) *waE2E.Message {
	reaction, err := p.readReaction(by, message.EncReactionMessage)
	if err != nil {
		p.sim.notef(p.Number(), "reaction %s: %v", id, err)
		return message
	}
	return &waE2E.Message{ReactionMessage: reaction}
}

func (p *Phone) readReaction(by *account, sealed *waE2E.EncReactionMessage) (*waE2E.ReactionMessage, error) {
	id := sealed.GetTargetMessageKey().GetID()
	about, err := p.known(id)
	if err != nil {
		return nil, err
	}
	secret := addOnKey(whatsmeow.EncSecretReaction, about.message, id, about.author.lid, by.lid)
	plaintext, err := gcmutil.Decrypt(secret, sealed.GetEncIV(), sealed.GetEncPayload(), nil)
	if err != nil {
		return nil, fmt.Errorf("decrypt reaction: %w", err)
	}
	reaction := &waE2E.ReactionMessage{}
	if err := proto.Unmarshal(plaintext, reaction); err != nil {
		return nil, fmt.Errorf("read reaction: %w", err)
	}
	reaction.Key = sealed.GetTargetMessageKey()
	return reaction, nil
}
