package simulator

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

const (
	// pairingRefs is how many QR codes a client is given: whatsmeow shows the first of six for a minute and each of
	// the others for 20 s.
	pairingRefs = 6
	// maxDeviceNumber is the largest number that fits the one byte of a device JID.
	maxDeviceNumber = 255
	// maxCompanions is how many devices a phone links at a time.
	maxCompanions = 4
)

// Errors of a scan.
var (
	ErrBadQR          = errors.New("not a QR code of a companion")
	ErrUnknownRef     = errors.New("the QR code is not shown by any connected companion")
	ErrPairing        = errors.New("the companion refused the pairing")
	ErrCompanionGone  = errors.New("the companion disconnected")
	ErrTooManyDevices = errors.New("the phone can link no more devices")
)

// registration is the state of a connection whose device is not paired. Guarded by Simulator.mu.
type registration struct {
	keys    publicKeys
	wish    historyWish
	refs    []string
	timer   *time.Timer // closes the connection when the pairing window ends
	claim   *claim      // the scan in progress
	request string      // the id of the pair-success iq
	offer   *codeOffer  // a wish to be linked by code
	passkey *passkeyLink
}

// claim is one phone's attempt to link the device behind a registration.
type claim struct {
	device *device
	done   chan error // capacity 1
}

func (r *registration) withdrawLocked(s *Simulator, c *connection) {
	r.timer.Stop()
	r.withdrawOfferLocked(c)
	r.passkey.withdraw(ErrCompanionGone)
	for _, ref := range r.refs {
		delete(s.refs, ref)
	}
	if r.claim != nil {
		r.claim.done <- ErrCompanionGone
		r.claim = nil
	}
}

// beginPairing shows references to a client that has no device yet.
func (s *Simulator) beginPairing(c *connection, data *waWa6.ClientPayload_DevicePairingRegistrationData) error {
	keys, err := registeredKeys(data)
	if err != nil {
		return err
	}
	wish, err := parseWish(data.GetDeviceProps())
	if err != nil {
		return err
	}
	r := &registration{keys: keys, wish: wish, timer: time.AfterFunc(s.options.PairingWindow, c.abort)}
	var nodes []waBinary.Node
	for range pairingRefs {
		ref := "2@" + randomHex(24)
		r.refs = append(r.refs, ref)
		nodes = append(nodes, leaf("ref", []byte(ref)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.registration = r
	for _, ref := range r.refs {
		s.refs[ref] = c
	}
	c.push(serverIQ(newStanzaID(), element("pair-device", nil, nodes...)))
	return nil
}

func serverIQ(id string, child waBinary.Node) waBinary.Node {
	return element("iq", waBinary.Attrs{"from": types.ServerJID, "type": "set", "id": id, "xmlns": "md", "t": now()}, child)
}

// qrCode is what a companion shows: a reference, its public keys and the secret it shares with whoever scans.
type qrCode struct {
	ref             string
	noise, identity [32]byte
	secret          []byte
}

// parseQR reads "https://wa.me/settings/linked_devices#REF,NOISE,IDENTITY,SECRET,TYPE"; older clients leave out the
// URL, and some the type.
func parseQR(text string) (code qrCode, err error) {
	if _, after, found := strings.Cut(text, "#"); found {
		text = after
	}
	parts := strings.Split(text, ",")
	if len(parts) < 4 || parts[0] == "" {
		return code, ErrBadQR
	}
	code.ref = parts[0]
	for i, into := range []*[32]byte{&code.noise, &code.identity} {
		raw, err := base64.StdEncoding.DecodeString(parts[i+1])
		if err != nil || !fill(into[:], raw) {
			return code, ErrBadQR
		}
	}
	if code.secret, err = base64.StdEncoding.DecodeString(parts[3]); err != nil || len(code.secret) != 32 {
		return code, ErrBadQR
	}
	return code, nil
}

// Scan links the device that shows this QR code and returns when it is linked, or why it is not. The device logs in
// by itself afterwards.
func (p *Phone) Scan(ctx context.Context, qr string) error {
	code, err := parseQR(qr)
	if err != nil {
		return err
	}
	if p.hasPasskey() {
		return p.await(ctx, func() (*claim, error) {
			claimed, err := p.claimByPasskey(code)
			if err != nil {
				return nil, err
			}
			select {
			case c := <-claimed:
				return c.claim, c.err
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
	}
	return p.await(ctx, func() (*claim, error) { return p.sim.claimByQR(p, code) })
}

func (p *Phone) hasPasskey() bool {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	return p.account.passkey != nil
}

// await begins a claim and waits until the companion is linked, or refuses. The phone's name is in its app state before:
// a companion that hears of a change there before it has the keys has to wait for them.
func (p *Phone) await(ctx context.Context, begin func() (*claim, error)) error {
	if err := p.publishName(); err != nil {
		return fmt.Errorf("push name: %w", err)
	}
	claim, err := begin()
	if err != nil {
		return err
	}
	select {
	case err := <-claim.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// claimByQR finds the companion behind a QR code and claims it.
func (s *Simulator) claimByQR(p *Phone, code qrCode) (*claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.shownByLocked(code)
	if err != nil {
		return nil, err
	}
	return p.claimLocked(c, code.secret)
}

// shownByLocked is the companion that shows a QR code.
func (s *Simulator) shownByLocked(code qrCode) (*connection, error) {
	c := s.refs[code.ref]
	if c == nil || c.registration.claim != nil || c.registration.passkey != nil {
		return nil, ErrUnknownRef
	}
	if code.noise != c.noiseKey || code.identity != c.registration.keys.identity {
		return nil, fmt.Errorf("%w: its keys are not those of the connection", ErrBadQR)
	}
	return c, nil
}

// claimByCode claims the companion that a code was shown by.
func (s *Simulator) claimByCode(p *Phone, c *connection, identity [32]byte, secret []byte) (*claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r := c.registration; {
	case r.offer == nil || r.offer.account != p.account || r.claim != nil:
		return nil, ErrCompanionGone
	case r.keys.identity != identity:
		return nil, fmt.Errorf("%w: its identity is not that of the connection", ErrPairing)
	}
	return p.claimLocked(c, secret)
}

// claimLocked sends a companion the identity that the phone has signed.
func (p *Phone) claimLocked(c *connection, secret []byte) (*claim, error) {
	r := c.registration
	d, sealed, err := p.account.newDeviceLocked(c, secret)
	if err != nil {
		return nil, err
	}
	r.claim, r.request = &claim{device: d, done: make(chan error, 1)}, newStanzaID()
	c.sendPairSuccess(d, r.request, sealed)
	return r.claim, nil
}

// newDeviceLocked gives a companion a number and an identity signed by the phone, sealed for the companion. It is not
// linked before the companion has signed too.
func (a *account) newDeviceLocked(c *connection, secret []byte) (d *device, sealed []byte, err error) {
	switch {
	case len(a.devices) >= maxCompanions:
		return nil, nil, fmt.Errorf("%w: %d are linked", ErrTooManyDevices, maxCompanions)
	case a.lastDevice >= maxDeviceNumber:
		return nil, nil, fmt.Errorf("%w: all device numbers are used up", ErrTooManyDevices)
	}
	a.lastDevice++
	a.lastKeyIndex++
	d = &device{
		account: a, number: a.lastDevice, noiseKey: c.noiseKey, keyIndex: a.lastKeyIndex,
		keys: c.registration.keys, wish: c.registration.wish,
	}
	if d.identity, err = a.phone.signDevice(d.keys.identity, d.keyIndex); err != nil {
		return nil, nil, err
	}
	sealed, err = sealIdentity(d.identity, secret)
	return d, sealed, err
}

// sealIdentity authenticates a signed identity with the secret from the QR code.
func sealIdentity(signed *waAdv.ADVSignedDeviceIdentity, secret []byte) ([]byte, error) {
	details, err := proto.Marshal(signed)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(details)
	return proto.Marshal(&waAdv.ADVSignedDeviceIdentityHMAC{Details: details, HMAC: mac.Sum(nil)})
}

// beforePairing are the stanzas that a client without an account may send. Baileys tells its name while it shows a code.
var beforePairing = []string{"iq", "ib", "ack", "presence"}

// handleUnpaired takes what a client may send before it is paired: pings, the wish for a code, and answers to the
// server's own iqs.
func (s *Simulator) handleUnpaired(c *connection, node *waBinary.Node) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := c.registration
	if r == nil || !slices.Contains(beforePairing, node.Tag) {
		return fmt.Errorf("%w: stanza %q before pairing", errBadNode, node.Tag)
	}
	if attr(node, "xmlns") == "w:p" {
		c.push(result(node))
		return nil
	}
	if link, asks := node.GetOptionalChildByTag("link_code_companion_reg"); asks {
		c.push(s.linkCodeLocked(c, node, &link))
		return nil
	}
	if s.passkeyLocked(c, node) {
		return nil
	}
	if r.claim == nil || attr(node, "id") != r.request {
		return nil
	}
	claim := r.claim
	r.claim = nil
	err := s.acceptCompanionLocked(claim.device, node)
	claim.done <- err
	if err == nil { // otherwise whatsmeow disconnects by itself and reports the error
		c.push(streamError(515)) // "restart": the client closes and logs in
	}
	return nil
}

// acceptCompanionLocked verifies the companion's own signature and links it.
func (s *Simulator) acceptCompanionLocked(d *device, answer *waBinary.Node) error {
	if attr(answer, "type") != "result" {
		reason := answer.GetChildByTag("error")
		return fmt.Errorf("%w: %s %s", ErrPairing, attr(&reason, "code"), attr(&reason, "text"))
	}
	var signed waAdv.ADVSignedDeviceIdentity
	if err := proto.Unmarshal(contentAt(answer, "pair-device-sign", "device-identity"), &signed); err != nil {
		return fmt.Errorf("%w: device identity: %w", ErrPairing, err)
	}
	signed.AccountSignatureKey = d.identity.AccountSignatureKey // left out by the companion
	if err := verifyDeviceIdentity(&signed, d.keys.identity, d.account.phone.identity()); err != nil {
		return fmt.Errorf("%w: %w", ErrPairing, err)
	}
	d.identity = &signed
	d.account.devices[d.number] = d
	d.account.tellChanged()
	s.announceLocked("add", d)
	return nil
}

// verifyDeviceIdentity checks both signatures of a companion: the phone's over the companion's identity key, and the
// companion's over both.
func verifyDeviceIdentity(signed *waAdv.ADVSignedDeviceIdentity, companion, phone [32]byte) error {
	if !slices.Equal(signed.GetAccountSignatureKey(), phone[:]) {
		return errors.New("account signature key is not the phone's identity")
	}
	byPhone := slices.Concat(whatsmeow.AdvAccountSignaturePrefix, signed.GetDetails(), companion[:])
	if !verifySignature(phone, byPhone, signed.GetAccountSignature()) {
		return errors.New("account signature does not verify")
	}
	byDevice := slices.Concat(whatsmeow.AdvDeviceSignaturePrefix, signed.GetDetails(), companion[:], phone[:])
	if !verifySignature(companion, byDevice, signed.GetDeviceSignature()) {
		return errors.New("device signature does not verify")
	}
	return nil
}

func verifySignature(key [32]byte, message, signature []byte) bool {
	return len(signature) == 64 && ecc.VerifySignature(ecc.NewDjbECPublicKey(key), message, [64]byte(signature))
}
