package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"whatsapp-web-server/persist"
)

// DeleteScope implements [persist.Engine]. The entry goes first, so that nobody
// replays it. Rows that were written since stay.
func (db *DB) DeleteScope(ctx context.Context, scope persist.Scope, generation uint64) error {
	ctx, leave, err := db.enterFor(ctx, longTimeout)
	if err != nil {
		return err
	}
	defer leave()
	s := db.scopes.of(scope)
	if err := s.turn.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("mongodb: delete %s: %w", scope, err)
	}
	defer s.turn.Release(1)
	t := &task{batch: persist.Batch{Scope: scope, Generation: generation}, state: s}
	if err := db.commit(ctx, t); err != nil {
		return fmt.Errorf("mongodb: delete %s: %w", scope, err)
	}
	for _, table := range persist.Tables() {
		if table.Level != scope.Level() {
			continue
		}
		if err := db.drop(ctx, table, s); err != nil {
			return fmt.Errorf("mongodb: delete %s: %w", scope, err)
		}
	}
	return nil
}

// drop removes the rows that a scope has in a table as of its last entry.
func (db *DB) drop(ctx context.Context, table *persist.Table, s *state) error {
	prefix := ownerPrefix(s.scope)
	rows := append(from("_id", prefix, beyond(prefix)),
		bson.E{Key: record(entryField), Value: bson.D{{Key: "$lte", Value: s.entry}}})
	_, err := db.data.Collection(table.Name).DeleteMany(ctx, rows)
	return err
}

const (
	// deletedFor is how long a deleted row is remembered: far longer than a command of
	// a superseded writer can be under way.
	deletedFor = time.Hour
	// sweepEvery is how often the older ones are removed.
	sweepEvery = 10 * time.Minute
)

// run sweeps until ctx ends.
func (db *DB) run(ctx context.Context) {
	again := time.NewTicker(sweepEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			// What fails, such as without a server, is done the next time.
			_ = db.sweep(ctx, time.Now().Add(-deletedFor))
		}
	}
}

// sweep removes what is left of rows that were deleted before a time.
func (db *DB) sweep(ctx context.Context, before time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, sweepEvery)
	defer cancel()
	for _, table := range persist.Tables() {
		old := bson.D{{Key: record(deletedField), Value: bson.D{{Key: "$lt", Value: before}}}}
		if _, err := db.data.Collection(table.Name).DeleteMany(ctx, old); err != nil {
			return err
		}
	}
	return nil
}
