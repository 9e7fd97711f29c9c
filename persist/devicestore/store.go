package devicestore

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"

	"go.mau.fi/whatsmeow/store"
	waLog "go.mau.fi/whatsmeow/util/log"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// Store implements every store interface of whatsmeow for one account. All
// methods may be called concurrently.
type Store struct {
	journal *journal.Journal
	log     waLog.Logger
	device  *store.Device

	closed  atomic.Bool
	givenUp atomic.Bool
	cancel  atomic.Pointer[context.CancelCauseFunc]
	own     atomic.Pointer[ownAddresses]
	merging atomic.Pointer[func()]

	// prefetched are the versions of the latest GetManySessions without a [Send].
	prefetched prefetch
	// migrated holds users whose records have moved to their LID.
	migrated sync.Map
	// numbering is held from reading the newest prekey id to storing the next.
	numbering sync.Mutex
	// collections holds app state whose MACs have not arrived yet.
	collections collections
	// outgoingSwept is when old outgoing events were last removed.
	outgoingSwept atomic.Int64
}

var (
	_ store.AllStores       = (*Store)(nil)
	_ store.DeviceContainer = (*Store)(nil)
)

// Open reads the account's device, or makes a fresh one that is stored when it
// has been paired. What a deleted device left behind is removed first.
func Open(ctx context.Context, j *journal.Journal, log waLog.Logger) (*Store, error) {
	s := &Store{journal: j, log: log}
	device, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	s.install(device)
	return s, nil
}

// Device is the device to give to whatsmeow. Its stores are installed.
func (s *Store) Device() *store.Device { return s.device }

// Bind names the function that ends the connection served from now on. A failure
// of storage calls it with the cause.
func (s *Store) Bind(cancel context.CancelCauseFunc) { s.cancel.Store(&cancel) }

// OnMerge names the function that is called when the chat of a LID has to become
// part of that of its number: a counter of [persist.CountMerging] says so, durably.
// It must not block.
func (s *Store) OnMerge(tell func()) { s.merging.Store(&tell) }

// Close makes every later call fail with [persist.ErrClosed]. It does not close
// the journal.
func (s *Store) Close() { s.closed.Store(true) }

func (s *Store) scope() persist.Scope { return s.journal.Scope() }

// open tells why the store can no longer be used, also by calls that need
// nothing of storage.
func (s *Store) open() error {
	if s.closed.Load() {
		return persist.ErrClosed
	}
	return s.journal.Err()
}

// find reads a record, in the decryption of ctx if there is one. An absent one
// is the zero value and false.
func find[T any](ctx context.Context, s *Store, kind persist.Kind[T], key ...any) (T, bool, error) {
	if d := decryptionOf(ctx); d != nil {
		return findIn(ctx, s, d.tx, kind, key...)
	}
	return findIn(ctx, s, s.journal, kind, key...)
}

func findIn[T any](ctx context.Context, s *Store, from persist.Getter, kind persist.Kind[T], key ...any) (T, bool, error) {
	if err := s.open(); err != nil {
		var none T
		return none, false, err
	}
	record, err := kind.Get(ctx, from, s.scope(), key...)
	if errors.Is(err, persist.ErrNotFound) {
		return record, false, nil
	}
	return record, err == nil, err
}

// pageSize bounds what one scan holds in memory and what one unit removes.
const pageSize = 500

// scan reads the records q selects, page by page. It sees what has been appended
// before it began.
func scan[T any](ctx context.Context, s *Store, kind persist.Kind[T], q persist.Query) iter.Seq2[T, error] {
	q.Scope, q.Table, q.Limit = s.scope(), kind.Table, pageSize
	return func(yield func(T, error) bool) {
		for {
			rows, err := s.page(ctx, q)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, row := range rows {
				record, err := kind.Decode(row)
				if !yield(record, err) || err != nil {
					return
				}
			}
			if len(rows) < q.Limit {
				return
			}
			q.After = after(q, rows[len(rows)-1])
		}
	}
}

func (s *Store) page(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	return s.journal.Scan(ctx, q)
}

func after(q persist.Query, row persist.Row) persist.Key {
	var key persist.Key
	for _, at := range q.Table.Positions(q.Index)[len(q.Prefix):] {
		key = append(key, row[at])
	}
	return key
}

// update runs fn as one serial unit, or within the decryption of ctx.
func (s *Store) update(ctx context.Context, fn func(tx *journal.Tx) error) (journal.Position, error) {
	var none journal.Position
	if err := s.open(); err != nil {
		return none, err
	}
	if d := decryptionOf(ctx); d != nil {
		return none, fn(d.tx)
	}
	return s.journal.Update(ctx, fn)
}

// write appends mutations as one unit, or to the decryption of ctx.
func (s *Store) write(ctx context.Context, mutations ...persist.Mutation) (journal.Position, error) {
	return s.update(ctx, func(tx *journal.Tx) error {
		tx.Put(mutations...)
		return nil
	})
}

// edit lets fn change the record with this key, absent or not, and stores it if
// fn says that it has changed it.
func edit[T any](ctx context.Context, s *Store, tx *journal.Tx, kind persist.Kind[T], key []any, fn func(record *T, found bool) bool) error {
	record, found, err := findIn(ctx, s, tx, kind, key...)
	if err == nil && fn(&record, found) {
		tx.Put(kind.Put(record))
	}
	return err
}

// editOne is edit in a unit of its own.
func editOne[T any](ctx context.Context, s *Store, kind persist.Kind[T], key []any, fn func(record *T, found bool) bool) (journal.Position, error) {
	return s.update(ctx, func(tx *journal.Tx) error { return edit(ctx, s, tx, kind, key, fn) })
}

// barrier waits until what was appended up to position is durable; it passes the
// error of appending on.
func (s *Store) barrier(ctx context.Context, position journal.Position, err error) error {
	if err != nil || decryptionOf(ctx) != nil {
		return err
	}
	return s.journal.Wait(ctx, position)
}
