package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/types"
)

// account is one WhatsApp identity: a phone and its linked companions.
type account struct {
	number string
	pn     types.JID
	lid    types.JID
	phone  *Phone
	// unknown is whether its messages by LID don't say its number.
	unknown atomic.Bool

	// Guarded by Simulator.mu.
	name         string
	devices      map[uint16]*device // companions by device number
	lastDevice   uint16             // numbers are never used twice: old sessions must not meet new keys
	lastKeyIndex uint32
	holders      map[*device]struct{}    // companions of others that hold this account's device list
	subscribers  map[*device]*connection // companions that subscribed to its presence, for as long as they are connected
	presence     string                  // available or unavailable
	lastSeen     int64                   // when that changed
	blocked      []types.JID
	privacy      map[string]string // settings that were changed
	profile      profile
	collections  map[string]*collection
	linking      *connection // the companion that asked last to be linked by code
	passkey      *Passkey    // nil if it has none
}

// device is a linked companion as the service knows it. Its fields are guarded by Simulator.mu.
type device struct {
	account    *account
	number     uint16
	noiseKey   [32]byte
	keyIndex   uint32
	identity   *waAdv.ADVSignedDeviceIdentity
	wish       historyWish
	keys       publicKeys
	asked      bool // has asked for its number of prekeys before
	warned     bool // was told that few prekeys are left
	introduced bool // its phone has sent keys and history
	removed    bool
	version    string // of WhatsApp Web, as its last login announced it
	connection *connection
	active     bool // live stanzas may be pushed: its queue has been flushed to this connection
	queue      []queued
	owed       recent[string, bool]  // messages it has taken and so has to show, unless it asked for them again
	spare      recent[string, int]   // messages it has asked for again: how many acks of them are still to come
	relayed    recent[string, int64] // messages it has sent, with the time of the ack; 0 if it may send one again
}

// endpoint is one device of an account as a sender or recipient; number 0 is the phone.
type endpoint struct {
	account *account
	number  uint16
}

func (d *device) endpoint() endpoint { return endpoint{d.account, d.number} }

func (e endpoint) lid() types.JID { return onDevice(e.account.lid, e.number) }
func (e endpoint) pn() types.JID  { return onDevice(e.account.pn, e.number) }

func onDevice(jid types.JID, number uint16) types.JID {
	jid.Device = number
	return jid
}

// Errors of the account directory. The control API answers them with 404, 409 and 400.
var (
	ErrUnknownPhone = errors.New("unknown phone")
	ErrPhoneExists  = errors.New("phone exists already")
	ErrBadNumber    = errors.New("a number has 5 to 15 digits and does not begin with 0")
)

var numberPattern = regexp.MustCompile(`^[1-9][0-9]{4,14}$`)

// AddPhone creates an account with its phone. The number is digits only, in international form without a plus; the
// name is what others see. The phone is online.
func (s *Simulator) AddPhone(number, name string) (*Phone, error) {
	if !numberPattern.MatchString(number) {
		return nil, fmt.Errorf("number %q: %w", number, ErrBadNumber)
	}
	a := &account{
		number: number, name: name,
		pn:          types.NewJID(number, types.DefaultUserServer),
		devices:     map[uint16]*device{},
		holders:     map[*device]struct{}{},
		subscribers: map[*device]*connection{},
		collections: map[string]*collection{},
	}
	a.phone = newPhone(s, a) // costs two key pairs, hence outside the lock
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts[number] != nil {
		return nil, fmt.Errorf("number %s: %w", number, ErrPhoneExists)
	}
	a.lid = s.unusedLIDLocked(number)
	s.accounts[number] = a
	s.byLID[a.lid.User] = a
	a.tellChanged()
	return a.phone, nil
}

// tellChanged tells who watches that the account, its phone or its devices are not as before.
func (a *account) tellChanged() { a.phone.sim.changes.tell(changedPhone, a.number) }

// unusedLIDLocked derives a 15-digit LID from the number, so that a number has the same LID in every run.
func (s *Simulator) unusedLIDLocked(number string) types.JID {
	sum := sha256.Sum256([]byte("lid " + number))
	n := binary.BigEndian.Uint64(sum[:])
	for ; ; n++ {
		user := strconv.FormatUint(100_000_000_000_000+n%900_000_000_000_000, 10)
		if s.byLID[user] == nil {
			return types.NewJID(user, types.HiddenUserServer)
		}
	}
}

// Phone returns the phone with the given number.
func (s *Simulator) Phone(number string) (*Phone, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[number]
	if a == nil {
		return nil, false
	}
	return a.phone, true
}

// accountOfLocked finds the account that a PN or LID, of whatever device, belongs to.
func (s *Simulator) accountOfLocked(jid types.JID) *account {
	switch jid.Server {
	case types.DefaultUserServer, types.LegacyUserServer:
		return s.accounts[jid.User]
	case types.HiddenUserServer:
		return s.byLID[jid.User]
	default:
		return nil
	}
}

// resolve finds the account meant by a number, a JID or a LID as text.
func (s *Simulator) resolve(name string) (*account, error) {
	jid := types.NewJID(name, types.DefaultUserServer)
	if strings.Contains(name, "@") {
		var err error
		if jid, err = types.ParseJID(name); err != nil {
			return nil, fmt.Errorf("%q: %w", name, ErrUnknownPhone)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accountOfLocked(jid); a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("%q: %w", name, ErrUnknownPhone)
}

// endpointsLocked lists the account's devices in ascending order, the phone first.
func (a *account) endpointsLocked() []endpoint {
	all := []endpoint{{a, 0}}
	for _, number := range slices.Sorted(maps.Keys(a.devices)) {
		all = append(all, endpoint{a, number})
	}
	return all
}

func (s *Simulator) endpoints(a *account) []endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return a.endpointsLocked()
}

func lids(endpoints []endpoint) []types.JID {
	out := make([]types.JID, len(endpoints))
	for i, e := range endpoints {
		out[i] = e.lid()
	}
	return out
}

// participantHash is the hash that clients and server compare device lists by (whatsmeow's participantListHashV2).
func participantHash(devices []types.JID) string {
	names := make([]string, len(devices))
	for i, jid := range devices {
		names[i] = jid.ADString()
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "")))
	return "2:" + base64.RawStdEncoding.EncodeToString(sum[:6])
}

// announceLocked tells everyone concerned that a companion was linked ("add") or removed ("remove"): the companions of
// others that hold the account's device list, and the account's own. Lists are keyed by LID; clients ignore what they
// are told about a PN.
func (s *Simulator) announceLocked(change string, changed *device) {
	a := changed.account
	hash := participantHash(lids(a.endpointsLocked()))
	update := element(change, waBinary.Attrs{"device_hash": hash}, deviceNode(changed.endpoint().lid(), changed.keyIndex))
	s.tellContactsLocked(a, notification(a.lid, "devices", update))
	var own []waBinary.Node
	for _, e := range a.endpointsLocked() {
		own = append(own, deviceNode(e.lid(), keyIndexLocked(e)))
	}
	for _, d := range a.devices {
		if d != changed {
			s.enqueueLocked(d, notification(a.lid, "account_sync", element("devices", waBinary.Attrs{"dhash": hash}, own...)))
		}
	}
}

// keyIndexLocked is the position of a companion's key in its account, 0 for the phone.
func keyIndexLocked(e endpoint) uint32 {
	if d := e.account.devices[e.number]; d != nil {
		return d.keyIndex
	}
	return 0
}

func deviceNode(jid types.JID, keyIndex uint32) waBinary.Node {
	attrs := waBinary.Attrs{"jid": jid}
	if keyIndex > 0 {
		attrs["key-index"] = keyIndex
	}
	return element("device", attrs)
}

func notification(from types.JID, kind string, children ...waBinary.Node) waBinary.Node {
	return element("notification", waBinary.Attrs{"from": from, "type": kind, "id": newStanzaID(), "t": now()}, children...)
}
