package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/persist"
)

// commitsAtOnce bounds the commits that one call has under way. The server flushes
// its journal once for all that wait.
const commitsAtOnce = 64

// task is the way of one batch through Apply.
type task struct {
	batch  persist.Batch
	place  int // in the call
	state  *state
	entry  entry
	writes []write
	err    error
}

// Apply implements [persist.Engine].
func (db *DB) Apply(ctx context.Context, batches []persist.Batch) []error {
	results := make([]error, len(batches))
	ctx, leave, err := db.enter(ctx)
	if err != nil {
		for i := range results {
			results[i] = err
		}
		return results
	}
	defer leave()
	var tasks []*task
	for i, batch := range batches {
		if results[i] = check(batch); results[i] == nil {
			tasks = append(tasks, &task{batch: batch, place: i, state: db.scopes.of(batch.Scope)})
		}
	}
	db.perform(ctx, tasks)
	for _, t := range tasks {
		if results[t.place] = t.err; t.err != nil {
			results[t.place] = fmt.Errorf("mongodb: apply: %w", t.err)
		}
	}
	return results
}

// tables are those that can be stored.
var tables = func() map[*persist.Table]bool {
	known := map[*persist.Table]bool{}
	for _, table := range persist.Tables() {
		known[table] = true
	}
	return known
}()

// check refuses what could not be stored.
func check(batch persist.Batch) error {
	if err := batch.Check(); err != nil {
		return err
	}
	for _, m := range batch.Mutations {
		if !tables[m.Table] {
			return fmt.Errorf("%w: unknown table %s", persist.ErrPoisoned, m.Table.Name)
		}
	}
	return nil
}

// perform commits tasks and writes the rows of those that were, with every scope's
// turn, which all calls take in the same order.
func (db *DB) perform(ctx context.Context, tasks []*task) {
	tasks = slices.SortedFunc(slices.Values(tasks), func(a, b *task) int {
		return cmp.Compare(a.batch.Scope.String(), b.batch.Scope.String())
	})
	for _, t := range tasks {
		if t.err = t.state.turn.Acquire(ctx, 1); t.err == nil {
			defer t.state.turn.Release(1)
		}
	}
	ctx, cancel := uncancelled(ctx)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(commitsAtOnce)
	for _, t := range tasks {
		if t.err == nil {
			group.Go(func() error { t.err = db.commit(ctx, t); return nil })
		}
	}
	_ = group.Wait() // tasks have their errors
	db.carryOut(ctx, tasks)
}

// commit makes a batch the entry of its scope. Another writer may come between, of
// another process: then it looks again.
func (db *DB) commit(ctx context.Context, t *task) error {
	s := t.state
	for {
		if err := db.ready(ctx, t); err != nil {
			return err
		}
		var err error
		if t.writes, err = writesOf(s.scope, t.batch.Mutations, s.entry+1); err != nil {
			return err
		}
		if t.entry, err = db.entryOf(ctx, s, t.writes); err != nil {
			return err
		}
		committed, err := db.advance(ctx, s, t.entry)
		if err != nil {
			s.unknown()
			return fmt.Errorf("commit %s: %w", s.scope, err)
		}
		if committed {
			return nil
		}
		s.loaded = false
		db.forget(ctx, t.entry)
	}
}

// ready loads what has to be known for a batch to be accepted, and refuses those of
// a superseded writer or of a wrong version.
func (db *DB) ready(ctx context.Context, t *task) error {
	s := t.state
	if !s.loaded || t.batch.CheckFence(s.generation) != nil {
		if err := db.load(ctx, s); err != nil {
			return err
		}
	}
	if err := t.batch.CheckFence(s.generation); err != nil {
		return err
	}
	return db.checkVersions(ctx, t.batch)
}

// advance replaces the scope's entry by its next one, unless its document is not as
// the state says.
func (db *DB) advance(ctx context.Context, s *state, next entry) (bool, error) {
	result, err := db.data.Collection(scopesCollection).UpdateOne(ctx,
		append(byID(scopeID(s.scope)), bson.E{Key: "generation", Value: int64(s.generation)}, bson.E{Key: "entry", Value: s.entry}),
		set(bson.E{Key: "entry", Value: s.entry + 1}, bson.E{Key: "journal", Value: []entry{next}}))
	if err != nil || result.MatchedCount == 0 {
		return false, err
	}
	s.entry++
	return true, nil
}

// carryOut writes the rows of the tasks that were committed.
func (db *DB) carryOut(ctx context.Context, tasks []*task) {
	var writes []write
	var owners []*task
	for _, t := range tasks {
		if t.err == nil {
			writes = append(writes, t.writes...)
			owners = append(owners, slices.Repeat([]*task{t}, len(t.writes))...)
		}
	}
	failed := db.applying()
	results := make([]error, len(writes))
	if failed == nil {
		results = db.write(ctx, writes)
	}
	for i, err := range results {
		if err = cmp.Or(failed, err); err != nil && owners[i].err == nil {
			owners[i].state.unknown()
			owners[i].err = fmt.Errorf("write rows of %s: %w", owners[i].batch.Scope, err)
		}
	}
	for _, t := range tasks {
		if t.err == nil {
			db.forget(ctx, t.entry)
		}
	}
}

// checkVersions compares a batch's versions with those stored, and with its own
// mutations before.
func (db *DB) checkVersions(ctx context.Context, batch persist.Batch) error {
	stored := map[string]int64{}
	for _, m := range batch.Mutations {
		if !m.Table.Versioned {
			continue
		}
		id := m.Table.Name + place(batch.Scope, m.Key()...)
		if _, known := stored[id]; !known {
			row, err := db.row(ctx, batch.Scope, m.Table, m.Key())
			switch {
			case err == nil:
				stored[id] = row[m.Table.KeyColumns].(int64)
			case !errors.Is(err, persist.ErrNotFound):
				return err
			}
		}
		if err := m.CheckVersion(stored[id]); err != nil {
			return err
		}
		if stored[id] = 0; !m.Delete {
			stored[id] = m.Row[m.Table.KeyColumns].(int64)
		}
	}
	return nil
}
