package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"whatsapp-web-server/persist"
)

// shards is how many connections write: more than two gain nothing, since a commit
// takes all that has come meanwhile.
const shards = 2

// pending is a batch and the place of its answer.
type pending struct {
	persist.Batch

	result *error
}

// Apply implements [persist.Engine]: each shard commits its batches, all shards at
// once.
func (db *DB) Apply(ctx context.Context, batches []persist.Batch) []error {
	results := make([]error, len(batches))
	var parts [shards][]pending
	for i, batch := range batches {
		if results[i] = check(batch); results[i] == nil {
			shard := shardOf(batch.Scope)
			parts[shard] = append(parts[shard], pending{batch, &results[i]})
		}
	}
	var group sync.WaitGroup
	for shard, part := range parts {
		switch {
		case len(part) == 0:
		case len(part) == len(batches):
			db.applyPart(ctx, shard, part)
		default:
			group.Go(func() { db.applyPart(ctx, shard, part) })
		}
	}
	group.Wait()
	return results
}

var seed = maphash.MakeSeed()

// shardOf says which connection writes a scope. Other nodes may do otherwise.
func shardOf(scope persist.Scope) int { return int(maphash.Comparable(seed, scope) % shards) }

// check refuses what could not be stored.
func check(batch persist.Batch) error {
	if err := batch.Check(); err != nil {
		return err
	}
	for _, m := range batch.Mutations {
		if _, known := texts[m.Table]; !known {
			return fmt.Errorf("%w: unknown table %s", persist.ErrPoisoned, m.Table.Name)
		}
	}
	return nil
}

// applyPart commits what belongs to one shard. The context counts until the server
// is told; from then on the commit has its own deadline.
func (db *DB) applyPart(ctx context.Context, shard int, part []pending) {
	if err := db.enter(); err != nil {
		fail(part, err)
		return
	}
	defer db.leave()
	if err := db.shards[shard].Acquire(ctx, 1); err != nil {
		fail(part, err)
		return
	}
	defer db.shards[shard].Release(1)
	conn, err := db.writers.Acquire(ctx)
	if err != nil {
		fail(part, db.failure("apply", err))
		return
	}
	defer conn.Release()
	ctx, cancel := db.bounded(context.WithoutCancel(ctx))
	defer cancel()
	together, apart := split(part)
	for _, p := range append(apart, db.applyTogether(ctx, conn.Conn(), together)...) {
		*p.result = db.verdict(p.Batch, applyOne(ctx, conn.Conn(), p.Batch))
	}
}

func fail(part []pending, err error) {
	for _, p := range part {
		*p.result = err
	}
}

// split tells the batches that may be committed together from those that need a
// transaction for themselves.
func split(part []pending) (together, apart []pending) {
	for _, p := range part {
		if isPlain(p.Batch) {
			together = append(together, p)
		} else {
			apart = append(apart, p)
		}
	}
	return together, apart
}

// isPlain tells whether a batch is of one account, which keeps others out of it,
// and depends on no version.
func isPlain(batch persist.Batch) bool {
	return batch.Scope.IsAccount() &&
		!slices.ContainsFunc(batch.Mutations, func(m persist.Mutation) bool { return m.Table.Versioned })
}

// applyTogether returns the batches that have to be tried one by one, since one of
// them was refused.
func (db *DB) applyTogether(ctx context.Context, conn *pgx.Conn, part []pending) (again []pending) {
	err := commit(ctx, conn, part)
	if code(err) == codeFenced {
		if part, err = db.leaveOutFenced(ctx, conn, part); err == nil {
			err = commit(ctx, conn, part)
		}
	}
	if isRefusal(err) {
		return part
	}
	if err != nil {
		fail(part, db.failure("apply", err))
	}
	return nil
}

// commit makes the changes of plain batches in one transaction and one round trip:
// statements up to the same synchronization are one.
func commit(ctx context.Context, conn *pgx.Conn, part []pending) error {
	if len(part) == 0 {
		return nil
	}
	var batch pgx.Batch
	queueFence(&batch, part)
	all := changes{}
	for _, p := range part {
		all.add(p.Batch)
	}
	all.queue(&batch)
	return conn.SendBatch(ctx, &batch).Close()
}

// applyOne commits a batch by itself.
func applyOne(ctx context.Context, conn *pgx.Conn, batch persist.Batch) error {
	if isPlain(batch) {
		return commit(ctx, conn, []pending{{Batch: batch}})
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return applyOrdered(ctx, tx, batch) })
}

// applyOrdered makes one mutation after another, while nobody else does so in the
// same scope.
func applyOrdered(ctx context.Context, tx pgx.Tx, batch persist.Batch) error {
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", batch.Scope.String()); err != nil {
		return err
	}
	if batch.Scope.IsAccount() {
		if _, err := tx.Exec(ctx, callFence, []string{batch.Scope.Owner()}, []int64{int64(batch.Generation)}); err != nil {
			return err
		}
	}
	for _, m := range batch.Mutations {
		if err := mutate(ctx, tx, batch.Scope, m); err != nil {
			return err
		}
	}
	return nil
}

func mutate(ctx context.Context, tx pgx.Tx, scope persist.Scope, m persist.Mutation) error {
	if m.Table.Versioned {
		stored, err := integer(ctx, tx, texts[m.Table].version, append(owner(scope), m.Key()...)...)
		if err != nil {
			return err
		}
		if err := m.CheckVersion(stored); err != nil {
			return err
		}
	}
	one := changes{}
	one.mutate(scope, m)
	var batch pgx.Batch
	one.queue(&batch)
	return tx.SendBatch(ctx, &batch).Close()
}

// integer returns the single integer that the query selects, 0 if there is no row.
func integer(ctx context.Context, tx pgx.Tx, query string, values ...any) (n int64, err error) {
	err = tx.QueryRow(ctx, query, values...).Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return n, err
}
