package simulator

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// recent remembers the last entries put into it and forgets older ones. The zero value remembers recentLimit entries.
type recent[K comparable, V any] struct {
	values map[K]V
	order  []K
}

// recentLimit covers what can still be asked for: whatsmeow keeps 256 sent messages for retries, and a client that
// reconnects repeats only what it was waiting for.
const recentLimit = 1024

func (r *recent[K, V]) get(key K) (V, bool) {
	value, ok := r.values[key]
	return value, ok
}

func (r *recent[K, V]) put(key K, value V) {
	if r.values == nil {
		r.values = map[K]V{}
	}
	if _, known := r.values[key]; !known {
		if len(r.order) >= recentLimit {
			delete(r.values, r.order[0])
			r.order = r.order[1:]
		}
		r.order = append(r.order, key)
	}
	r.values[key] = value
}

// newStanzaID names a stanza of the server; newMessageID names a message of a phone, in the form that iPhones use.
func newStanzaID() string { return randomHex(8) }

func newMessageID() string { return "3A" + strings.ToUpper(randomHex(9)) }

func randomHex(size int) string {
	raw := make([]byte, size)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}
