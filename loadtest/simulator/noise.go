package simulator

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"go.mau.fi/whatsmeow/util/keys"
	"golang.org/x/crypto/curve25519"
	"google.golang.org/protobuf/proto"
)

// noisePattern is 32 bytes long with its padding and therefore serves as the
// first hash unhashed.
const noisePattern = "Noise_XX_25519_AESGCM_SHA256\x00\x00\x00\x00"

// noiseState is the symmetric state of a Noise XX handshake, the server's end.
type noiseState struct {
	hash, salt []byte
	aead       cipher.AEAD
	counter    uint32
}

func newNoiseState(prologue []byte) (*noiseState, error) {
	aead, err := gcmutil.Prepare([]byte(noisePattern))
	if err != nil {
		return nil, err
	}
	state := &noiseState{hash: []byte(noisePattern), salt: []byte(noisePattern), aead: aead}
	state.mixHash(prologue)
	return state, nil
}

func (n *noiseState) mixHash(data []byte) {
	sum := sha256.Sum256(append(slices.Clip(n.hash), data...))
	n.hash = sum[:]
}

func (n *noiseState) mixKey(private, public *[32]byte) error {
	secret, err := curve25519.X25519(private[:], public[:])
	if err != nil {
		return fmt.Errorf("agree on a key: %w", err)
	}
	salt, key, err := n.expand(secret)
	if err != nil {
		return err
	}
	n.salt, n.counter = salt, 0
	n.aead, err = gcmutil.Prepare(key)
	return err
}

func (n *noiseState) expand(secret []byte) (first, second []byte, err error) {
	both, err := hkdf.Key(sha256.New, secret, n.salt, "", 64)
	if err != nil {
		return nil, nil, err
	}
	return both[:32], both[32:], nil
}

func (n *noiseState) seal(plaintext []byte) []byte {
	ciphertext := n.aead.Seal(nil, noiseNonce(n.counter), plaintext, n.hash)
	n.counter++
	n.mixHash(ciphertext)
	return ciphertext
}

func (n *noiseState) open(ciphertext []byte) ([]byte, error) {
	plaintext, err := n.aead.Open(nil, noiseNonce(n.counter), ciphertext, n.hash)
	if err != nil {
		return nil, err
	}
	n.counter++
	n.mixHash(ciphertext)
	return plaintext, nil
}

func noiseNonce(counter uint32) []byte {
	return binary.BigEndian.AppendUint32(make([]byte, 8, 12), counter)
}

// transportCipher is one direction of a finished handshake. Not for concurrent use.
type transportCipher struct {
	aead    cipher.AEAD
	counter uint32
}

func (t *transportCipher) seal(plaintext []byte) []byte {
	ciphertext := t.aead.Seal(nil, noiseNonce(t.counter), plaintext, nil)
	t.counter++
	return ciphertext
}

func (t *transportCipher) open(ciphertext []byte) ([]byte, error) {
	plaintext, err := t.aead.Open(nil, noiseNonce(t.counter), ciphertext, nil)
	t.counter++
	return plaintext, err
}

// split ends the handshake: what the client sends first, what the server sends second.
func (n *noiseState) split() (inbound, outbound *transportCipher, err error) {
	in, out, err := n.expand(nil)
	if err != nil {
		return nil, nil, err
	}
	inAEAD, err := gcmutil.Prepare(in)
	if err != nil {
		return nil, nil, err
	}
	outAEAD, err := gcmutil.Prepare(out)
	return &transportCipher{aead: inAEAD}, &transportCipher{aead: outAEAD}, err
}

// responder is the server's half of one handshake.
type responder struct {
	chain     *certificateChain
	state     *noiseState
	ephemeral *keys.KeyPair
}

var errHandshake = errors.New("malformed handshake message")

// hello answers the client's first message.
func (r *responder) hello(frame []byte) ([]byte, error) {
	var message waWa6.HandshakeMessage
	if err := proto.Unmarshal(frame, &message); err != nil {
		return nil, fmt.Errorf("decode client hello: %w", err)
	}
	client := message.GetClientHello().GetEphemeral()
	if len(client) != 32 {
		return nil, errHandshake
	}
	r.ephemeral = keys.NewKeyPair()
	r.state.mixHash(client)
	r.state.mixHash(r.ephemeral.Pub[:])
	if err := r.state.mixKey(r.ephemeral.Priv, (*[32]byte)(client)); err != nil {
		return nil, err
	}
	static := r.state.seal(r.chain.static.Pub[:])
	if err := r.state.mixKey(r.chain.static.Priv, (*[32]byte)(client)); err != nil {
		return nil, err
	}
	return proto.Marshal(&waWa6.HandshakeMessage{ServerHello: &waWa6.HandshakeMessage_ServerHello{
		Ephemeral: r.ephemeral.Pub[:],
		Static:    static,
		Payload:   r.state.seal(r.chain.encoded),
	}})
}

// finish reads who the client is: its static key, proven, and what it asks for.
func (r *responder) finish(frame []byte) (static [32]byte, payload *waWa6.ClientPayload, err error) {
	var message waWa6.HandshakeMessage
	if err = proto.Unmarshal(frame, &message); err != nil {
		return static, nil, fmt.Errorf("decode client finish: %w", err)
	}
	key, err := r.state.open(message.GetClientFinish().GetStatic())
	if err != nil || len(key) != 32 {
		return static, nil, errHandshake
	}
	static = [32]byte(key)
	if err = r.state.mixKey(r.ephemeral.Priv, &static); err != nil {
		return static, nil, err
	}
	encoded, err := r.state.open(message.GetClientFinish().GetPayload())
	if err != nil {
		return static, nil, errHandshake
	}
	payload = &waWa6.ClientPayload{}
	if err = proto.Unmarshal(encoded, payload); err != nil {
		return static, nil, fmt.Errorf("decode client payload: %w", err)
	}
	return static, payload, nil
}
