package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"whatsapp-web-server/persist"
)

// Config is what the operator says.
type Config struct {
	// Key is the operator's own: [KeySize] bytes.
	Key []byte
	// Content has content sealed too.
	Content bool
	// Progress, if set, is told how many of all accounts have been sealed, where a
	// start has to do that.
	Progress func(done, all int)
	// Damaged, if set, is told of an account with values that could not be opened
	// meanwhile. They stay as they are.
	Damaged func(account string, err error)
}

// Vault is an engine that keeps secrets sealed in the one it wraps. It implements
// [persist.Engine].
type Vault struct {
	persist.Engine

	config Config
	ring   atomic.Pointer[keyring]
	// reload reads the keyring again; nil if it never changes.
	reload func(context.Context) (*keyring, error)
}

var _ persist.Engine = (*Vault)(nil)

// Open returns the vault over a migrated engine, which it owns from then on. The
// first time it makes a data key and seals what is open. It fails with a
// [*KeyError] if the key is not that of the data. The engine is the caller's if it
// fails.
func Open(ctx context.Context, engine persist.Engine, config Config) (*Vault, error) {
	v := &Vault{Engine: engine, config: config}
	v.reload = func(ctx context.Context) (*keyring, error) {
		found, err := records(ctx, engine)
		if err != nil {
			return nil, err
		}
		ring, _, err := unwrapAll(found, config.Key)
		return ring, err
	}
	if err := v.begin(ctx); err != nil {
		return nil, fmt.Errorf("open sealed storage: %w", err)
	}
	if err := v.refresh(ctx); err != nil {
		return nil, fmt.Errorf("open sealed storage: %w", err)
	}
	if err := v.cover(ctx); err != nil {
		return nil, fmt.Errorf("seal storage: %w", err)
	}
	return v, nil
}

// begin makes the first data key. Of several starts at once one does.
func (v *Vault) begin(ctx context.Context) error {
	if sealed, err := Sealed(ctx, v.Engine); sealed || err != nil {
		return err
	}
	blank, err := v.blank(ctx)
	if err != nil {
		return err
	}
	covers := persist.Plain
	if blank {
		covers = v.coverage()
	}
	record, err := newRecord(1, covers, v.config.Key)
	if err != nil {
		return err
	}
	if err := store(ctx, v.Engine, persist.DataKeys.Put(record)); !errors.Is(err, persist.ErrConflict) {
		return err
	}
	return nil
}

// blank tells whether there is nothing yet that would have to be sealed.
func (v *Vault) blank(ctx context.Context) (bool, error) {
	accounts, err := v.accounts(ctx, "", 1)
	if err != nil || len(accounts) > 0 {
		return false, err
	}
	for table := range sealable {
		if table.Level != "system" {
			continue
		}
		rows, err := v.Engine.Scan(ctx, persist.Query{Scope: persist.SystemScope(), Table: table, Limit: 1})
		if err != nil || len(rows) > 0 {
			return false, err
		}
	}
	return true, nil
}

// coverage is what the operator wants.
func (v *Vault) coverage() persist.Secrecy {
	if v.config.Content {
		return persist.Content
	}
	return persist.Secret
}

// seals tells whether columns of this secrecy are written sealed.
func (v *Vault) seals(secrecy persist.Secrecy) bool {
	return secrecy != persist.Plain && secrecy >= v.coverage()
}

// Unwrap is the engine with the sealed rows.
func (v *Vault) Unwrap() persist.Engine { return v.Engine }

// Acquire implements [persist.Engine]. Whoever has rekeyed had acquired the account
// before: after it, the newest data key is known, or the call fails.
func (v *Vault) Acquire(ctx context.Context, account string, floor uint64) (uint64, error) {
	generation, err := v.Engine.Acquire(ctx, account, floor)
	if err != nil {
		return 0, err
	}
	if err := v.refresh(ctx); err != nil {
		return 0, err
	}
	return generation, nil
}

func (v *Vault) refresh(ctx context.Context) error {
	if v.reload == nil {
		return nil
	}
	ring, err := v.reload(ctx)
	if err != nil {
		return err
	}
	v.ring.Store(ring)
	return nil
}

// Apply implements [persist.Engine].
func (v *Vault) Apply(ctx context.Context, batches []persist.Batch) []error {
	sealed := make([]persist.Batch, len(batches))
	for i, batch := range batches {
		sealed[i] = v.sealBatch(batch)
	}
	return v.Engine.Apply(ctx, sealed)
}

// sealBatch leaves alone what the engine will refuse.
func (v *Vault) sealBatch(batch persist.Batch) persist.Batch {
	shared := true
	for i, m := range batch.Mutations {
		if m.Delete || sealable[m.Table] == nil || m.Table.Check(m) != nil {
			continue
		}
		if shared {
			batch.Mutations, shared = slices.Clone(batch.Mutations), false
		}
		batch.Mutations[i].Row = v.sealRow(place{batch.Scope, m.Table, m.Key()}, m.Row)
	}
	return batch
}

// sealable is the columns of each table that may be sealed, where it has any.
var sealable = func() map[*persist.Table][]int {
	made := map[*persist.Table][]int{}
	for _, table := range persist.Tables() {
		for i, column := range table.Columns {
			if column.Secrecy != persist.Plain {
				made[table] = append(made[table], i)
			}
		}
	}
	return made
}()

// sealRow also seals what is not to be sealed but looks as if it were, so that
// nobody who writes a message can have the server take it for something else.
func (v *Vault) sealRow(at place, row persist.Row) persist.Row {
	row = slices.Clone(row)
	ring, binding := v.ring.Load(), at.binding()
	for _, i := range sealable[at.table] {
		if isEmpty(row[i]) {
			continue
		}
		column := at.table.Columns[i]
		if _, lookalike := sealedBytes(row[i]); lookalike || v.seals(column.Secrecy) {
			row[i] = seal(ring.keys[ring.current], ring.current, row[i], append(binding, column.Name...))
		}
	}
	if at.table.Searched > 0 && v.config.Content {
		row[at.table.Searched] = ""
	}
	return row
}

// Get implements [persist.Engine].
func (v *Vault) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	row, err := v.Engine.Get(ctx, scope, table, key)
	if err != nil {
		return nil, err
	}
	return v.openRow(scope, table, row)
}

// Scan implements [persist.Engine].
func (v *Vault) Scan(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	rows, err := v.Engine.Scan(ctx, q)
	if err != nil || len(rows) == 0 || sealable[q.Table] == nil {
		return rows, err
	}
	opened := make([]persist.Row, len(rows))
	for i, row := range rows {
		if opened[i], err = v.openRow(q.Scope, q.Table, row); err != nil {
			return nil, err
		}
	}
	return opened, nil
}

func (v *Vault) openRow(scope persist.Scope, table *persist.Table, row persist.Row) (persist.Row, error) {
	return v.ring.Load().openRow(scope, table, row)
}

// Opener returns what opens rows that were sealed with these data keys, which the
// operator's keys have wrapped.
func Opener(keys []persist.DataKey, operators ...[]byte) (func(persist.Scope, *persist.Table, persist.Row) (persist.Row, error), error) {
	ring, _, err := unwrapAll(keys, operators...)
	if err != nil {
		return nil, err
	}
	return ring.openRow, nil
}

func (r *keyring) openRow(scope persist.Scope, table *persist.Table, row persist.Row) (persist.Row, error) {
	if sealable[table] == nil {
		return row, nil
	}
	binding := place{scope, table, persist.Key(row[:table.KeyColumns])}.binding()
	opened := slices.Clone(row)
	for _, i := range sealable[table] {
		if isEmpty(row[i]) {
			continue
		}
		column := table.Columns[i]
		value, err := r.open(column.Secrecy, row[i], append(binding, column.Name...))
		if err != nil {
			return nil, fmt.Errorf("%s.%s of %s: %w", table.Name, column.Name, scope, err)
		}
		opened[i] = value
	}
	if table == persist.MessageContents.Table && opened[bodyColumn] != row[bodyColumn] {
		putWordsBack(opened)
	}
	return opened, nil
}

// open returns a value as it was before it was sealed, or one that never was.
func (r *keyring) open(secrecy persist.Secrecy, value any, binding []byte) (any, error) {
	sealed, ok := sealedBytes(value)
	if !ok {
		if r.strict(secrecy) {
			return nil, fmt.Errorf("%w: it is not sealed", persist.ErrTampered)
		}
		return value, nil
	}
	key, known := r.keys[keyOf(sealed)]
	if !known {
		return nil, fmt.Errorf("%w: its key is unknown", persist.ErrTampered)
	}
	return open(key, value, sealed, binding)
}

// bodyColumn is where the body of a message is.
var bodyColumn = sealable[persist.MessageContents.Table][0]

// putWordsBack makes what a message is found by, which is left out where the body is
// sealed.
func putWordsBack(row persist.Row) {
	if words := persist.MessageContents.Searched; row[words] == "" {
		of := persist.Message{Chat: row[0].(string)}
		row[words] = persist.NewMessageContent(of, row[bodyColumn].(string)).Words
	}
}
