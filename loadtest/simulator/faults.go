package simulator

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// Operations that a fault can strike.
const (
	opConnection = "connection" // living connections, at once
	opLogin      = "login"      // a paired device's login
	opAck        = "ack"        // the answer to a companion's message
)

// Actions of faults.
const (
	actionClose       = "close"        // the connection is cut without a word
	actionStreamError = "stream_error" // <stream:error code>, then close; 401 means device removed, 409 the conflict "replaced"
	actionFailure     = "failure"      // <failure reason>, then close; 402 is a temporary ban for Delay, an hour by default
	actionDrop        = "drop"         // the message is relayed, the ack is not sent
	actionDelay       = "delay"        // the message is relayed, the ack comes after Delay
	actionNack        = "nack"         // the message is refused with Code and not relayed
)

// faultPairs says which actions each operation knows.
var faultPairs = map[string][]string{
	opConnection: {actionClose, actionStreamError, actionFailure},
	opLogin:      {actionClose, actionStreamError, actionFailure},
	opAck:        {actionDrop, actionDelay, actionNack},
}

var codedActions = []string{actionStreamError, actionFailure, actionNack}

// Fault is one deviation from honest behaviour. The device and its account stay as they are: a fault only lies.
type Fault struct {
	// Op is what is struck: connection, login or ack.
	Op string
	// Number restricts the fault to one account. Empty means all.
	Number string
	// Action is what happens: close, stream_error or failure to a connection or login; drop, delay or nack to an ack.
	Action string
	// Code is the stream error's code, the failure's reason or the nack's error.
	Code int
	// Delay is how late a delayed ack is, or how long a ban lasts.
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
	actions, known := faultPairs[f.Op]
	switch {
	case !known:
		return fmt.Errorf("%w: op %q: want connection, login or ack", ErrBadFault, f.Op)
	case !slices.Contains(actions, f.Action):
		return fmt.Errorf("%w: action %q: op %s knows %q", ErrBadFault, f.Action, f.Op, actions)
	case slices.Contains(codedActions, f.Action) && f.Code <= 0:
		return fmt.Errorf("%w: code: action %s needs one", ErrBadFault, f.Action)
	case f.Action == actionDelay && f.Delay <= 0:
		return fmt.Errorf("%w: delay: action delay needs one", ErrBadFault)
	case f.After < 0 || f.Times < 0 || f.Delay < 0:
		return fmt.Errorf("%w: after, times and delay are not negative", ErrBadFault)
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("%w: probability %v: want 0 to 1", ErrBadFault, f.Probability)
	}
	return nil
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
	mu     sync.Mutex
	dice   *rand.Rand
	lastID int
	active []*activeFault
}

func newFaultTable(dice *rand.Rand) *faultTable { return &faultTable{dice: dice} }

func (t *faultTable) add(f Fault) *activeFault {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastID++
	a := &activeFault{id: strconv.Itoa(t.lastID), Fault: f}
	t.active = append(t.active, a)
	return a
}

// match returns the first fault that strikes this occasion, or nil.
func (t *faultTable) match(op, number string) *Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.active {
		if a.Op == op && a.concerns(number) && t.strikesLocked(a) {
			return &a.Fault
		}
	}
	return nil
}

func (f Fault) concerns(number string) bool { return f.Number == "" || f.Number == number }

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
	return len(t.active) < before
}

func (t *faultTable) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.active = nil
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

func (s *Simulator) strikeConnections(a *activeFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.connections {
		d := c.device
		if d == nil || c.closing || !a.concerns(d.account.number) || !s.faults.strikes(a) {
			continue
		}
		c.detachLocked()
		c.suffer(&a.Fault)
	}
}

// suffer ends the connection in the way that the fault asks for.
func (c *connection) suffer(f *Fault) {
	switch f.Action {
	case actionStreamError:
		c.finish(streamErrorFor(f.Code))
	case actionFailure:
		c.finish(failureFor(f))
	default:
		c.abort()
	}
}

func streamErrorFor(code int) waBinary.Node {
	switch code {
	case 401:
		return deviceRemoved()
	case 409:
		return replacedConflict()
	default:
		return streamError(code)
	}
}

// defaultBan is how long a temporary ban lasts if the fault does not say; its code 101 is "sent too many messages to
// people who have not saved the number".
const defaultBan = time.Hour

func failureFor(f *Fault) waBinary.Node {
	failure := loginFailure(f.Code)
	if f.Code == 402 {
		ban := f.Delay
		if ban == 0 {
			ban = defaultBan
		}
		failure.Attrs["code"], failure.Attrs["expire"] = 101, int(ban.Seconds())
	}
	return failure
}
