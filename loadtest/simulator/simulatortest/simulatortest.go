// Package simulatortest gives a test a WhatsApp simulator in one line. It stops the simulator with the test, and fails
// the test if the referee has seen what must never happen.
package simulatortest

import (
	"fmt"
	"slices"
	"strings"
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

// The counts of the referee's that must be zero at the end of a test, unless the test allows them; and the logins of
// one device that live at once, which are one at most.
const (
	ConcurrentLogins = simulator.ConcurrentLogins
	ReusedCounters   = simulator.ReusedCounters
	DecryptFailures  = simulator.DecryptFailures
	RepeatedMessages = simulator.RepeatedMessages
	ChangedMessages  = simulator.ChangedMessages
	UnlistedMessages = simulator.UnlistedMessages
)

type setup struct {
	options simulator.Options
	allowed []simulator.Count
}

// Option changes what Start starts.
type Option func(*setup)

// WithTLS serves TLS instead of plain websockets.
func WithTLS() Option { return func(s *setup) { s.options.Plain = false } }

// With changes the simulator's options in any way.
func With(change func(*simulator.Options)) Option { return func(s *setup) { change(&s.options) } }

// Allow declares that the test provokes what is otherwise forbidden.
func Allow(counts ...simulator.Count) Option {
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
		judge(t, sim.Stats(), s.allowed)
	})
	return sim
}

// judge fails the test for each count that is forbidden and not allowed, naming who did it with which messages.
func judge(t testing.TB, stats simulator.Stats, allowed []simulator.Count) {
	t.Helper()
	for count, value := range stats.Forbidden() {
		if slices.Contains(allowed, count) {
			continue
		}
		var cases strings.Builder
		for _, v := range stats.Violations {
			if v.Count == count {
				fmt.Fprintf(&cases, "\n\t%s", v)
			}
		}
		t.Errorf("referee: %s is %d:%s", count, value, &cases)
	}
}
