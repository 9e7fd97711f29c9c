package actors

import (
	"context"
	"sync"

	"whatsapp-web-server/persist"
)

// maxWaiting bounds the ids of amended messages that an account remembers. Over it
// every message is looked up.
const maxWaiting = 4096

// premature knows which messages were edited or deleted before they came: nearly
// none, so that hardly any needs a look into storage. It holds for one incarnation,
// whose writes are the only ones.
type premature struct {
	mu   sync.Mutex
	read bool
	many bool
	ids  map[string]struct{}
}

// load reads the ids once.
func (w *premature) load(ctx context.Context, from persist.Scanner, scope persist.Scope) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.read {
		return nil
	}
	held, err := persist.MessageAmendments.Scan(ctx, from, persist.Query{Scope: scope, Limit: maxWaiting + 1})
	if err != nil {
		return err
	}
	w.read = true
	for _, amendment := range held {
		w.note(amendment.MessageID)
	}
	return nil
}

func (w *premature) add(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(id)
}

// note is called with the lock held.
func (w *premature) note(id string) {
	if w.many {
		return
	}
	if w.ids == nil {
		w.ids = make(map[string]struct{})
	}
	w.ids[id] = struct{}{}
	w.many = len(w.ids) > maxWaiting
	if w.many {
		w.ids = nil
	}
}

// has tells whether something may be waiting for the message.
func (w *premature) has(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, found := w.ids[id]
	return found || w.many
}

// any tells whether anything may be waiting.
func (w *premature) any() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.many || len(w.ids) > 0
}
