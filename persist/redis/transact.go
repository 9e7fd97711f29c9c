package redis

import (
	"bytes"
	"context"
	"errors"

	driver "github.com/redis/go-redis/v9"
)

// A script costs the server twice what its commands alone would. Where there is much
// to do, the commands are sent as they are, for many accounts in one transaction
// that is optimistic: it watches what it has looked at, their generations and those
// rows that have places in an index, and does nothing if any of that has changed. The
// scripts, which need one round trip instead of two, do what is little, what depends
// on more than the generation, and what the transaction could not.

// transact applies what it can and returns the drafts that scripts have to apply, of
// which nothing is done.
func (db *DB) transact(ctx context.Context, drafts []*draft) (left []*draft) {
	var fit []*draft
	mutations := 0
	for _, d := range drafts {
		if d.isPlain() {
			fit = append(fit, d)
			mutations += len(d.batch.Mutations)
		} else {
			left = append(left, d)
		}
	}
	if db.cluster || mutations <= db.few {
		return drafts
	}
	conn := db.client.(*driver.Client).Conn()
	defer conn.Close()
	if !db.tryTransaction(ctx, conn, fit) {
		return drafts
	}
	return left
}

// isPlain tells whether only the generation decides about the draft.
func (d *draft) isPlain() bool { return d.batch.Scope.IsAccount() && len(d.versions) == 0 }

// tryTransaction gives every draft its result, or returns false if it has done
// nothing. The connection is as it was then, or broken.
func (db *DB) tryTransaction(ctx context.Context, conn *driver.Conn, drafts []*draft) bool {
	seen, err := look(ctx, conn, drafts)
	if err != nil {
		unwatch(ctx, conn)
		return false
	}
	transaction := conn.TxPipeline()
	commands := make([][]driver.Cmder, len(drafts))
	for i, d := range drafts {
		if *d.result = d.batch.CheckFence(seen.generation(i)); *d.result != nil {
			continue
		}
		for _, table := range d.tables {
			commands[i] = append(commands[i], table.commands(ctx, seen.rows[table])...)
		}
		_ = transaction.BatchProcess(ctx, commands[i]...) // only keeps them
	}
	if transaction.Len() == 0 {
		unwatch(ctx, conn)
		return true
	}
	if _, err := transaction.Exec(ctx); errors.Is(err, driver.TxFailedErr) {
		return false
	}
	for i, d := range drafts {
		for _, command := range commands[i] {
			if err := command.Err(); err != nil {
				*d.result = db.failed(ctx, "apply to "+d.batch.Scope.String(), err)
				break
			}
		}
	}
	return true
}

// unwatch makes the connection fit for others. One that cannot be is not used again.
func unwatch(ctx context.Context, conn *driver.Conn) {
	_ = conn.Process(ctx, driver.NewStatusCmd(ctx, "UNWATCH"))
}

// seen is what is stored and watched since.
type seen struct {
	generations *driver.SliceCmd
	// rows are those of each table that has indexes, in the order of its records.
	rows map[*tableDraft]*driver.SliceCmd
}

func look(ctx context.Context, conn *driver.Conn, drafts []*draft) (*seen, error) {
	watch, get := []any{"WATCH"}, []any{"MGET"}
	s := &seen{rows: map[*tableDraft]*driver.SliceCmd{}}
	var reads []driver.Cmder
	for _, d := range drafts {
		watch, get = append(watch, d.keys[0]), append(get, d.keys[0])
		for _, table := range d.tables {
			if len(table.indexes) > 0 {
				watch = append(watch, table.rows)
				s.rows[table] = table.read(ctx)
				reads = append(reads, s.rows[table])
			}
		}
	}
	s.generations = driver.NewSliceCmd(ctx, get...)
	pipe := conn.Pipeline()
	_ = pipe.BatchProcess(ctx, driver.NewStatusCmd(ctx, watch...), s.generations)
	_ = pipe.BatchProcess(ctx, reads...)
	_, err := pipe.Exec(ctx)
	return s, err
}

// generation is that of a draft's account; 0 if it was never acquired.
func (s *seen) generation(draft int) uint64 {
	text, _ := s.generations.Val()[draft].(string)
	return parseGeneration(text)
}

// read asks for what the records were.
func (t *tableDraft) read(ctx context.Context) *driver.SliceCmd {
	arguments := []any{"HMGET", t.rows}
	for _, r := range t.records {
		arguments = append(arguments, r.field)
	}
	return driver.NewSliceCmd(ctx, arguments...)
}

// guess is where a row without indexes was: not there yet, unless it is to be gone.
// To be wrong does nothing.
func (t *tableDraft) guess(r record) [][]byte {
	if r.value != nil {
		return nil
	}
	return t.members(r)
}

// commands are those that apply the table's part. What the rows were was not read if
// they have no indexes.
func (t *tableDraft) commands(ctx context.Context, were *driver.SliceCmd) (commands []driver.Cmder) {
	set, unset := []any{"HSET", t.rows}, []any{"HDEL", t.rows}
	leave, enter := []any{"ZREM", t.orders}, []any{"ZADD", t.orders}
	for i, r := range t.records {
		var now [][]byte
		if r.value == nil {
			unset = append(unset, r.field)
		} else {
			set, now = append(set, r.field, r.value), t.members(r)
		}
		var before [][]byte
		if were == nil {
			before = t.guess(r)
		} else if value, is := were.Val()[i].(string); is {
			before = t.members(record{r.field, []byte(value)})
		}
		for order := range 1 + len(t.indexes) {
			same := before != nil && now != nil && bytes.Equal(before[order], now[order])
			if before != nil && !same {
				leave = append(leave, before[order])
			}
			if now != nil && !same {
				enter = append(enter, score, now[order])
			}
		}
	}
	for _, arguments := range [][]any{set, unset, leave, enter} {
		if len(arguments) > 2 {
			commands = append(commands, driver.NewCmd(ctx, arguments...))
		}
	}
	return commands
}
