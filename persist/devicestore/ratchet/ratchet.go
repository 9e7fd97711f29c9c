// Package ratchet keeps signal sessions as they must be where libsignal leaves
// them otherwise.
package ratchet

import (
	"bytes"
	"errors"
	"slices"

	"go.mau.fi/libsignal/serialize"
	"go.mau.fi/libsignal/state/record"
)

// Mend returns the session to be stored after a decryption that turned before
// into after, both serialized. It is after itself, unless an older state of the
// session was the one that fitted.
//
// libsignal (v0.2.2, session.Cipher.DecryptWithRecord) tries one state after the
// other in place. A state steps its ratchet before the message's authenticity is
// checked, so each one that was tried in vain is spoilt: what it says from then
// on nobody can decrypt, and it understands nobody. That happens whenever two
// devices begin a session with each other at the same time. Mend puts back the
// states that did not fit, and leaves out the stale copy of the one that did,
// which libsignal keeps as well.
//
// What cannot be parsed is left as it is.
func Mend(before, after []byte, formats *serialize.Serializer) []byte {
	next, err := parse(after, formats)
	if err != nil || len(next.PreviousStates) == 0 {
		return after
	}
	last, err := parse(before, formats)
	if err != nil || same(last.SessionState, next.SessionState) {
		return after // the first state fitted: no other was tried
	}
	next.PreviousStates = previous(last, next)
	return formats.Session.Serialize(next)
}

// previous are the older states of next as they were in last, each once.
func previous(last, next *record.SessionStructure) []*record.StateStructure {
	var kept []*record.StateStructure
	untouched := append([]*record.StateStructure{last.SessionState}, last.PreviousStates...)
	for _, state := range next.PreviousStates {
		alike := func(other *record.StateStructure) bool { return same(state, other) }
		if same(state, next.SessionState) || slices.ContainsFunc(kept, alike) {
			continue
		}
		if at := slices.IndexFunc(untouched, alike); at >= 0 {
			state = untouched[at]
		}
		kept = append(kept, state)
	}
	return kept
}

// same tells whether two states are of one session: the base key of the side
// that began it names it.
func same(a, b *record.StateStructure) bool {
	return a.SessionVersion == b.SessionVersion && bytes.Equal(a.SenderBaseKey, b.SenderBaseKey)
}

var errMalformed = errors.New("malformed session")

func parse(serialized []byte, formats *serialize.Serializer) (session *record.SessionStructure, err error) {
	defer func() {
		if recover() != nil { // libsignal trusts what it parses
			err = errMalformed
		}
	}()
	if len(serialized) == 0 {
		return nil, errMalformed
	}
	session, err = formats.Session.Deserialize(serialized)
	if err == nil && session.SessionState == nil {
		err = errMalformed
	}
	return session, err
}
