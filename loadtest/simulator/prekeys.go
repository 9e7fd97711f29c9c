package simulator

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/keys/identity"
	"go.mau.fi/libsignal/keys/prekey"
	"go.mau.fi/libsignal/util/optional"
	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/types"
)

// publicPreKey is a one-time prekey as uploaded.
type publicPreKey struct {
	id  [3]byte
	key [32]byte
}

// publicKeys is all that the service knows of a device's keys.
type publicKeys struct {
	registration    [4]byte
	identity        [32]byte
	signed          publicPreKey
	signedSignature [64]byte
	oneTime         []publicPreKey // each is handed out once, oldest first
}

// bundle is what others need to begin a Signal session with a device. Without a one-time prekey the session is built
// from the signed one alone.
type bundle struct {
	publicKeys
	oneTime *publicPreKey
}

var errBadKeys = errors.New("keys are missing or of the wrong size")

// fill copies raw into dst and tells whether it had exactly that size.
func fill(dst, raw []byte) bool { return copy(dst, raw) == len(dst) && len(raw) == len(dst) }

// registeredKeys reads the keys that a client presents when it registers.
func registeredKeys(data *waWa6.ClientPayload_DevicePairingRegistrationData) (keys publicKeys, err error) {
	ok := fill(keys.registration[:], data.GetERegid()) &&
		fill(keys.identity[:], data.GetEIdent()) &&
		fill(keys.signed.id[:], data.GetESkeyID()) &&
		fill(keys.signed.key[:], data.GetESkeyVal()) &&
		fill(keys.signedSignature[:], data.GetESkeySig())
	if !ok {
		return keys, fmt.Errorf("registration: %w", errBadKeys)
	}
	return keys, keys.verify()
}

// parseBundle reads keys from an upload, a retry receipt or a bundle, which share their form.
func parseBundle(node *waBinary.Node) (b bundle, err error) {
	keys := node
	if under, ok := node.GetOptionalChildByTag("keys"); ok {
		keys = &under
	}
	ok := fill(b.registration[:], contentAt(node, "registration")) &&
		fill(b.identity[:], contentAt(keys, "identity")) &&
		fill(b.signed.id[:], contentAt(keys, "skey", "id")) &&
		fill(b.signed.key[:], contentAt(keys, "skey", "value")) &&
		fill(b.signedSignature[:], contentAt(keys, "skey", "signature"))
	if !ok {
		return b, errBadKeys
	}
	if key, ok := keys.GetOptionalChildByTag("key"); ok {
		one, err := parsePreKey(&key)
		if err != nil {
			return b, err
		}
		b.oneTime = &one
	}
	return b, b.verify()
}

func parsePreKey(node *waBinary.Node) (key publicPreKey, err error) {
	if !fill(key.id[:], contentAt(node, "id")) || !fill(key.key[:], contentAt(node, "value")) {
		return key, errBadKeys
	}
	return key, nil
}

// verify checks the identity key's signature of the signed prekey.
func (k *publicKeys) verify() error {
	if !verifySignature(k.identity, append([]byte{ecc.DjbType}, k.signed.key[:]...), k.signedSignature[:]) {
		return fmt.Errorf("%w: signature of the signed prekey", errBadKeys)
	}
	return nil
}

func (k publicPreKey) number() uint32 { return binary.BigEndian.Uint32(append([]byte{0}, k.id[:]...)) }

func (k publicPreKey) node(tag string) waBinary.Node {
	return element(tag, nil, leaf("id", k.id[:]), leaf("value", k.key[:]))
}

// nodes is the bundle as it stands in answers and retry receipts, without the registration id.
func (b bundle) nodes() []waBinary.Node {
	nodes := []waBinary.Node{leaf("type", []byte{ecc.DjbType}), leaf("identity", b.identity[:]), b.signedNode()}
	if b.oneTime != nil {
		nodes = append(nodes, b.oneTime.node("key"))
	}
	return nodes
}

func (k *publicKeys) signedNode() waBinary.Node {
	skey := k.signed.node("skey")
	skey.Content = append(skey.GetChildren(), leaf("signature", k.signedSignature[:]))
	return skey
}

// signal is the bundle in libsignal's form.
func (b bundle) signal(device uint16) *prekey.Bundle {
	id, key := optional.NewEmptyUint32(), ecc.ECPublicKeyable(nil)
	if b.oneTime != nil {
		id, key = optional.NewOptionalUint32(b.oneTime.number()), ecc.NewDjbECPublicKey(b.oneTime.key)
	}
	return prekey.NewBundle(binary.BigEndian.Uint32(b.registration[:]), uint32(device), id, b.signed.number(),
		key, ecc.NewDjbECPublicKey(b.signed.key), b.signedSignature, identity.NewKey(ecc.NewDjbECPublicKey(b.identity)))
}

// takeBundle hands out a device's bundle with its next one-time prekey.
func (s *Simulator) takeBundle(e endpoint) (bundle, bool) {
	if e.number == 0 {
		return e.account.phone.bundle(), true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := e.account.devices[e.number]
	if d == nil {
		return bundle{}, false
	}
	b := bundle{publicKeys: d.keys}
	if len(d.keys.oneTime) > 0 {
		b.oneTime = &d.keys.oneTime[0]
		d.keys.oneTime = d.keys.oneTime[1:]
	}
	s.warnOfFewPreKeysLocked(d)
	return b, true
}

// warnOfFewPreKeysLocked asks a connected device, once per upload, for more prekeys. One that is away will ask for
// its number at the next login.
func (s *Simulator) warnOfFewPreKeysLocked(d *device) {
	if left := len(d.keys.oneTime); left < whatsmeow.MinPreKeyCount && d.active && !d.warned {
		d.warned = true
		d.connection.push(notification(types.ServerJID, "encrypt", element("count", waBinary.Attrs{"value": left})))
	}
}

// countPreKeys answers how many one-time prekeys are left, save that a device's first question may be answered by the
// setting.
func (s *Simulator) countPreKeys(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := len(d.keys.oneTime)
	if !d.asked {
		d.asked = true
		count = max(count, s.Settings().PreKeyCount)
	}
	return result(request, element("count", waBinary.Attrs{"value": count}))
}

func (s *Simulator) uploadPreKeys(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	b, err := parseBundle(request)
	if err != nil || b.identity != d.keys.identity {
		return failed(request, 406, "not-acceptable")
	}
	list := request.GetChildByTag("list")
	var uploaded []publicPreKey
	for _, node := range list.GetChildren() {
		key, err := parsePreKey(&node)
		if err != nil {
			return failed(request, 406, "not-acceptable")
		}
		uploaded = append(uploaded, key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d.keys.signed, d.keys.signedSignature = b.signed, b.signedSignature
	d.keys.oneTime = append(d.keys.oneTime, uploaded...)
	d.warned = false
	return result(request)
}

// getPreKeys answers a bundle for each requested device, under exactly the JID that was asked for.
func (s *Simulator) getPreKeys(_ *connection, _ *device, request *waBinary.Node) waBinary.Node {
	list := request.GetChildByTag("key")
	var users []waBinary.Node
	for _, user := range list.GetChildren() {
		jid := attrJID(&user, "jid")
		users = append(users, element("user", waBinary.Attrs{"jid": jid}, s.bundleNodes(jid)...))
	}
	return result(request, element("list", nil, users...))
}

func (s *Simulator) bundleNodes(jid types.JID) []waBinary.Node {
	s.mu.Lock()
	a := s.accountOfLocked(jid)
	s.mu.Unlock()
	if a != nil {
		if b, ok := s.takeBundle(endpoint{a, jid.Device}); ok {
			return append([]waBinary.Node{leaf("registration", b.registration[:])}, b.nodes()...)
		}
	}
	return []waBinary.Node{errorNode(404, "item-not-found")}
}
