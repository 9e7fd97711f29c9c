package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"whatsapp-web-server/persist"
)

const callFence = "SELECT fence($1, $2)"

// queueFence makes the transaction fail unless every batch's writer is the
// account's.
func queueFence(batch *pgx.Batch, part []pending) {
	part = slices.SortedFunc(slices.Values(part), func(a, b pending) int { return cmp.Compare(a.Scope.Owner(), b.Scope.Owner()) })
	accounts, generations := make([]string, len(part)), make([]int64, len(part))
	for i, p := range part {
		accounts[i], generations[i] = p.Scope.Owner(), int64(p.Generation)
	}
	batch.Queue(callFence, accounts, generations)
}

// leaveOutFenced answers the batches of superseded writers and returns the others.
func (db *DB) leaveOutFenced(ctx context.Context, conn *pgx.Conn, part []pending) ([]pending, error) {
	accounts := make([]string, len(part))
	for i, p := range part {
		accounts[i] = p.Scope.Owner()
	}
	stored, err := generations(ctx, conn, accounts)
	if err != nil {
		return part, err
	}
	var accepted []pending
	for _, p := range part {
		if *p.result = p.CheckFence(stored[p.Scope.Owner()]); *p.result == nil {
			accepted = append(accepted, p)
		}
	}
	return accepted, nil
}

// generations returns those of the accounts that have one.
func generations(ctx context.Context, conn *pgx.Conn, accounts []string) (map[string]uint64, error) {
	rows, err := conn.Query(ctx, "SELECT account, generation FROM generations WHERE account = ANY ($1)", accounts)
	if err != nil {
		return nil, err
	}
	found := map[string]uint64{}
	var account string
	var generation int64
	_, err = pgx.ForEachRow(rows, []any{&account, &generation}, func() error {
		found[account] = uint64(generation)
		return nil
	})
	return found, err
}

// Acquire implements [persist.Engine]. It waits for commits of the account that
// have begun.
func (db *DB) Acquire(ctx context.Context, account string, floor uint64) (uint64, error) {
	if err := db.enter(); err != nil {
		return 0, err
	}
	defer db.leave()
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	var generation int64
	err := db.others.QueryRow(ctx, `INSERT INTO generations AS g VALUES ($1, $2::bigint + 1)
		ON CONFLICT (account) DO UPDATE SET generation = greatest(g.generation, $2) + 1 RETURNING generation`,
		account, int64(floor)).Scan(&generation)
	return uint64(generation), db.failure("acquire", err)
}

// DeleteScope implements [persist.Engine], a slice of rows at a time, so that no
// transaction is long.
func (db *DB) DeleteScope(ctx context.Context, scope persist.Scope, generation uint64) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	writer := persist.Batch{Scope: scope, Generation: generation}
	for _, table := range persist.Tables() {
		if table.Level != scope.Level() {
			continue
		}
		if err := db.drop(ctx, table, writer); err != nil {
			return db.verdict(writer, err)
		}
	}
	return nil
}

// dropSlice is how many rows of a scope one transaction removes.
const dropSlice = 1000

// drop empties the scope's part of a table on behalf of the batch's writer.
func (db *DB) drop(ctx context.Context, table *persist.Table, writer persist.Batch) error {
	for {
		removed, err := db.dropSlice(ctx, table, writer)
		if err != nil || removed < dropSlice {
			return err
		}
	}
}

func (db *DB) dropSlice(ctx context.Context, table *persist.Table, writer persist.Batch) (removed int64, err error) {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	var batch pgx.Batch
	if writer.Scope.IsAccount() {
		queueFence(&batch, []pending{{Batch: writer}})
	}
	batch.Queue(texts[table].drop, owner(writer.Scope)...).Exec(func(tag pgconn.CommandTag) error {
		removed = tag.RowsAffected()
		return nil
	})
	err = db.others.SendBatch(ctx, &batch).Close()
	return removed, err
}
