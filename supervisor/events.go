package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Numbers lists the accounts of this node.
func (s *Supervisor) Numbers() []string { return s.living.numbers() }

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
		return "", actors.ErrBusy
	}
	if err != nil {
		return "", fmt.Errorf("read account: %w", err)
	}
	return record.LogID, nil
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
