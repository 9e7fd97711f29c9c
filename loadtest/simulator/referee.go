package simulator

import "sync"

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
	// PendingOffline is the number of stanzas that companions have not confirmed yet.
	PendingOffline int `json:"pendingOffline"`
	// Nonsense counts connections that were cut because the client broke the protocol.
	Nonsense int64 `json:"nonsense"`
	// Overflows counts stanzas dropped because a queue was full.
	Overflows int64 `json:"overflows"`
}

// referee counts. It is a leaf lock.
type referee struct {
	mu    sync.Mutex
	stats Stats
}

func (r *referee) count(change func(*Stats)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.stats)
}

// login counts a login and how many logins of that device are alive now.
func (r *referee) login(alive int) {
	r.count(func(s *Stats) {
		s.Logins++
		s.MaxConcurrentLoginsPerDevice = max(s.MaxConcurrentLoginsPerDevice, alive)
	})
}

func (r *referee) relayed()        { r.count(func(s *Stats) { s.MessagesRelayed++ }) }
func (r *referee) duplicate()      { r.count(func(s *Stats) { s.DuplicatesDropped++ }) }
func (r *referee) retried()        { r.count(func(s *Stats) { s.RetryReceipts++ }) }
func (r *referee) decryptFailure() { r.count(func(s *Stats) { s.DecryptFailures++ }) }
func (r *referee) reusedCounter()  { r.count(func(s *Stats) { s.ReusedCounters++ }) }
func (r *referee) nonsense()       { r.count(func(s *Stats) { s.Nonsense++ }) }
func (r *referee) overflow()       { r.count(func(s *Stats) { s.Overflows++ }) }

func (r *referee) reset() { r.count(func(s *Stats) { *s = Stats{} }) }

func (r *referee) snapshot() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
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
