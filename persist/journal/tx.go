package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"whatsapp-web-server/persist"
)

// Tx is a unit in the making: an overlay over the journal that becomes part of
// the log as a whole. It is for one goroutine at a time.
type Tx struct {
	journal *Journal
	serial  bool // made by Update: no other unit comes in between
	patient bool // its callbacks wait for a flush that somebody else asks for
	bulk    bool // it is a slice of Bulk
	over    bool
	err     error // the first mutation that cannot be stored

	writes    []write
	places    map[address]int // into writes, once there are more than few
	bytes     int             // about, of the writes
	counts    map[string]int64
	expected  []expectation
	onDurable []func()
}

// few writes are looked through sooner than a map is made of them.
const few = 12

// write is the last mutation of a record in the unit.
type write struct {
	at       address
	mutation persist.Mutation
}

// expectation is the version that a record must still have.
type expectation struct {
	at      address
	version Version
}

// Get implements [persist.Getter]: the unit's own writes first, then the
// journal's newest state. A counter includes the unit's changes of it.
func (tx *Tx) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	r, err := tx.read(ctx, scope, table, key)
	if err != nil {
		return nil, err
	}
	row, err := r.answer()
	if table != persist.Counters.Table {
		return row, err
	}
	return tx.counted(key[0].(string), row, err)
}

// Put adds writes and removals. What cannot be stored makes the
// commit fail with [persist.ErrPoisoned] and harms nobody else.
func (tx *Tx) Put(mutations ...persist.Mutation) {
	for _, m := range mutations {
		if err := tx.check(m); err != nil {
			tx.err = errors.Join(tx.err, err)
			continue
		}
		tx.put(m)
	}
}

// Count adds delta to a counter of [persist.Counters]. It is made when the unit
// is appended, after every Put, and never conflicts.
func (tx *Tx) Count(name string, delta int64) {
	if tx.counts == nil {
		tx.counts = map[string]int64{}
	}
	tx.counts[name] += delta
}

// OnDurable has fn called once the unit is durable, in the order of the log,
// and has the unit flushed at once, unless it is [Tx.Patient]. fn runs in the committer: it must be quick
// and must not block, write or wait. It is never called if the unit does not
// become durable, nor after the journal is over.
func (tx *Tx) OnDurable(fn func()) { tx.onDurable = append(tx.onDurable, fn) }

// Patient lets the callbacks of the unit wait for the next flush, though for
// [Options.LazyDelay] at most: it is for a unit that is about to be followed by
// one that somebody waits for, and spares a commit.
func (tx *Tx) Patient() { tx.patient = true }

// Expect makes the unit conditional on a record that was read outside it: its
// version must still be the one that [Journal.Version] told, else [ErrChanged].
// A record evicted from memory in between may conflict though nobody wrote it.
func (tx *Tx) Expect(table *persist.Table, key persist.Key, version Version) {
	tx.expected = append(tx.expected, expectation{addressOf(table, key), version})
}

func (tx *Tx) read(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (record, error) {
	if scope == tx.journal.scope && len(tx.writes) > 0 {
		if i, ok := tx.find(addressOf(table, key)); ok {
			return written(tx.writes[i].mutation), nil
		}
	}
	r, err := tx.journal.read(ctx, scope, table, key)
	if err == nil && !tx.serial {
		tx.expected = append(tx.expected, expectation{addressOf(table, key), r.version})
	}
	return r, err
}

func written(m persist.Mutation) record {
	if m.Delete {
		return record{}
	}
	return record{row: m.Row}
}

// check refuses what would make the whole flush fail later. A versioned table
// could not be coalesced.
func (tx *Tx) check(m persist.Mutation) error {
	if m.Table.Level != tx.journal.scope.Level() || m.Table.Versioned {
		return fmt.Errorf("%w: %s is not a table of accounts", persist.ErrPoisoned, m.Table.Name)
	}
	return m.Table.Check(m)
}

func (tx *Tx) put(m persist.Mutation) {
	at := addressOf(m.Table, m.Key())
	tx.bytes += sizeOf(m.Row)
	if i, ok := tx.find(at); ok {
		tx.writes[i].mutation = m
		return
	}
	tx.writes = append(tx.writes, write{at, m})
	switch n := len(tx.writes); {
	case n == few+1:
		tx.places = make(map[address]int, 2*few)
		for i, w := range tx.writes {
			tx.places[w.at] = i
		}
	case n > few:
		tx.places[at] = n - 1
	}
}

func (tx *Tx) find(at address) (int, bool) {
	if tx.places != nil {
		i, ok := tx.places[at]
		return i, ok
	}
	i := slices.IndexFunc(tx.writes, func(w write) bool { return w.at == at })
	return i, i >= 0
}

// counted adds the unit's change of a counter to what was read of it.
func (tx *Tx) counted(name string, row persist.Row, err error) (persist.Row, error) {
	delta, ok := tx.counts[name]
	switch {
	case !ok:
		return row, err
	case errors.Is(err, persist.ErrNotFound):
		return persist.Row{name, delta}, nil
	case err != nil:
		return nil, err
	}
	return persist.Row{name, row[1].(int64) + delta}, nil
}

// settle turns the counts into writes. Reading for that is no belief of the
// caller's; the turn is held, so nobody else counts meanwhile.
func (tx *Tx) settle(ctx context.Context) error {
	tx.serial = true
	for _, name := range slices.Sorted(maps.Keys(tx.counts)) {
		row, err := tx.Get(ctx, tx.journal.scope, persist.Counters.Table, persist.Key{name})
		if err != nil {
			return err
		}
		delete(tx.counts, name)
		tx.Put(persist.Mutation{Table: persist.Counters.Table, Row: row})
	}
	return nil
}
