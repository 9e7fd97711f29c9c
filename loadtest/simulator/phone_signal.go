package simulator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"

	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/session"
	"go.mau.fi/libsignal/signalerror"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// sentMessage is kept for devices that ask for it again.
type sentMessage struct {
	id      string
	chat    types.JID // zero for messages to an own companion itself
	message *waE2E.Message
}

func (m sentMessage) peer() bool { return m.chat.IsEmpty() }

// plaintextFor is what a device gets: own companions get a conversation's message wrapped with its destination.
func (m sentMessage) plaintextFor(ownDevice bool) *waE2E.Message {
	if !ownDevice || m.peer() {
		return m.message
	}
	return &waE2E.Message{DeviceSentMessage: &waE2E.DeviceSentMessage{
		DestinationJID: proto.String(m.chat.String()), Message: m.message,
	}}
}

// background is for libsignal's stores, which are in memory and cannot block.
var background = context.Background()

func (p *Phone) cipher(peer endpoint) (*session.Builder, *session.Cipher) {
	address := peer.lid().SignalAddress()
	builder := session.NewBuilderFromSignal(p.keys.device, address, store.SignalProtobufSerializer)
	return builder, session.NewCipher(builder, address)
}

// encryptLocked encrypts a message for one device, beginning a session if there is none.
func (p *Phone) encryptLocked(to endpoint, message *waE2E.Message) (waBinary.Node, error) {
	p.meetLocked(to)
	has, err := p.keys.device.ContainsSession(background, to.lid().SignalAddress())
	if err != nil {
		return waBinary.Node{}, err
	}
	if !has {
		b, ok := p.sim.takeBundle(to)
		if !ok {
			return waBinary.Node{}, ErrUnknownDevice
		}
		if err := p.beginSessionLocked(to, b); err != nil {
			return waBinary.Node{}, err
		}
	}
	plaintext, err := proto.Marshal(message)
	if err != nil {
		return waBinary.Node{}, err
	}
	_, cipher := p.cipher(to)
	ciphertext, err := cipher.Encrypt(background, pad(plaintext))
	if err != nil {
		return waBinary.Node{}, err
	}
	kind := "msg"
	if ciphertext.Type() == protocol.PREKEY_TYPE {
		kind = "pkmsg"
	}
	return waBinary.Node{Tag: "enc", Attrs: waBinary.Attrs{"v": "2", "type": kind}, Content: ciphertext.Serialize()}, nil
}

func (p *Phone) beginSessionLocked(to endpoint, b bundle) error {
	builder, _ := p.cipher(to)
	return builder.ProcessBundle(background, b.signal(to.number))
}

// pad appends 1 to 15 bytes of that value, as whatsmeow does before encryption. Others append 16, so nobody counts.
func pad(plaintext []byte) []byte {
	n := rand.IntN(15) + 1
	return append(plaintext, bytes.Repeat([]byte{byte(n)}, n)...)
}

var errPadding = errors.New("wrong padding")

func unpad(plaintext []byte) ([]byte, error) {
	if len(plaintext) == 0 {
		return nil, errPadding
	}
	n := plaintext[len(plaintext)-1]
	body, ok := bytes.CutSuffix(plaintext, bytes.Repeat([]byte{n}, int(n)))
	if !ok || n == 0 {
		return nil, errPadding
	}
	return body, nil
}

// errRepeated is the second delivery of a ciphertext that was decrypted before: harmless, and still to be confirmed.
var errRepeated = errors.New("decrypted before")

// decryptLocked decrypts a message from a device and verifies who it is.
func (p *Phone) decryptLocked(from endpoint, stanza, enc *waBinary.Node) (*waE2E.Message, error) {
	plaintext, err := p.openLocked(from, stanza, enc)
	if errors.Is(err, signalerror.ErrOldCounter) {
		return nil, errRepeated
	}
	if err != nil {
		return nil, err
	}
	if plaintext, err = unpad(plaintext); err != nil {
		return nil, err
	}
	var message waE2E.Message
	if err := proto.Unmarshal(plaintext, &message); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	p.sim.transcript.read(p, from, attr(stanza, "id"), &message)
	if key := message.GetSenderKeyDistributionMessage(); key != nil {
		return &message, p.takeKeyLocked(from, attrJID(stanza, "from"), key)
	}
	return &message, nil
}

func (p *Phone) openLocked(from endpoint, stanza, enc *waBinary.Node) ([]byte, error) {
	p.meetLocked(from)
	formats := store.SignalProtobufSerializer
	_, cipher := p.cipher(from)
	switch kind := attr(enc, "type"); kind {
	case "pkmsg":
		message, err := protocol.NewPreKeySignalMessageFromBytes(content(enc), formats.PreKeySignalMessage, formats.SignalMessage)
		if err != nil {
			return nil, err
		}
		if err := verifySender(from, stanza, message.IdentityKey().PublicKey().PublicKey()); err != nil {
			return nil, err
		}
		if err := p.watchCounterLocked(from, stanza, message.WhisperMessage()); err != nil {
			return nil, err
		}
		return cipher.DecryptMessage(background, message)
	case "msg":
		message, err := protocol.NewSignalMessageFromBytes(content(enc), formats.SignalMessage)
		if err != nil {
			return nil, err
		}
		if err := p.watchCounterLocked(from, stanza, message); err != nil {
			return nil, err
		}
		return cipher.Decrypt(background, message)
	case "skmsg":
		return p.openForAllLocked(from, stanza, content(enc))
	default:
		return nil, fmt.Errorf("encryption type %q is not known", kind)
	}
}

// verifySender checks that a session is begun by a device that its account's phone has signed. The phone itself needs
// no signature; its key is the one that the service knows.
func verifySender(from endpoint, stanza *waBinary.Node, identity [32]byte) error {
	phone := from.account.phone.identity()
	if from.number == 0 {
		if identity != phone {
			return errors.New("identity is not that of the sender's phone")
		}
		return nil
	}
	var signed waAdv.ADVSignedDeviceIdentity
	if err := proto.Unmarshal(contentAt(stanza, "device-identity"), &signed); err != nil {
		return fmt.Errorf("device identity: %w", err)
	}
	return verifyDeviceIdentity(&signed, identity, phone)
}

// ratchetCounter names a message key as a ciphertext openly says it; ciphertextSum is what was encrypted with it.
type ratchetCounter struct {
	ratchet [32]byte
	counter uint32
}

type ciphertextSum [sha256.Size]byte

// watchCounterLocked notices a message key that comes again with another ciphertext: somebody went back to an old
// state of its session.
func (p *Phone) watchCounterLocked(from endpoint, stanza *waBinary.Node, message *protocol.SignalMessage) error {
	at := ratchetCounter{message.SenderRatchetKey().PublicKey(), message.Counter()}
	return p.watchLocked(from, stanza, at, sha256.Sum256(message.Serialize()))
}

func (p *Phone) watchLocked(from endpoint, stanza *waBinary.Node, at ratchetCounter, sum ciphertextSum) error {
	known, repeated := p.counters.get(at)
	if repeated && known != sum {
		p.sim.referee.violated(ReusedCounters, from, p, attr(stanza, "id"))
		return fmt.Errorf("ratchet counter %d was used twice", at.counter)
	}
	p.counters.put(at, sum)
	return nil
}
