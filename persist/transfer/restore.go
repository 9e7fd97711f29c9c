package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"whatsapp-web-server/persist"
)

const (
	// batchRows and batchBytes bound what is written at once.
	batchRows  = 500
	batchBytes = 4 << 20
)

// Unseal returns what opens rows that were sealed with these data keys.
type Unseal func(keys []persist.DataKey) (func(persist.Scope, *persist.Table, persist.Row) (persist.Row, error), error)

// ErrNotEmpty says that the target of a restore has accounts.
var ErrNotEmpty = errors.New("the storage has accounts already; restore into an empty one")

// Restore puts a backup, which open returns from its beginning each time, into an
// engine without accounts, by the rules. It reads the whole of it before it writes
// anything. It returns how many accounts there are.
func Restore(ctx context.Context, open func() (io.ReadCloser, error), target persist.Engine, unseal Unseal) (accounts int, err error) {
	if err := with(open, Verify); err != nil {
		return 0, err
	}
	err = eachAccount(ctx, target, func(persist.AccountEntry) error { return ErrNotEmpty })
	if err != nil {
		return 0, err
	}
	r := &restorer{target: target, unseal: unseal}
	if err := with(open, func(from io.Reader) error { return r.restore(ctx, from) }); err != nil {
		return 0, fmt.Errorf("restore: %w", err)
	}
	return len(r.entries), nil
}

// Verify returns an error unless a backup is whole.
func Verify(from io.Reader) error { return read(from, visitor{}) }

func with(open func() (io.ReadCloser, error), use func(io.Reader) error) error {
	from, err := open()
	if err != nil {
		return err
	}
	defer from.Close()
	return use(from)
}

// restorer writes what it reads.
type restorer struct {
	target  persist.Engine
	unseal  Unseal
	keys    []persist.DataKey
	entries []persist.AccountEntry
	// belongings are rows of the system's scope, as the backup has them.
	belongings []persist.Mutation

	open    func(persist.Scope, *persist.Table, persist.Row) (persist.Row, error)
	account *restored
	out     output
}

func (r *restorer) restore(ctx context.Context, from io.Reader) error {
	err := read(from, visitor{
		scope: func(scope persist.Scope, generation uint64) error { return r.begin(ctx, scope, generation) },
		row: func(scope persist.Scope, table *persist.Table, row persist.Row) error {
			return r.row(ctx, scope, table, row)
		},
	})
	if err != nil {
		return err
	}
	if err := r.out.flush(ctx); err != nil {
		return err
	}
	belongings, err := r.installation()
	if err != nil {
		return err
	}
	return enter(ctx, r.target, belongings, r.entries...)
}

// installation is what belongs to no account, as the target is to have it.
func (r *restorer) installation() (mutations []persist.Mutation, err error) {
	if err := r.ready(); err != nil {
		return nil, err
	}
	for _, m := range r.belongings {
		opened, err := r.open(persist.SystemScope(), m.Table, m.Row)
		if err != nil {
			return nil, err
		}
		changed, err := rules[m.Table](nil, opened)
		if err != nil {
			return nil, err
		}
		if changed != nil {
			mutations = append(mutations, first(m.Table, changed))
		}
	}
	return mutations, nil
}

// first puts a row where there is none.
func first(table *persist.Table, row persist.Row) persist.Mutation {
	row = slices.Clone(row)
	if table.Versioned {
		row[table.KeyColumns] = int64(1)
	}
	return persist.Mutation{Table: table, Row: row}
}

// ready has rows opened from now on: all keys are known.
func (r *restorer) ready() (err error) {
	if r.open == nil {
		r.open, err = r.unseal(r.keys)
	}
	return err
}

// begin is called for the system's scope first.
func (r *restorer) begin(ctx context.Context, scope persist.Scope, generation uint64) (err error) {
	if err := r.out.flush(ctx); err != nil || !scope.IsAccount() {
		return err
	}
	if err := r.ready(); err != nil {
		return err
	}
	r.account = &restored{}
	r.out, err = claim(ctx, r.target, scope.Owner(), generation)
	return err
}

func (r *restorer) row(ctx context.Context, scope persist.Scope, table *persist.Table, row persist.Row) error {
	switch {
	case table == persist.AccountIndex.Table:
		return add(&r.entries, persist.AccountIndex, row)
	case table == persist.DataKeys.Table:
		return add(&r.keys, persist.DataKeys, row)
	case !scope.IsAccount():
		r.belongings = append(r.belongings, persist.Mutation{Table: table, Row: row})
		return nil
	}
	opened, err := r.open(scope, table, row)
	if err != nil {
		return err
	}
	changed, err := rules[table](r.account, opened)
	if err != nil || changed == nil {
		return err
	}
	return r.out.put(ctx, table, changed)
}

func add[T any](to *[]T, kind persist.Kind[T], row persist.Row) error {
	record, err := kind.Decode(row)
	*to = append(*to, record)
	return err
}

// enter puts accounts into the index, and what belongs to none beside them, all or
// none.
func enter(ctx context.Context, target persist.Engine, belongings []persist.Mutation, entries ...persist.AccountEntry) error {
	batch := persist.Batch{Scope: persist.SystemScope(), Mutations: belongings}
	for _, entry := range entries {
		entry.Version = 1
		batch.Mutations = append(batch.Mutations, persist.AccountIndex.Put(entry))
	}
	return target.Apply(ctx, []persist.Batch{batch})[0]
}

// output writes rows of one account, many at a time.
type output struct {
	to    persist.Engine
	batch persist.Batch
	bytes int
}

// claim makes the caller the writer of an account that is to be empty, and is after
// this.
func claim(ctx context.Context, target persist.Engine, account string, floor uint64) (output, error) {
	generation, err := target.Acquire(ctx, account, floor)
	if err != nil {
		return output{}, err
	}
	scope := persist.AccountScope(account)
	if err := target.DeleteScope(ctx, scope, generation); err != nil {
		return output{}, err
	}
	return output{to: target, batch: persist.Batch{Scope: scope, Generation: generation}}, nil
}

func (o *output) put(ctx context.Context, table *persist.Table, row persist.Row) error {
	o.batch.Mutations = append(o.batch.Mutations, persist.Mutation{Table: table, Row: row})
	o.bytes += row.Size()
	if len(o.batch.Mutations) < batchRows && o.bytes < batchBytes {
		return nil
	}
	return o.flush(ctx)
}

func (o *output) flush(ctx context.Context) error {
	if len(o.batch.Mutations) == 0 {
		return nil
	}
	err := o.to.Apply(ctx, []persist.Batch{o.batch})[0]
	o.batch.Mutations, o.bytes = nil, 0
	return err
}
