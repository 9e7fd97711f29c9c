package actors

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// ledger writes what happens to an account: records, and the events that tell
// them, in the same unit. It gives events their sequence, without gaps, and
// hands them on once they are durable, in order.
//
// It may be used from any goroutine; units are serial.
type ledger struct {
	account string
	journal *journal.Journal
	// publish gets each event once; it must not block.
	publish func(Event)
	now     func() time.Time

	mu   sync.Mutex
	head Cursor // the newest event that was appended; its log never changes
	// durable is the sequence of the newest event that is: the committer sets it,
	// which must not wait for mu.
	durable atomic.Int64
}

// openLedger continues the account's log, named log, where its storage ends.
func openLedger(ctx context.Context, j *journal.Journal, account, log string, publish func(Event)) (*ledger, error) {
	newest, err := persist.Events.Scan(ctx, j, persist.Query{Scope: j.Scope(), Reverse: true, Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("read the end of the event log: %w", err)
	}
	l := &ledger{account: account, journal: j, publish: publish, now: time.Now, head: Cursor{Log: log}}
	if len(newest) > 0 {
		l.head.Seq = newest[0].Seq
		l.durable.Store(l.head.Seq)
	}
	return l, nil
}

// newest is the place of the newest event that is durable: a reader may be told
// of it, since no crash takes it back.
func (l *ledger) newest() Cursor { return Cursor{Log: l.head.Log, Seq: l.durable.Load()} }

// unit is one change of the account, atomic with its events.
type unit struct {
	*journal.Tx
	scope  persist.Scope
	at     time.Time
	log    string
	seq    int64
	events []Event
	silent bool // it tells nothing
}

// write runs fn and appends what it put and told. An error of fn discards all
// of it, and no sequence is used up. What was written is durable after
// [journal.Journal.Wait] for the position.
func (l *ledger) write(ctx context.Context, fn func(*unit) error) (journal.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var seq int64
	position, err := l.journal.Update(ctx, func(tx *journal.Tx) error {
		u := &unit{Tx: tx, scope: l.journal.Scope(), at: l.now(), log: l.head.Log, seq: l.head.Seq}
		if err := fn(u); err != nil {
			return err
		}
		seq = u.seq
		if len(u.events) > 0 { // a callback has the unit committed at once
			tx.OnDurable(func() { l.hand(u.events) })
		}
		return nil
	})
	if err == nil {
		l.head.Seq = seq
	}
	return position, err
}

// record is write, and a wait until it is durable: what an acknowledgement or a
// reply stands on.
func (l *ledger) record(ctx context.Context, fn func(*unit) error) error {
	position, err := l.write(ctx, fn)
	if err != nil {
		return err
	}
	return l.journal.Wait(ctx, position)
}

// recordAlong is record for what nobody is waiting for but WhatsApp: it goes along
// with the next commit.
func (l *ledger) recordAlong(ctx context.Context, fn func(*unit) error) error {
	position, err := l.write(ctx, func(u *unit) error {
		u.Patient()
		return fn(u)
	})
	if err != nil {
		return err
	}
	return l.journal.Ride(ctx, position)
}

// bulk is record for a slice of what is much and of long ago, which is told to
// nobody: see [journal.Journal.Bulk].
func (l *ledger) bulk(ctx context.Context, fn func(*unit) error) error {
	return l.journal.Bulk(ctx, func(tx *journal.Tx) error {
		return fn(&unit{Tx: tx, scope: l.journal.Scope(), at: l.now(), silent: true})
	})
}

func (l *ledger) hand(events []Event) {
	for _, event := range events {
		event.Account = l.account
		l.durable.Store(event.Cursor.Seq)
		l.publish(event)
	}
}

// tell adds a durable event to the unit.
func (u *unit) tell(kind EventKind, payload any) {
	if u.silent {
		return
	}
	data := encode(kind, payload)
	u.seq++
	u.Put(persist.Events.Put(persist.Event{Seq: u.seq, Kind: string(kind), At: u.at, Data: string(data)}))
	u.events = append(u.events, Event{Kind: kind, At: u.at, Data: data, Cursor: Cursor{Log: u.log, Seq: u.seq}})
}
