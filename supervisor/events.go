package supervisor

import (
	"context"
	"encoding/json"
	"fmt"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Events reads an account's log after a cursor, oldest first, at most limit of
// them. A cursor with no log starts at the beginning; one of another log is
// refused with cursor_expired: the storage was replaced, and what the caller
// has seen is not what it holds.
func (s *Supervisor) Events(ctx context.Context, account string, after actors.Cursor, limit int) ([]actors.Event, error) {
	status, err := s.Status(ctx, account)
	if err != nil {
		return nil, err
	}
	log := status.Events.Log
	if after.Log != "" && (after.Log != log || after.Seq > status.Events.Seq) {
		return nil, actors.Refuse(actors.CodeCursorExpired, "the event log does not go back to this cursor")
	}
	records, err := persist.Events.Scan(ctx, s.engine, persist.Query{
		Scope: persist.AccountScope(account), After: persist.Events.Key(after.Seq), Limit: limit,
	})
	if err != nil {
		return nil, fmt.Errorf("read event log: %w", err)
	}
	events := make([]actors.Event, len(records))
	for i, record := range records {
		events[i] = actors.Event{
			Account: account, Kind: actors.EventKind(record.Kind), At: record.At,
			Data: json.RawMessage(record.Data), Cursor: actors.Cursor{Log: log, Seq: record.Seq},
		}
	}
	return events, nil
}
