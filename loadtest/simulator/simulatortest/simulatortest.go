// Package simulatortest gives a test a WhatsApp simulator in one line. It stops the simulator with the test, and fails
// the test if the referee has seen what must never happen.
package simulatortest

import (
	"slices"
	"sync"
	"testing"

	"go.mau.fi/whatsmeow/util/keys"

	"whatsapp-web-server/loadtest/simulator"
)

// rootKey is shared by all simulators of a process, since whatsmeow's trust root is a process global.
var rootKey = sync.OnceValue(keys.NewKeyPair)

// RootKey is the public key that clients in this process must trust (whatsmeow.WACertPubKey). Set it once, before the
// first client connects.
func RootKey() [32]byte { return *rootKey().Pub }

// Count is a count of the referee's that must be zero at the end of a test, unless the test allows it.
type Count string

// The forbidden counts.
const (
	ConcurrentLogins Count = "maxConcurrentLoginsPerDevice"
	ReusedCounters   Count = "reusedCounters"
	DecryptFailures  Count = "decryptFailures"
)

type setup struct {
	options simulator.Options
	allowed []Count
}

// Option changes what Start starts.
type Option func(*setup)

// WithTLS serves TLS instead of plain websockets.
func WithTLS() Option { return func(s *setup) { s.options.Plain = false } }

// With changes the simulator's options in any way.
func With(change func(*simulator.Options)) Option { return func(s *setup) { change(&s.options) } }

// Allow declares that the test provokes what is otherwise forbidden.
func Allow(counts ...Count) Option {
	return func(s *setup) { s.allowed = append(s.allowed, counts...) }
}

// Start runs a simulator until the test ends: plain, on free ports, and with clients uploading 50 prekeys instead of
// 812 for speed.
func Start(t testing.TB, options ...Option) *simulator.Simulator {
	t.Helper()
	s := setup{options: simulator.Options{Plain: true, PreKeyCount: 1, RootKey: *rootKey().Priv, StateDir: t.TempDir()}}
	for _, option := range options {
		option(&s)
	}
	sim, err := simulator.New(s.options)
	if err == nil {
		err = sim.Start()
	}
	if err != nil {
		t.Fatalf("start simulator: %v", err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Errorf("close simulator: %v", err)
		}
		for count, value := range forbidden(sim.Stats()) {
			if !slices.Contains(s.allowed, count) {
				t.Errorf("referee: %s is %d", count, value)
			}
		}
	})
	return sim
}

// forbidden are the counts that are not what they must be.
func forbidden(stats simulator.Stats) map[Count]int64 {
	found := map[Count]int64{}
	if stats.MaxConcurrentLoginsPerDevice > 1 {
		found[ConcurrentLogins] = int64(stats.MaxConcurrentLoginsPerDevice)
	}
	if stats.ReusedCounters > 0 {
		found[ReusedCounters] = stats.ReusedCounters
	}
	if stats.DecryptFailures > 0 {
		found[DecryptFailures] = stats.DecryptFailures
	}
	return found
}
