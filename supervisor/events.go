package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Numbers lists the accounts of this node.
func (s *Supervisor) Numbers() []string { return s.living.numbers() }

// Known lists the accounts of all nodes, as far as this one has heard of them.
func (s *Supervisor) Known() []string {
	s.living.mu.RLock()
	defer s.living.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.living.tenants))
}

// Recall looks for an account that this node has not heard of in the index that all
// nodes have. That it is not there is no error.
func (s *Supervisor) Recall(ctx context.Context, account string) error {
	if _, known := s.Tenant(account); known {
		return nil
	}
	entry, err := persist.AccountIndex.Get(ctx, s.engine, persist.SystemScope(), account)
	if errors.Is(err, persist.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read index of accounts: %w", err)
	}
	s.living.own(account, entry.Tenant)
	return nil
}

// EventLog tells what is kept of an account's event log and durable: what comes
// after oldest, up to and including head.
func (s *Supervisor) EventLog(ctx context.Context, account string) (oldest, head actors.Cursor, err error) {
	log, err := s.logID(ctx, account)
	if err != nil {
		return oldest, head, err
	}
	oldest, head = actors.Cursor{Log: log}, actors.Cursor{Log: log}
	first, err := s.scanEvents(ctx, persist.Query{Scope: persist.AccountScope(account), Limit: 1})
	if err != nil || len(first) == 0 {
		return oldest, head, err
	}
	last, err := s.scanEvents(ctx, persist.Query{Scope: persist.AccountScope(account), Reverse: true, Limit: 1})
	if err != nil || len(last) == 0 {
		return oldest, head, err
	}
	oldest.Seq, head.Seq = first[0].Seq-1, last[0].Seq
	return oldest, head, nil
}

// Events reads what is durable of an account's log after a cursor, oldest first,
// at most limit of them. A cursor with no log starts at the oldest that is kept.
// One of another log, or of a place that this log does not go back to or has not
// reached, is refused with cursor_expired: the caller has seen what is not here.
func (s *Supervisor) Events(ctx context.Context, account string, after actors.Cursor, limit int) ([]actors.Event, error) {
	log, err := s.logID(ctx, account)
	if err != nil {
		return nil, err
	}
	records, err := s.scanEvents(ctx, persist.Query{
		Scope: persist.AccountScope(account), After: persist.Events.Key(after.Seq), Limit: limit,
	})
	if err != nil {
		return nil, err
	}
	if after.Log != "" {
		if err := s.checkPlace(ctx, account, log, after, records); err != nil {
			return nil, err
		}
	}
	return tellAgain(account, log, records), nil
}

// OwnEvents is Events of an account that lives here. Of one that lives on another node
// it refuses to read with routing_unavailable.
func (s *Supervisor) OwnEvents(ctx context.Context, account string, after actors.Cursor, limit int) ([]actors.Event, error) {
	if _, known := s.Tenant(account); known && !s.Lives(account) {
		return nil, errElsewhere()
	}
	return s.Events(ctx, account, after, limit)
}

// checkPlace refuses a cursor that next does not follow on.
func (s *Supervisor) checkPlace(ctx context.Context, account, log string, after actors.Cursor, next []persist.Event) error {
	expired := after.Log != log
	switch {
	case expired:
	case len(next) > 0:
		expired = next[0].Seq != after.Seq+1
	default:
		_, head, err := s.EventLog(ctx, account)
		if err != nil {
			return err
		}
		expired = head.Seq < after.Seq
	}
	if expired {
		return actors.Refuse(actors.CodeCursorExpired, "the event log has no such place any more")
	}
	return nil
}

// logID names the account's log. It refuses with [actors.ErrBusy] while a new
// account has none yet.
func (s *Supervisor) logID(ctx context.Context, account string) (string, error) {
	if err := s.exists(account); err != nil {
		return "", err
	}
	record, err := persist.Accounts.Get(ctx, s.engine, persist.AccountScope(account))
	if errors.Is(err, persist.ErrNotFound) {
		return "", s.missing(ctx, account)
	}
	if err != nil {
		return "", fmt.Errorf("read account: %w", err)
	}
	return record.LogID, nil
}

// missing says why an account has no record: it is new, or another node has removed it.
func (s *Supervisor) missing(ctx context.Context, account string) error {
	if s.Lives(account) {
		return actors.ErrBusy
	}
	_, err := persist.AccountIndex.Get(ctx, s.engine, persist.SystemScope(), account)
	if !errors.Is(err, persist.ErrNotFound) {
		return actors.ErrBusy
	}
	return errNoAccount()
}

func (s *Supervisor) scanEvents(ctx context.Context, query persist.Query) ([]persist.Event, error) {
	records, err := persist.Events.Scan(ctx, s.engine, query)
	if err != nil {
		return nil, fmt.Errorf("read event log: %w", err)
	}
	return records, nil
}

func tellAgain(account, log string, records []persist.Event) []actors.Event {
	events := make([]actors.Event, len(records))
	for i, record := range records {
		events[i] = actors.Event{
			Account: account, Kind: actors.EventKind(record.Kind), At: record.At,
			Data: json.RawMessage(record.Data), Cursor: actors.Cursor{Log: log, Seq: record.Seq},
		}
	}
	return events
}
