package simulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Count names a count of what must never happen, as GET /stats does.
type Count string

// The forbidden counts. What each counts is said at the field of [Stats].
const (
	ConcurrentLogins Count = "maxConcurrentLoginsPerDevice"
	ReusedCounters   Count = "reusedCounters"
	DecryptFailures  Count = "decryptFailures"
	RepeatedMessages Count = "repeatedMessages"
	ChangedMessages  Count = "changedMessages"
	UnlistedMessages Count = "unlistedMessages"
)

// Violation is one case of what must never happen.
type Violation struct {
	Count  Count    `json:"count"`
	Device string   `json:"device"`          // the JID of the device that is to blame
	Phone  string   `json:"phone,omitempty"` // the number of the phone that noticed
	IDs    []string `json:"ids,omitempty"`   // of the messages concerned
}

func (v Violation) String() string {
	said := fmt.Sprintf("%s of %s", v.Count, v.Device)
	if v.Phone != "" {
		said += ", noticed by phone " + v.Phone
	}
	if len(v.IDs) > 0 {
		said += ": " + strings.Join(v.IDs, ", ")
	}
	return said
}

// maxViolations bounds how many are described; all are counted.
const maxViolations = 100

// Stats are the referee's counts since the start or the last reset.
type Stats struct {
	// Connections is the number of open connections, logged in or not.
	Connections int `json:"connections"`
	// Logins counts accepted logins.
	Logins int64 `json:"logins"`
	// MaxConcurrentLoginsPerDevice is the highest number of live logins that one device ever had. More than 1 means
	// that a session ran twice.
	MaxConcurrentLoginsPerDevice int `json:"maxConcurrentLoginsPerDevice"`
	// MessagesRelayed counts messages taken from companions and phones, not their copies per device.
	MessagesRelayed int64 `json:"messagesRelayed"`
	// DuplicatesDropped counts messages that a companion sent again under the same id.
	DuplicatesDropped int64 `json:"duplicatesDropped"`
	// RetryReceipts counts retry receipts of companions and phones.
	RetryReceipts int64 `json:"retryReceipts"`
	// DecryptFailures counts messages that a phone could not decrypt or whose sender's signatures were wrong.
	DecryptFailures int64 `json:"decryptFailures"`
	// ReusedCounters counts ratchet counters that a phone saw twice with different ciphertext: an old state was used.
	ReusedCounters int64 `json:"reusedCounters"`
	// RepeatedMessages counts messages of companions that another account's phone got under two ids: with the same words
	// in the same chat or, without words, with the same secret. It says nothing where people repeat themselves.
	RepeatedMessages int64 `json:"repeatedMessages"`
	// ChangedMessages counts messages of companions that a phone got twice under one id, with different contents.
	ChangedMessages int64 `json:"changedMessages"`
	// UnlistedMessages counts messages that companions have acknowledged and do not list; see [Phone.Listed].
	UnlistedMessages int64 `json:"unlistedMessages"`
	// PendingOffline is the number of stanzas that companions have not confirmed yet.
	PendingOffline int `json:"pendingOffline"`
	// Nonsense counts connections that were cut because the client broke the protocol.
	Nonsense int64 `json:"nonsense"`
	// Overflows counts stanzas dropped because a queue was full.
	Overflows int64 `json:"overflows"`
	// Violations describes the first 100 cases of what must never happen.
	Violations []Violation `json:"violations"`
}

// Forbidden are the counts that are not what they must be, with their values.
func (s Stats) Forbidden() map[Count]int64 {
	found := map[Count]int64{
		ReusedCounters: s.ReusedCounters, DecryptFailures: s.DecryptFailures, RepeatedMessages: s.RepeatedMessages,
		ChangedMessages: s.ChangedMessages, UnlistedMessages: s.UnlistedMessages,
	}
	if s.MaxConcurrentLoginsPerDevice > 1 {
		found[ConcurrentLogins] = int64(s.MaxConcurrentLoginsPerDevice)
	}
	maps.DeleteFunc(found, func(_ Count, value int64) bool { return value == 0 })
	return found
}

// referee counts. It is a leaf lock.
type referee struct {
	mu       sync.Mutex
	stats    Stats
	unlisted map[string][]string // by device: what its last list lacks
}

func (r *referee) count(change func(*Stats)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.stats)
}

// login counts a login and how many logins of that device are alive now.
func (r *referee) login(d endpoint, alive int) {
	r.count(func(s *Stats) {
		s.Logins++
		s.MaxConcurrentLoginsPerDevice = max(s.MaxConcurrentLoginsPerDevice, alive)
		if alive > 1 {
			tell(s, Violation{Count: ConcurrentLogins, Device: d.pn().String()})
		}
	})
}

// violated counts what a phone has noticed about a device.
func (r *referee) violated(count Count, by endpoint, noticed *Phone, ids ...string) {
	r.count(func(s *Stats) {
		*counterOf(s, count)++
		tell(s, Violation{count, by.pn().String(), noticed.Number(), ids})
	})
}

// counterOf is where the violations are counted that phones notice.
func counterOf(s *Stats, count Count) *int64 {
	switch count {
	case ReusedCounters:
		return &s.ReusedCounters
	case RepeatedMessages:
		return &s.RepeatedMessages
	case ChangedMessages:
		return &s.ChangedMessages
	default:
		return &s.DecryptFailures
	}
}

func tell(s *Stats, v Violation) {
	if len(s.Violations) < maxViolations {
		s.Violations = append(s.Violations, v)
	}
}

// lists replaces what is known to be missing in a device's list.
func (r *referee) lists(by endpoint, missing []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unlisted == nil {
		r.unlisted = map[string][]string{}
	}
	r.unlisted[by.pn().String()] = missing
}

func (r *referee) relayed()   { r.count(func(s *Stats) { s.MessagesRelayed++ }) }
func (r *referee) duplicate() { r.count(func(s *Stats) { s.DuplicatesDropped++ }) }
func (r *referee) retried()   { r.count(func(s *Stats) { s.RetryReceipts++ }) }
func (r *referee) nonsense()  { r.count(func(s *Stats) { s.Nonsense++ }) }
func (r *referee) overflow()  { r.count(func(s *Stats) { s.Overflows++ }) }

func (r *referee) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats, r.unlisted = Stats{}, nil
}

func (r *referee) snapshot() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	stats := r.stats
	stats.Violations = append([]Violation{}, stats.Violations...)
	for _, device := range slices.Sorted(maps.Keys(r.unlisted)) {
		if missing := r.unlisted[device]; len(missing) > 0 {
			stats.UnlistedMessages += int64(len(missing))
			tell(&stats, Violation{Count: UnlistedMessages, Device: device, IDs: missing})
		}
	}
	return stats
}

// Stats returns the referee's counts.
func (s *Simulator) Stats() Stats {
	stats := s.referee.snapshot()
	s.mu.Lock()
	defer s.mu.Unlock()
	stats.Connections = len(s.connections)
	for _, a := range s.accounts {
		for _, d := range a.devices {
			stats.PendingOffline += len(d.queue)
		}
	}
	return stats
}

// Settled tells that everything sent has arrived: no phone that is online has work left, and companions have confirmed
// all they were sent. What clients are about to send is not known.
func (s *Simulator) Settled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.accounts { // phones first, as their work fills the queues
		if !a.phone.inbox.isIdle() {
			return false
		}
	}
	for _, a := range s.accounts {
		for _, d := range a.devices {
			if len(d.queue) > 0 {
				return false
			}
		}
	}
	return true
}
