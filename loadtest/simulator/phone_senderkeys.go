package simulator

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"go.mau.fi/libsignal/groups"
	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/signalerror"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// In a chat of many a message is encrypted once, with a key of its sender's; each device has got that key from the
// sender in a message of its own.

func senderKeyName(chat types.JID, of endpoint) *protocol.SenderKeyName {
	return protocol.NewSenderKeyName(chat.String(), of.lid().SignalAddress())
}

func (p *Phone) senderKeys() *groups.SessionBuilder {
	return groups.NewGroupSessionBuilder(p.keys.device, store.SignalProtobufSerializer)
}

// ownKeyLocked is the phone's key for a chat as others get it, made at its first use. It opens what is encrypted from
// now on.
func (p *Phone) ownKeyLocked(chat types.JID) (*waE2E.SenderKeyDistributionMessage, error) {
	key, err := p.senderKeys().Create(background, senderKeyName(chat, p.endpoint()))
	if err != nil {
		return nil, fmt.Errorf("sender key for %s: %w", chat, err)
	}
	return &waE2E.SenderKeyDistributionMessage{
		GroupID: proto.String(chat.String()), AxolotlSenderKeyDistributionMessage: key.Serialize(),
	}, nil
}

// distributeLocked gives the phone's key to those of the audience that lack it. Has somebody left who had it, they all
// get a new one. The nodes name who gets the key; of a status they name all its readers, as the service knows no other
// list.
func (p *Phone) distributeLocked(chat types.JID, audience []endpoint) (nodes []waBinary.Node, err error) {
	holders := p.holdersLocked(chat, audience)
	key, err := p.ownKeyLocked(chat)
	if err != nil {
		return nil, err
	}
	for _, to := range audience {
		node := element("to", waBinary.Attrs{"jid": to.lid()})
		if !holders[to] {
			enc, err := p.encryptLocked(to, &waE2E.Message{SenderKeyDistributionMessage: key})
			if errors.Is(err, ErrUnknownDevice) {
				continue // unlinked this moment
			}
			if err != nil {
				return nil, fmt.Errorf("encrypt sender key for %s: %w", to.pn(), err)
			}
			holders[to], node.Content = true, []waBinary.Node{enc}
		}
		if node.Content != nil || chat == types.StatusBroadcastJID {
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}

// holdersLocked are the devices that have the phone's key for a chat. It drops the key if one of them is to read no
// more.
func (p *Phone) holdersLocked(chat types.JID, audience []endpoint) map[endpoint]bool {
	still := map[endpoint]bool{}
	for _, e := range audience {
		if p.holders[chat][e] {
			still[e] = true
		}
	}
	if len(still) < len(p.holders[chat]) {
		p.keys.memory.DeleteSenderKey(chat.String(), p.endpoint().lid().SignalAddress().String())
		still = map[endpoint]bool{}
	}
	if p.holders == nil {
		p.holders = map[types.JID]map[endpoint]bool{}
	}
	p.holders[chat] = still
	return still
}

// encryptForAllLocked encrypts a message with the phone's key for the chat.
func (p *Phone) encryptForAllLocked(chat types.JID, message *waE2E.Message) (waBinary.Node, error) {
	plaintext, err := proto.Marshal(message)
	if err != nil {
		return waBinary.Node{}, err
	}
	cipher := groups.NewGroupCipher(p.senderKeys(), senderKeyName(chat, p.endpoint()), p.keys.device)
	encrypted, err := cipher.Encrypt(background, pad(plaintext))
	if err != nil {
		return waBinary.Node{}, fmt.Errorf("encrypt for %s: %w", chat, err)
	}
	return waBinary.Node{Tag: "enc", Attrs: waBinary.Attrs{"v": "2", "type": "skmsg"}, Content: encrypted.SignedSerialize()}, nil
}

// errNoSenderKey is a message of somebody who forgot this device, which happens among honest ones: it asks for the key.
var errNoSenderKey = errors.New("no key of the sender")

// openForAllLocked decrypts what was encrypted with the sender's key for the chat.
func (p *Phone) openForAllLocked(from endpoint, stanza *waBinary.Node, ciphertext []byte) ([]byte, error) {
	message, err := protocol.NewSenderKeyMessageFromBytes(ciphertext, store.SignalProtobufSerializer.SenderKeyMessage)
	if err != nil {
		return nil, err
	}
	name := senderKeyName(attrJID(stanza, "from"), from)
	key := name.GroupID() + " " + name.Sender().String() + " " + strconv.FormatUint(uint64(message.KeyID()), 10)
	at := ratchetCounter{sha256.Sum256([]byte(key)), message.Iteration()}
	if err := p.watchLocked(from, stanza, at, sha256.Sum256(ciphertext)); err != nil {
		return nil, err
	}
	plaintext, err := groups.NewGroupCipher(p.senderKeys(), name, p.keys.device).Decrypt(background, message)
	if errors.Is(err, signalerror.ErrNoSenderKeyForUser) || errors.Is(err, signalerror.ErrNoSenderKeyStateForID) {
		return nil, fmt.Errorf("%w: %w", errNoSenderKey, err)
	}
	return plaintext, err
}

// takeKeyLocked keeps a sender's key for the chat. The same key again, as some clients send it with every message, is
// left as it is: it would no longer open what is still on its way.
func (p *Phone) takeKeyLocked(from endpoint, chat types.JID, given *waE2E.SenderKeyDistributionMessage) error {
	if given.GetGroupID() != chat.String() {
		return fmt.Errorf("sender key for %s in %s", given.GetGroupID(), chat)
	}
	key, err := protocol.NewSenderKeyDistributionMessageFromBytes(given.GetAxolotlSenderKeyDistributionMessage(),
		store.SignalProtobufSerializer.SenderKeyDistributionMessage)
	if err != nil {
		return fmt.Errorf("sender key: %w", err)
	}
	name := senderKeyName(chat, from)
	record, err := p.keys.device.LoadSenderKey(background, name)
	if err != nil {
		return err
	}
	known, err := record.GetSenderKeyStateByID(key.ID())
	if err == nil && known.SigningKey().PublicKey().PublicKey() == key.SignatureKey().PublicKey() {
		return nil
	}
	return p.senderKeys().Process(background, name, key)
}

// onlyKey tells whether a message says nothing and only brings a sender's key.
func onlyKey(message *waE2E.Message) bool {
	if message.GetSenderKeyDistributionMessage() == nil {
		return false
	}
	rest := proto.CloneOf(message)
	rest.SenderKeyDistributionMessage, rest.MessageContextInfo = nil, nil
	return proto.Size(rest) == 0
}

// againLocked is a message for one device that asked for it again. In a chat of many it brings the phone's key along.
func (p *Phone) againLocked(to endpoint, out sentMessage) (*waE2E.Message, error) {
	if !shared(out.chat) {
		return out.plaintextFor(to.account == p.account), nil
	}
	key, err := p.ownKeyLocked(out.chat)
	if err != nil {
		return nil, err
	}
	message := proto.CloneOf(out.message)
	message.SenderKeyDistributionMessage = key
	return message, nil
}
