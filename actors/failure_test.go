//go:build !race

// Hundreds of connections break in the middle of something here. whatsmeow has
// races of its own at that moment, which do no harm and which the detector
// reports: exsync.Event.GetChan writes under a read lock for each request that
// waits for a reconnect, and Client.Disconnect writes what the reader of a broken
// socket reads (socket.NoiseSocket.Stop, socket.FrameSocket.Close).

package actors

import (
	"fmt"
	"os"
	"testing"
)

// Every commit and every read of an account that starts, connects, sends and
// receives fails once in every way. Afterwards storage is well again, and
// nothing may be lost or doubled.
func TestAnAccountLosesNothingByAFailureOfStorage(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	h.live(t, "before")
	reads, commits := h.learn(t, h.live)
	for _, p := range plans(reads, commits) {
		t.Run(p.String(), func(t *testing.T) {
			h.engine.arm(p)
			h.live(t, p.String())
			if !h.engine.disarm() {
				t.Log("was not reached")
			}
		})
	}
}

// live is a whole life of the account from its start, with messages every way.
func (h *home) live(t *testing.T, name string) {
	t.Helper()
	h.restart(t)
	h.exchange(t, name)
}

// learn goes through a story without a failure and tells what it asks of storage.
func (h *home) learn(t *testing.T, story func(*testing.T, string)) (reads []string, commits int) {
	t.Helper()
	h.engine.arm(plan{})
	story(t, "learning")
	return h.engine.sites()
}

func (p plan) String() string {
	if p.site == siteCommit {
		return fmt.Sprintf("commit %d %s", p.after+1, p.fault)
	}
	return p.site + " " + string(p.fault)
}

// plans has every commit fail in every way, and every read: with an error or a
// panic by turns, or both with TEST_FULL=1.
func plans(reads []string, commits int) []plan {
	var all []plan
	for n := range commits {
		for _, f := range []fault{faultRefused, faultUnknown, faultFenced, faultPanic} {
			all = append(all, plan{siteCommit, f, n})
		}
	}
	for n, site := range reads {
		for i, f := range []fault{faultRefused, faultPanic} {
			if n%2 == i || os.Getenv("TEST_FULL") == "1" {
				all = append(all, plan{site, f, 0})
			}
		}
	}
	return all
}
