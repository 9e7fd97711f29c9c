package simulator

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errors of a pairing code.
var (
	ErrNoCode    = errors.New("no companion is showing a code for this phone")
	ErrWrongCode = errors.New("this is not the code that the companion shows")
)

// Sizes and constants of the pairing by code, as whatsmeow has them (pair-code.go).
const (
	codeSalt       = 32
	codeIterations = 2 << 16 // of PBKDF2, about 40 ms
	wrappedKeySize = codeSalt + aes.BlockSize + 32
	bundleNonce    = 12
	bundleInfo     = "link_code_pairing_key_bundle_encryption_key"
	secretInfo     = "adv_secret"
)

// EnterCode links the companion that shows this code, with or without the dash, and returns when it is linked, or why
// it is not. After [ErrWrongCode] the code may be entered again as long as the companion shows it, which is the case
// until its connection ends.
func (p *Phone) EnterCode(ctx context.Context, code string) error {
	if !p.Online() {
		return ErrPhoneOffline
	}
	c, offer, finish, err := p.takeOffer()
	if err != nil {
		return err
	}
	own, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	code = undash(code)
	bundle, err := p.greet(ctx, c, offer, finish, wrapKey(code, own.PublicKey().Bytes()))
	if err != nil {
		return err
	}
	identity, secret, err := p.openBundle(code, own, offer.wrapped, bundle)
	if err != nil {
		return err
	}
	return p.await(ctx, func() (*claim, error) { return p.sim.claimByCode(p, c, identity, secret) })
}

// undash is a code as it goes into keys.
func undash(code string) string { return strings.ToUpper(strings.ReplaceAll(code, "-", "")) }

// wrapKey hides a public key from who does not know the code: salt, IV and the key encrypted under both.
func wrapKey(code string, public []byte) []byte {
	wrapped := make([]byte, codeSalt+aes.BlockSize)
	_, _ = rand.Read(wrapped) // never fails
	return slices.Concat(wrapped, maskKey(code, wrapped, public))
}

// unwrapKey is the key behind a wrapping. A wrong code gives some other key, which nothing tells from the right one.
func unwrapKey(code string, wrapped []byte) []byte {
	head := codeSalt + aes.BlockSize
	return maskKey(code, wrapped[:head], wrapped[head:])
}

// maskKey encrypts or decrypts a key with the code, the salt and the IV.
func maskKey(code string, head, key []byte) []byte {
	// None of these can fail: the sizes are right.
	secret, _ := pbkdf2.Key(sha256.New, code, head[:codeSalt], codeIterations, 32)
	block, _ := aes.NewCipher(secret)
	masked := make([]byte, len(key))
	cipher.NewCTR(block, head[codeSalt:]).XORKeyStream(masked, key)
	return masked
}

// openBundle decrypts the companion's half of the keys, and derives the secret that both now share.
func (p *Phone) openBundle(code string, own *ecdh.PrivateKey, wrapped, bundle []byte) (companion [32]byte, secret []byte, err error) {
	shared, err := agree(own, unwrapKey(code, wrapped))
	if err != nil || len(bundle) < codeSalt+bundleNonce {
		return companion, nil, ErrWrongCode
	}
	plain, err := openSealed(shared, bundle)
	phone := p.identity()
	if err != nil || len(plain) != 3*32 || !slices.Equal(plain[32:64], phone[:]) {
		return companion, nil, ErrWrongCode
	}
	companion = [32]byte(plain)
	private, err := ecdh.X25519().NewPrivateKey(p.keys.current.Load().identity.Priv[:])
	if err != nil {
		return companion, nil, err
	}
	identities, err := agree(private, companion[:])
	if err != nil {
		return companion, nil, fmt.Errorf("%w: %w", ErrPairing, err)
	}
	secret, err = hkdf.Key(sha256.New, slices.Concat(shared, identities, plain[64:]), nil, secretInfo, 32)
	return companion, secret, err
}

func agree(private *ecdh.PrivateKey, public []byte) ([]byte, error) {
	other, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	return private.ECDH(other)
}

// openSealed opens salt, nonce and ciphertext with a key derived from what both sides share.
func openSealed(shared, sealed []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, shared, sealed[:codeSalt], bundleInfo, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return gcm.Open(nil, sealed[codeSalt:codeSalt+bundleNonce], sealed[codeSalt+bundleNonce:], nil)
}
