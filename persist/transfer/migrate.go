package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/tuple"
)

// Options are what the operator says of a migration.
type Options struct {
	// Others permits accounts in the target that are not in the source.
	Others bool
	// Progress, if set, is told of each account that is there, with how many rows.
	Progress func(account string, rows int)
}

// Migrate moves all accounts from one engine to another and returns how many. Both
// are opened such that rows are read and written open.
func Migrate(ctx context.Context, source, target persist.Engine, options Options) (moved int, err error) {
	accounts, err := accountsOf(ctx, source)
	if err != nil {
		return 0, fmt.Errorf("migrate: %w", err)
	}
	there, err := accountsOf(ctx, target)
	if err != nil {
		return 0, fmt.Errorf("migrate: %w", err)
	}
	for number := range there {
		if _, known := accounts[number]; !known && !options.Others {
			return 0, fmt.Errorf("migrate: the target has account %s, which the source has not: nothing was changed", number)
		}
	}
	m := migration{source: source, target: target, options: options}
	for number, entry := range accounts {
		if err := m.move(ctx, entry, there[number]); err != nil {
			return moved, fmt.Errorf("migrate account %s: %w", number, err)
		}
		moved++
	}
	if err := m.installation(ctx); err != nil {
		return moved, fmt.Errorf("migrate what belongs to no account: %w", err)
	}
	return moved, nil
}

// installation copies what belongs to no account and is not in the target.
func (m migration) installation(ctx context.Context) error {
	batch := persist.Batch{Scope: persist.SystemScope()}
	for _, table := range tablesOf(batch.Scope) {
		if table == persist.AccountIndex.Table || table == persist.DataKeys.Table {
			continue
		}
		err := eachRow(ctx, m.source, batch.Scope, table, func(row persist.Row) error {
			_, err := m.target.Get(ctx, batch.Scope, table, persist.Key(row[:table.KeyColumns]))
			if errors.Is(err, persist.ErrNotFound) {
				batch.Mutations, err = append(batch.Mutations, first(table, row)), nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(batch.Mutations) == 0 {
		return nil
	}
	return m.target.Apply(ctx, []persist.Batch{batch})[0]
}

func accountsOf(ctx context.Context, from persist.Scanner) (map[string]persist.AccountEntry, error) {
	found := map[string]persist.AccountEntry{}
	err := eachAccount(ctx, from, func(entry persist.AccountEntry) error {
		found[entry.Number] = entry
		return nil
	})
	return found, err
}

type migration struct {
	source, target persist.Engine
	options        Options
}

// move brings one account over. There is its entry in the target, if it has one.
func (m migration) move(ctx context.Context, entry, there persist.AccountEntry) error {
	scope := persist.AccountScope(entry.Number)
	gone, err := hasMoved(ctx, m.source, scope)
	switch {
	case err != nil:
		return err
	case gone && there.Number != "":
		return nil // by a run before
	case gone:
		return errors.New("it was moved to another storage before")
	}
	generation, err := m.source.Acquire(ctx, entry.Number, 0)
	if err != nil {
		return err
	}
	if there.Number != "" {
		done, err := m.meet(ctx, scope, there)
		if err != nil {
			return err
		}
		if done {
			return m.leave(ctx, scope, generation)
		}
	}
	if err := m.copy(ctx, scope, generation); err != nil {
		return err
	}
	if err := enter(ctx, m.target, nil, entry); err != nil {
		return err
	}
	return m.leave(ctx, scope, generation)
}

// meet says what to do with an account that the target has. It is done if a run
// before ended just after it was entered. One that was moved away from there comes
// back, and is as if it had not been there.
func (m migration) meet(ctx context.Context, scope persist.Scope, there persist.AccountEntry) (done bool, err error) {
	away, err := hasMoved(ctx, m.target, scope)
	if err != nil {
		return false, err
	}
	if away {
		removal := persist.Batch{
			Scope: persist.SystemScope(), Mutations: []persist.Mutation{persist.AccountIndex.Remove(there.Number, there.Version)},
		}
		return false, m.target.Apply(ctx, []persist.Batch{removal})[0]
	}
	if _, err := m.compare(ctx, scope); err != nil {
		return false, fmt.Errorf("the target has another account of this number: %w", err)
	}
	return true, nil
}

func (m migration) copy(ctx context.Context, scope persist.Scope, floor uint64) error {
	out, err := claim(ctx, m.target, scope.Owner(), floor)
	if err != nil {
		return err
	}
	for _, table := range tablesOf(scope) {
		err := eachRow(ctx, m.source, scope, table, func(row persist.Row) error { return out.put(ctx, table, row) })
		if err != nil {
			return fmt.Errorf("copy %s: %w", table.Name, err)
		}
	}
	if err := out.flush(ctx); err != nil {
		return err
	}
	rows, err := m.compare(ctx, scope)
	if err == nil && m.options.Progress != nil {
		m.options.Progress(scope.Owner(), rows)
	}
	return err
}

// compare reads both sides again, and fails unless they are the same.
func (m migration) compare(ctx context.Context, scope persist.Scope) (rows int, err error) {
	for _, table := range tablesOf(scope) {
		want, err := sumOf(ctx, m.source, scope, table)
		if err != nil {
			return 0, err
		}
		got, err := sumOf(ctx, m.target, scope, table)
		if err != nil {
			return 0, err
		}
		if got != want {
			return 0, fmt.Errorf("%s differs: %d rows in the source, %d in the target, digests %x and %x",
				table.Name, want.rows, got.rows, want.digest[:4], got.digest[:4])
		}
		rows += want.rows
	}
	return rows, nil
}

// sum is what is compared of a table.
type sum struct {
	rows   int
	digest [sha256.Size]byte
}

// sumOf counts and digests rows in the order of their keys.
func sumOf(ctx context.Context, from persist.Scanner, scope persist.Scope, table *persist.Table) (sum, error) {
	digest, s := sha256.New(), sum{}
	var buffer []byte
	err := eachRow(ctx, from, scope, table, func(row persist.Row) error {
		s.rows++
		buffer = tuple.AppendRow(buffer[:0], row)
		digest.Write(binary.AppendUvarint(nil, uint64(len(buffer))))
		digest.Write(buffer)
		return nil
	})
	digest.Sum(s.digest[:0])
	return s, err
}

// leave marks the account as moved where it was.
func (m migration) leave(ctx context.Context, scope persist.Scope, generation uint64) error {
	record, err := persist.Accounts.Get(ctx, m.source, scope)
	if err != nil && !errors.Is(err, persist.ErrNotFound) { // one that nobody ever started has none
		return err
	}
	record.State, record.Reason = persist.StateMoved, persist.ReasonMoved
	batch := persist.Batch{Scope: scope, Generation: generation, Mutations: []persist.Mutation{persist.Accounts.Put(record)}}
	return m.source.Apply(ctx, []persist.Batch{batch})[0]
}

func hasMoved(ctx context.Context, in persist.Getter, scope persist.Scope) (bool, error) {
	record, err := persist.Accounts.Get(ctx, in, scope)
	if err != nil && !errors.Is(err, persist.ErrNotFound) {
		return false, err
	}
	return record.Moved(), nil
}
