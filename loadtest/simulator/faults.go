package simulator

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// timedActions need a delay.
var timedActions = []string{actionDelay, actionSlow, actionSkew}

// httpOps are answered by HTTP.
var httpOps = []string{opUpgrade, opUpload, opDownload}

// Fault is one deviation from honest behaviour. The device and its account stay as they are: a fault only lies.
type Fault struct {
	// Op is what is struck, and Action what happens to it. [FaultCatalog] lists the pairs that exist.
	Op, Action string
	// Number restricts the fault to one account. Empty means all. Nobody's number is known at an upgrade or a download.
	Number string
	// Request restricts a fault of iqs to a namespace, such as usync, or to a request, such as "encrypt get count".
	Request string
	// Code is the stream error's code, the failure's reason, the HTTP status or the error, whichever it is; or which
	// malformation.
	Code int
	// Delay is how late something comes, how slow it is, how far the clock is ahead, or how long a ban lasts.
	Delay time.Duration
	// After lets the first so many occasions pass.
	After int
	// Times is how often the fault strikes. Zero means every time.
	Times int
	// Probability, between 0 and 1, is the chance that an occasion is struck. Zero means certainly.
	Probability float64
}

// ErrBadFault is the refusal of a fault that does not exist.
var ErrBadFault = errors.New("bad fault")

func (f Fault) validate() error {
	kinds := faultKindsOf(f.Op, f.Action)
	switch {
	case faultActions(f.Op) == "":
		return fmt.Errorf("%w: op %q: want one of %s", ErrBadFault, f.Op, faultOps())
	case len(kinds) == 0:
		return fmt.Errorf("%w: action %q: %s knows %s", ErrBadFault, f.Action, f.Op, faultActions(f.Op))
	case !slices.ContainsFunc(kinds, f.fits):
		return fmt.Errorf("%w: code %d: %s %s knows no such code", ErrBadFault, f.Code, f.Op, f.Action)
	case f.Action == actionError && slices.Contains(httpOps, f.Op) && (f.Code < 400 || f.Code > 599):
		return fmt.Errorf("%w: code %d: want an HTTP status, 400 to 599", ErrBadFault, f.Code)
	case slices.Contains(timedActions, f.Action) && f.Delay == 0:
		return fmt.Errorf("%w: delay: action %s needs one", ErrBadFault, f.Action)
	case f.After < 0 || f.Times < 0 || f.Delay < 0 && f.Action != actionSkew:
		return fmt.Errorf("%w: after, times and delay are not negative", ErrBadFault)
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("%w: probability %v: want 0 to 1", ErrBadFault, f.Probability)
	case f.Request != "" && f.Op != opIQ:
		return fmt.Errorf("%w: request %q: only an iq has one", ErrBadFault, f.Request)
	}
	return nil
}

// fits tells whether a kind of fault allows the code, or its absence.
func (f Fault) fits(k FaultKind) bool {
	if k.OtherCodes {
		return f.Code > 0
	}
	return slices.Contains(k.Codes, f.Code) || len(k.Codes) == 0 && f.Code == 0
}

// activeFault is a fault with what has become of it.
type activeFault struct {
	Fault
	id        string
	occasions int // that fitted op and number
	struck    int
}

// faultTable holds the faults asked for. It is a leaf lock.
type faultTable struct {
	count  atomic.Int32 // of active faults, so that honest traffic takes no lock
	mu     sync.Mutex
	dice   *rand.Rand
	lastID int
	active []*activeFault
}

func newFaultTable(dice *rand.Rand) *faultTable { return &faultTable{dice: dice} }

// none tells whether everything is honest.
func (t *faultTable) none() bool { return t.count.Load() == 0 }

func (t *faultTable) add(f Fault) *activeFault {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastID++
	a := &activeFault{id: strconv.Itoa(t.lastID), Fault: f}
	t.active = append(t.active, a)
	t.count.Add(1)
	return a
}

// match returns the first fault that strikes this occasion, or nil.
func (t *faultTable) match(op, number string) *Fault { return t.matchRequest(op, number, "") }

// strike is match for whom no fault is a fault that does nothing.
func (t *faultTable) strike(op, number string) Fault {
	if fault := t.match(op, number); fault != nil {
		return *fault
	}
	return Fault{}
}

// matchRequest is match for an iq of the given name.
func (t *faultTable) matchRequest(op, number, request string) *Fault {
	if t.none() {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.active {
		if a.Op == op && a.concerns(number) && a.asksFor(request) && t.strikesLocked(a) {
			return &a.Fault
		}
	}
	return nil
}

func (f Fault) concerns(number string) bool { return f.Number == "" || f.Number == number }

func (f Fault) asksFor(request string) bool {
	return f.Request == "" || strings.HasPrefix(request+" ", f.Request+" ")
}

// strikes tells whether one particular fault strikes the next occasion.
func (t *faultTable) strikes(a *activeFault) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.strikesLocked(a)
}

func (t *faultTable) strikesLocked(a *activeFault) bool {
	a.occasions++
	if a.occasions <= a.After || a.Times > 0 && a.struck >= a.Times {
		return false
	}
	if a.Probability > 0 && t.dice.Float64() >= a.Probability {
		return false
	}
	a.struck++
	return true
}

func (t *faultTable) list() []activeFault {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]activeFault, len(t.active))
	for i, a := range t.active {
		out[i] = *a
	}
	return out
}

func (t *faultTable) remove(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.active)
	t.active = slices.DeleteFunc(t.active, func(a *activeFault) bool { return a.id == id })
	t.count.Store(int32(len(t.active)))
	return len(t.active) < before
}

func (t *faultTable) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.active = nil
	t.count.Store(0)
}

// AddFault asks for a deviation. A fault of connections strikes those that are logged in now, and no later one.
func (s *Simulator) AddFault(f Fault) (id string, err error) {
	if err := f.validate(); err != nil {
		return "", err
	}
	a := s.faults.add(f)
	if f.Op == opConnection {
		s.strikeConnections(a)
	}
	return a.id, nil
}

// ClearFaults ends all deviations. Acks that are already late stay late.
func (s *Simulator) ClearFaults() { s.faults.clear() }
