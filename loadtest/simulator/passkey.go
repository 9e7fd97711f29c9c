package simulator

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"google.golang.org/protobuf/proto"
)

// passkeyHost is whom passkeys are for, and passkeyOrigin the page that asks for them.
const (
	passkeyHost   = "whatsapp.com"
	passkeyOrigin = "https://web.whatsapp.com"
)

// Constants of the pairing by passkey, as whatsmeow has them (pair-passkey.go).
const (
	handoffInfo    = "shortcake-passkey-handoff-v1"
	pairingKeyInfo = "Pairing Information Encryption Key"
	passkeyTimeout = 120_000 // ms
	pairingNonce   = 32
)

// ErrPasskey says why a companion's proof of a passkey was refused.
var ErrPasskey = errors.New("passkey refused")

// Passkey is a WebAuthn credential of an account (ES256), with the authenticator that holds it.
type Passkey struct {
	id  []byte
	key *ecdsa.PrivateKey
}

// AddPasskey gives the account a passkey. Whoever links a device by QR code has to prove from then on that they hold it.
func (p *Phone) AddPasskey() (*Passkey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	k := &Passkey{id: []byte(randomHex(16)), key: key}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.account.passkey = k
	return k, nil
}

// clientData is what a browser has an authenticator sign.
type clientData struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge"`
	Origin    string `json:"origin"`
}

// Sign is what a browser on WhatsApp's page answers with, once its user has agreed.
func (k *Passkey) Sign(options types.WebAuthnPublicKey) (*types.WebAuthnResponse, error) {
	asked, err := json.Marshal(clientData{"webauthn.get", base64.RawURLEncoding.EncodeToString(options.Challenge), passkeyOrigin})
	if err != nil {
		return nil, err
	}
	host := sha256.Sum256([]byte(options.RelyingPartID))
	authenticator := append(host[:], 0x05, 0, 0, 0, 1) // present and verified; one use
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, signed(authenticator, asked))
	return &types.WebAuthnResponse{
		ID: base64.RawURLEncoding.EncodeToString(k.id), RawID: k.id, Type: "public-key",
		Response: types.WebAuthnResponseData{ClientDataJSON: asked, AuthenticatorData: authenticator, Signature: signature},
	}, err
}

// signed is the digest that an authenticator signs (WebAuthn, 6.3.3).
func signed(authenticator, client []byte) []byte {
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(slices.Concat(authenticator, hash[:]))
	return digest[:]
}

// verify tells whether an answer is the passkey's to a challenge.
func (k *Passkey) verify(challenge, answer []byte) error {
	var r types.WebAuthnResponse
	var asked clientData
	if err := json.Unmarshal(answer, &r); err != nil {
		return fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	if err := json.Unmarshal(r.Response.ClientDataJSON, &asked); err != nil {
		return fmt.Errorf("%w: client data: %w", ErrPasskey, err)
	}
	host := sha256.Sum256([]byte(passkeyHost))
	switch d := r.Response; {
	case !slices.Equal(r.RawID, k.id):
		return fmt.Errorf("%w: another credential", ErrPasskey)
	case asked != clientData{"webauthn.get", base64.RawURLEncoding.EncodeToString(challenge), passkeyOrigin}:
		return fmt.Errorf("%w: it answers something else", ErrPasskey)
	case len(d.AuthenticatorData) < 37 || !slices.Equal(d.AuthenticatorData[:32], host[:]):
		return fmt.Errorf("%w: it is for somebody else", ErrPasskey)
	case !ecdsa.VerifyASN1(&k.key.PublicKey, signed(d.AuthenticatorData, d.ClientDataJSON), d.Signature):
		return fmt.Errorf("%w: its signature does not verify", ErrPasskey)
	default:
		return nil
	}
}

// passkeyLink is a phone's attempt to link a companion that has to prove a passkey. Guarded by Simulator.mu.
type passkeyLink struct {
	phone     *Phone
	passkey   *Passkey
	challenge []byte
	secret    []byte // of the QR code
	ref       string

	companion  *waCompanionReg.CompanionEphemeralIdentity
	identity   []byte // the same, as it was sent
	commitment []byte
	own        *ecdh.PrivateKey
	proven     bool // the companion has shown the nonce that it was bound to

	claimed chan passkeyClaim // capacity 1
}

type passkeyClaim struct {
	claim *claim
	err   error
}

// claimByPasskey asks the companion behind a QR code for the account's passkey.
func (p *Phone) claimByPasskey(code qrCode) (<-chan passkeyClaim, error) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	c, err := p.sim.shownByLocked(code)
	if err != nil {
		return nil, err
	}
	link := &passkeyLink{
		phone: p, passkey: p.account.passkey, challenge: []byte(randomHex(16)), secret: code.secret, claimed: make(chan passkeyClaim, 1),
	}
	options, err := json.Marshal(types.WebAuthnPublicKey{
		Challenge: link.challenge, Timeout: passkeyTimeout, RelyingPartID: passkeyHost, UserVerification: "required",
		AllowCredentials: []types.AllowedCredential{{ID: link.passkey.id, Type: "public-key", Transports: []string{"internal", "hybrid"}}},
	})
	if err != nil {
		return nil, err
	}
	c.registration.passkey = link
	c.push(notification(types.ServerJID, "passkey_prologue_request", leaf("passkey_request_options", options)))
	return link.claimed, nil
}

// withdraw ends the attempt; later calls change nothing.
func (l *passkeyLink) withdraw(err error) {
	if l == nil {
		return
	}
	select {
	case l.claimed <- passkeyClaim{err: err}:
	default: // it has an end
	}
}

// passkeyLocked answers a step of the companion's, if it is one.
func (s *Simulator) passkeyLocked(c *connection, request *waBinary.Node) bool {
	l := c.registration.passkey
	if l == nil || len(request.GetChildren()) != 1 {
		return false
	}
	step := request.GetChildren()[0]
	var err error
	switch step.Tag {
	case "ref":
		l.ref = "2@" + randomHex(24)
		c.push(result(request, leaf("ref", []byte(l.ref))))
		return true
	case "passkey_prologue":
		err = l.begin(&step)
	case "companion_nonce":
		err = l.prove(content(&step))
	case "encrypted_pairing_request":
		err = l.finish(c, content(&step))
	default:
		return false
	}
	if err != nil {
		s.notef(l.phone.account.number, "%v", err)
		c.push(failed(request, 401, "not-authorized"))
		return true
	}
	c.push(result(request))
	if step.Tag == "passkey_prologue" {
		c.push(l.greeting())
	}
	return true
}

// begin takes the passkey's answer, and what binds the companion to keys it has not shown yet. It has to know the QR
// code's secret.
func (l *passkeyLink) begin(step *waBinary.Node) error {
	prologue := contentAt(step, "prologue_payload")
	mac := hmac.New(sha256.New, handoffKey(l.secret))
	mac.Write(prologue)
	var payload waCompanionReg.ProloguePayload
	var companion waCompanionReg.CompanionEphemeralIdentity
	if err := l.passkey.verify(l.challenge, contentAt(step, "webauthn_assertion")); err != nil {
		return err
	}
	if err := proto.Unmarshal(prologue, &payload); err != nil {
		return fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	if err := proto.Unmarshal(payload.GetCompanionEphemeralIdentity(), &companion); err != nil {
		return fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	switch {
	case !slices.Equal(contentAt(step, "credential_id"), l.passkey.id):
		return fmt.Errorf("%w: another credential", ErrPasskey)
	case !hmac.Equal(mac.Sum(nil), contentAt(step, "pairing_handoff_proof")):
		return fmt.Errorf("%w: the companion is not the one that showed the QR code", ErrPasskey)
	case l.ref == "" || companion.GetRef() != l.ref:
		return fmt.Errorf("%w: its reference is unknown", ErrPasskey)
	}
	l.companion, l.identity, l.commitment = &companion, payload.GetCompanionEphemeralIdentity(), payload.GetCommitment().GetHash()
	return nil
}

func handoffKey(secret []byte) []byte {
	key, _ := hkdf.Key(sha256.New, secret, nil, handoffInfo, 32) // cannot fail: the size is right
	return key
}

// greeting is the phone's half of the keys.
func (l *passkeyLink) greeting() waBinary.Node {
	l.own, _ = ecdh.X25519().GenerateKey(rand.Reader) // never fails
	nonce := make([]byte, pairingNonce)
	_, _ = rand.Read(nonce) // never fails
	primary, _ := proto.Marshal(&waCompanionReg.PrimaryEphemeralIdentity{PublicKey: l.own.PublicKey().Bytes(), Nonce: nonce})
	return notification(types.ServerJID, "crsc_continuation", leaf("primary_ephemeral_identity", primary))
}

// prove takes the companion's nonce, which it was bound to before it saw the phone's.
func (l *passkeyLink) prove(nonce []byte) error {
	bound := sha256.Sum256(slices.Concat(l.identity, nonce))
	if l.own == nil || len(nonce) != pairingNonce || !slices.Equal(bound[:], l.commitment) {
		return fmt.Errorf("%w: the companion is not bound to its nonce", ErrPasskey)
	}
	l.proven = true
	return nil
}

// finish opens the companion's keys and links it.
func (l *passkeyLink) finish(c *connection, sealed []byte) error {
	var envelope waCompanionReg.EncryptedPairingRequest
	if err := proto.Unmarshal(sealed, &envelope); err != nil || !l.proven {
		return fmt.Errorf("%w: keys before their time: %w", ErrPasskey, err)
	}
	shared, err := agree(l.own, l.companion.GetPublicKey())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	salt := fmt.Sprintf("Companion Pairing %d with ref %s", l.companion.GetDeviceType(), l.ref)
	key, err := hkdf.Key(sha256.New, shared, []byte(salt), pairingKeyInfo, 32)
	if err != nil {
		return err
	}
	plain, err := gcmutil.Decrypt(key, envelope.GetIV(), envelope.GetEncryptedPayload(), nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	var keys waCompanionReg.PairingRequest
	if err := proto.Unmarshal(plain, &keys); err != nil {
		return fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	identity := c.registration.keys.identity
	if !slices.Equal(keys.GetCompanionPublicKey(), c.noiseKey[:]) || !slices.Equal(keys.GetCompanionIdentityKey(), identity[:]) {
		return fmt.Errorf("%w: its keys are not those of the connection", ErrPasskey)
	}
	claim, err := l.phone.claimLocked(c, keys.GetAdvSecret())
	l.claimed <- passkeyClaim{claim, err}
	c.registration.passkey = nil
	return err
}
