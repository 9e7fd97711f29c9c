package redo

import (
	"cmp"
	"maps"
	"strings"
	"sync"

	"whatsapp-web-server/persist"
)

// layers is what the log holds and the file does not yet: the last write of each
// record. Readers look here first.
type layers struct {
	mu sync.RWMutex
	// fresh takes what is written now. Nil if nothing is.
	fresh *layer
	// sinking is on its way into the file. Nil if nothing is.
	sinking *layer
}

// layer is a stretch of the log, with one write for each record.
type layer struct {
	writes  map[address]persist.Mutation
	shelves map[shelf]struct{} // that it has a record of
	bytes   int
	number  uint64 // of its last batches in the log
}

// shelf is one table of one account.
type shelf struct {
	table   *persist.Table
	account string
}

// address names a record.
type address struct {
	shelf

	key string
}

// compare puts addresses in order, those of a shelf together.
func (at address) compare(other address) int {
	if at.shelf == other.shelf {
		return strings.Compare(at.key, other.key)
	}
	return cmp.Or(strings.Compare(at.table.Name, other.table.Name), strings.Compare(at.account, other.account))
}

func addressOf(scope persist.Scope, table *persist.Table, key persist.Key) address {
	return address{shelf{table, scope.Owner()}, key.Text()}
}

// get returns the last write of a record.
func (a *layers) get(at address) (persist.Mutation, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if m, ok := a.fresh.get(at); ok {
		return m, true
	}
	return a.sinking.get(at)
}

// holds tells whether any record of a shelf is ahead of the file.
func (a *layers) holds(of shelf) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.fresh.holds(of) || a.sinking.holds(of)
}

// add takes what has become durable as a batch of the log. It returns how many
// bytes are fresh, and whether these are the first.
func (a *layers) add(batches []persist.Batch, number uint64) (bytes int, first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	first = a.fresh == nil
	if first {
		a.fresh = newLayer()
	}
	a.fresh.number = number
	a.fresh.add(batches)
	return a.fresh.bytes, first
}

func newLayer() *layer {
	return &layer{writes: map[address]persist.Mutation{}, shelves: map[shelf]struct{}{}}
}

func (l *layer) add(batches []persist.Batch) {
	for _, batch := range batches {
		for _, m := range batch.Mutations {
			l.put(addressOf(batch.Scope, m.Table, m.Key()), m)
		}
	}
}

func (l *layer) get(at address) (m persist.Mutation, ok bool) {
	if l != nil {
		m, ok = l.writes[at]
	}
	return m, ok
}

func (l *layer) holds(of shelf) (ok bool) {
	if l != nil {
		_, ok = l.shelves[of]
	}
	return ok
}

func (l *layer) put(at address, m persist.Mutation) {
	l.bytes += m.Row.Size() - l.writes[at].Row.Size()
	l.writes[at] = m
	l.shelves[at.shelf] = struct{}{}
}

// empty tells whether nothing is ahead.
func (a *layers) empty() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.fresh == nil && a.sinking == nil
}

// begin returns what has to sink: what has begun to, or else what is fresh; turn
// is called in between. Nil if nothing is ahead.
func (a *layers) begin(turn func() error) (*layer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sinking != nil || a.fresh == nil {
		return a.sinking, nil
	}
	a.sinking, a.fresh = a.fresh, nil
	return a.sinking, turn()
}

// sunk forgets what is in the file now.
func (a *layers) sunk() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sinking = nil
}

// size is how many bytes are fresh.
func (a *layers) size() int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.fresh == nil {
		return 0
	}
	return a.fresh.bytes
}

// all is what is ahead as one layer.
func (a *layers) all() *layer {
	a.mu.RLock()
	defer a.mu.RUnlock()
	all := newLayer()
	for _, l := range []*layer{a.sinking, a.fresh} {
		if l != nil {
			maps.Copy(all.writes, l.writes)
		}
	}
	return all
}

// clear forgets everything.
func (a *layers) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fresh, a.sinking = nil, nil
}
