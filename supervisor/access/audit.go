package access

import (
	"context"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"whatsapp-web-server/persist"
)

const (
	// MaxAudit is how many entries are kept of each tenant, and auditAge for how long.
	MaxAudit = 5000
	auditAge = 365 * 24 * time.Hour
	// pruneAtOnce bounds a batch of removals.
	pruneAtOnce = 500
)

// Record writes an entry of the audit log; its id and time are filled in.
func (s *Store) Record(ctx context.Context, entry persist.AuditEntry) error {
	entry.ID, entry.Version, entry.At = ulid.Make().String(), 1, time.Now()
	if err := s.apply(ctx, persist.AuditLog.Put(entry)); err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

// Audit lists entries, newest first, before the one with an id unless that is empty.
// An administrator of the installation gets those of all tenants.
func (s *Store) Audit(ctx context.Context, by Principal, before string, limit int) ([]persist.AuditEntry, error) {
	q := persist.Query{Scope: persist.SystemScope(), Reverse: true, Limit: limit}
	if !by.Installation() {
		q.Index, q.Prefix = "by_tenant", persist.AuditLog.Key(by.Tenant)
	}
	if before != "" {
		q.After = persist.AuditLog.Key(before)
	}
	entries, err := persist.AuditLog.Scan(ctx, s.engine, q)
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	return entries, nil
}

// prune removes entries that are too old, or too many.
func (s *Store) prune(ctx context.Context) error {
	entries, err := scanAll(ctx, s.engine, persist.AuditLog, func(entry persist.AuditEntry) string { return entry.ID })
	if err != nil {
		return err
	}
	count := make(map[string]int)
	for _, entry := range entries {
		count[entry.Tenant]++
	}
	var gone []persist.Mutation
	for _, entry := range entries { // oldest first
		if count[entry.Tenant] > MaxAudit || time.Since(entry.At) > auditAge {
			count[entry.Tenant]--
			gone = append(gone, persist.AuditLog.Remove(entry.ID, entry.Version))
		}
		if len(gone) == pruneAtOnce {
			break // the rest next time
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return s.apply(ctx, gone...)
}
