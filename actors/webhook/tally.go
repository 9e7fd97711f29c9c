package webhook

import (
	"slices"
	"sync"
	"time"

	"whatsapp-web-server/actors"
)

// keptAttempts is how many attempts are remembered of an endpoint, in memory.
const keptAttempts = 100

// Attempt is one request to an endpoint, as its owner sees it.
type Attempt struct {
	At      time.Time
	Account string
	EventID string
	Kind    string
	// Number counts the attempts of the event.
	Number int64
	// Status is the answer's, 0 if there was none.
	Status int
	// Failure is empty where the event was taken.
	Failure string
	Took    time.Duration
}

// Health is how an endpoint does.
type Health struct {
	// Failures are those in a row, the last of them at LastFailure for Reason.
	Failures    int
	Reason      string
	LastFailure time.Time
	LastSuccess time.Time
	// Missed is how many events the logs no longer had when their turn came, of whatever
	// kind, the last of them noticed at LastMissed.
	Missed     int64
	LastMissed time.Time
}

// tally remembers what became of requests. It outlives incarnations, and is used by
// anyone.
type tally struct {
	mu     sync.Mutex
	recent []Attempt // the last one last
	silent int       // in a row that were not answered
	health Health
}

// note takes an attempt, and tells whether the fault seems to be the endpoint's.
func (t *tally) note(a Attempt, silent bool) (whole bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.recent) == keptAttempts {
		t.recent = slices.Delete(t.recent, 0, 1)
	}
	t.recent = append(t.recent, a)
	if a.Failure == "" {
		t.silent, t.health.Failures, t.health.LastSuccess = 0, 0, a.At
		return false
	}
	t.silent++
	if !silent {
		t.silent = 0
	}
	t.health.Failures++
	t.health.Reason, t.health.LastFailure = a.Failure, a.At
	return t.silent >= manySilent || t.health.Failures >= manyFailures
}

// missed takes notice of events that the log of an account no longer has.
func (t *tally) missed(from, to actors.Cursor) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if from.Log != to.Log { // all that are gone of another log
		from.Seq = 0
	}
	t.health.Missed += to.Seq - from.Seq
	t.health.LastMissed = time.Now()
}

func (t *tally) failures() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.health.Failures
}

// tell gives the attempts, newest first, and the endpoint's health.
func (t *tally) tell() ([]Attempt, Health) {
	t.mu.Lock()
	defer t.mu.Unlock()
	recent := slices.Clone(t.recent)
	slices.Reverse(recent)
	return recent, t.health
}
