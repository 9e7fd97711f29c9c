package actors

import (
	"fmt"
	"slices"
	"time"
)

// State is where an account's session stands. The package documentation has
// the diagram.
type State string

// The states, as the API, the event log and the storage spell them.
const (
	StateUnpaired   State = "unpaired"   // no device is linked and nobody tries
	StatePairing    State = "pairing"    // a QR or pairing code is showing, or is about to
	StateConnecting State = "connecting" // waits for the connect budget, or dials and logs in
	StateSyncing    State = "syncing"    // logged in; what queued up is being stored
	StateReady      State = "ready"      // sends and receives
	StateBackoff    State = "backoff"    // connects again at Until
	StateRestricted State = "restricted" // connected, and WhatsApp limits what may be sent until Until
	StateStopped    State = "stopped"    // somebody asked for it; the credentials are kept

	StateConflict    State = "conflict"    // the same keys connected elsewhere
	StateBanned      State = "banned"      // WhatsApp refuses the account until Until
	StateLoggedOut   State = "logged-out"  // the device was unlinked
	StateOutdated    State = "outdated"    // WhatsApp refuses the client version
	StateQuarantined State = "quarantined" // the account crashed its process, or its actor too often
	StateFenced      State = "fenced"      // another node has the account
	StateStuck       State = "stuck"       // the last incarnation did not end in time
)

// following lists what may come after each state, apart from anytime. No state
// follows itself, since nothing changes then.
var following = map[State][]State{
	StateUnpaired:    {StatePairing},
	StatePairing:     {StateUnpaired, StateConnecting, StateBackoff, StateOutdated},
	StateConnecting:  {StateSyncing, StateReady, StateBackoff, StateRestricted, StateConflict, StateBanned, StateLoggedOut, StateOutdated},
	StateSyncing:     {StateReady, StateConnecting, StateBackoff, StateRestricted, StateConflict, StateBanned, StateLoggedOut, StateOutdated},
	StateReady:       {StateConnecting, StateBackoff, StateRestricted, StateConflict, StateBanned, StateLoggedOut, StateOutdated},
	StateRestricted:  {StateReady, StateConnecting, StateBackoff, StateConflict, StateBanned, StateLoggedOut, StateOutdated},
	StateBackoff:     {StateConnecting, StatePairing, StateUnpaired, StateConflict, StateBanned, StateLoggedOut, StateOutdated},
	StateStopped:     {StateUnpaired, StatePairing, StateConnecting, StateBackoff, StateLoggedOut},
	StateConflict:    {StateConnecting},
	StateBanned:      {StateConnecting, StateLoggedOut},
	StateLoggedOut:   {StatePairing, StateUnpaired},
	StateOutdated:    {StatePairing, StateConnecting},
	StateQuarantined: {StatePairing, StateConnecting},
	StateFenced:      {StateUnpaired, StateConnecting},
	StateStuck:       {StateUnpaired, StateConnecting},
}

// anytime lists what may follow every state.
var anytime = []State{StateStopped, StateFenced, StateQuarantined, StateStuck}

// CanBecome tells whether next may follow s.
func (s State) CanBecome(next State) bool {
	return s != next && (slices.Contains(anytime, next) || slices.Contains(following[s], next))
}

// Terminal tells whether the session stays as it is until somebody acts, or,
// for a ban, until it is over. All other states lead on by themselves or are
// what was asked for.
func (s State) Terminal() bool {
	switch s {
	case StateConflict, StateBanned, StateLoggedOut, StateOutdated, StateQuarantined, StateFenced, StateStuck:
		return true
	default:
		return false
	}
}

// Online tells whether the session is logged in.
func (s State) Online() bool {
	return s == StateSyncing || s == StateReady || s == StateRestricted
}

// String gives the state as it is spelled everywhere.
func (s State) String() string { return string(s) }

// MarshalText refuses a state that does not exist, the empty one included.
func (s State) MarshalText() ([]byte, error) {
	if _, known := following[s]; !known {
		return nil, fmt.Errorf("no session state %q", string(s))
	}
	return []byte(s), nil
}

// UnmarshalText is the inverse of [State.MarshalText].
func (s *State) UnmarshalText(text []byte) error {
	if _, known := following[State(text)]; !known {
		return fmt.Errorf("no session state %q", text)
	}
	*s = State(text)
	return nil
}

// Session is the state of an account's link to WhatsApp, and why.
type Session struct {
	State State     `json:"state"`
	Since time.Time `json:"since"`
	// Until is when the state is expected to end; nil if nobody can tell.
	Until *time.Time `json:"until,omitempty"`
	// Reason is a short stable word for programs, such as "device_removed".
	Reason string `json:"reason,omitempty"`
}

// Become returns the session after a change of state at now; a zero until means
// unknown. A change that the table does not have is a mistake of the caller: it
// is refused, and the session returned unchanged.
func (s Session) Become(next State, now, until time.Time, reason string) (Session, error) {
	if !s.State.CanBecome(next) {
		return s, fmt.Errorf("session cannot become %s from %s", next, s.State)
	}
	changed := Session{State: next, Since: now, Reason: reason}
	if !until.IsZero() {
		changed.Until = &until
	}
	return changed, nil
}
