package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"whatsapp-web-server/persist"
)

const (
	accountsPage = 500
	rowsPage     = 500
)

// cover brings what is sealed to what the operator wants. What is to be open from
// now on is noted before the first of it is written, what is to be sealed after the
// last is.
func (v *Vault) cover(ctx context.Context) error {
	has, want := v.ring.Load().covers, v.coverage()
	if has == want {
		return nil
	}
	if has != persist.Content {
		whole, err := v.resealAll(ctx)
		if err != nil || !whole {
			return err
		}
	}
	return v.noteCoverage(ctx, want)
}

func (v *Vault) noteCoverage(ctx context.Context, covers persist.Secrecy) error {
	found, err := records(ctx, v.Engine)
	if err != nil {
		return err
	}
	_, raw, err := unwrapAll(found, v.config.Key)
	if err != nil {
		return err
	}
	record := found[len(found)-1]
	record.Version++
	record.Covers = covers
	if record, err = wrap(record, raw[len(raw)-1], v.config.Key); err != nil {
		return err
	}
	if err := store(ctx, v.Engine, persist.DataKeys.Put(record)); err != nil {
		return err
	}
	return v.refresh(ctx)
}

// resealAll writes every value anew that is not sealed as it should be. Whole says
// that none is left.
func (v *Vault) resealAll(ctx context.Context) (whole bool, err error) {
	all, err := v.allAccounts(ctx)
	if err != nil {
		return false, err
	}
	whole, err = v.resealInstallation(ctx)
	if err != nil {
		return false, fmt.Errorf("what belongs to no account: %w", err)
	}
	for done, account := range all {
		err := v.resealAccount(ctx, account)
		switch {
		case errors.Is(err, persist.ErrTampered):
			whole = false
			if v.config.Damaged != nil {
				v.config.Damaged(account, err)
			}
		case err != nil:
			return false, fmt.Errorf("account %s: %w", account, err)
		}
		if v.config.Progress != nil {
			v.config.Progress(done+1, len(all))
		}
	}
	return whole, nil
}

func (v *Vault) allAccounts(ctx context.Context) (all []string, err error) {
	for after := ""; ; after = all[len(all)-1] {
		page, err := v.accounts(ctx, after, accountsPage)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < accountsPage {
			return all, nil
		}
	}
}

func (v *Vault) accounts(ctx context.Context, after string, limit int) ([]string, error) {
	q := persist.Query{Scope: persist.SystemScope(), Limit: limit}
	if after != "" {
		q.After = persist.AccountIndex.Key(after)
	}
	page, err := persist.AccountIndex.Scan(ctx, v.Engine, q)
	if err != nil {
		return nil, fmt.Errorf("read index of accounts: %w", err)
	}
	numbers := make([]string, len(page))
	for i, entry := range page {
		numbers[i] = entry.Number
	}
	return numbers, nil
}

// resealAccount keeps any other writer of the account out.
func (v *Vault) resealAccount(ctx context.Context, account string) error {
	generation, err := v.Engine.Acquire(ctx, account, 0)
	if err != nil {
		return err
	}
	return v.resealScope(ctx, persist.Batch{Scope: persist.AccountScope(account), Generation: generation})
}

// resealInstallation is for what belongs to no account. Not whole: something cannot be
// opened, and stays.
func (v *Vault) resealInstallation(ctx context.Context) (whole bool, err error) {
	err = v.resealScope(ctx, persist.Batch{Scope: persist.SystemScope()})
	if errors.Is(err, persist.ErrTampered) {
		if v.config.Damaged != nil {
			v.config.Damaged("", err)
		}
		return false, nil
	}
	return true, err
}

// resealScope goes on beyond values that cannot be opened, and reports the first.
func (v *Vault) resealScope(ctx context.Context, writer persist.Batch) error {
	var damaged error
	for _, table := range persist.Tables() {
		if table.Level != writer.Scope.Level() || sealable[table] == nil {
			continue
		}
		if err := v.resealTable(ctx, writer, table); err != nil {
			if !errors.Is(err, persist.ErrTampered) {
				return err
			}
			damaged = errors.Join(damaged, err)
		}
	}
	return damaged
}

func (v *Vault) resealTable(ctx context.Context, writer persist.Batch, table *persist.Table) error {
	var damaged error
	q := persist.Query{Scope: writer.Scope, Table: table, Limit: rowsPage}
	for {
		page, err := v.Engine.Scan(ctx, q)
		if err != nil {
			return err
		}
		writer.Mutations = nil
		for _, row := range page {
			if v.asItShould(table, row) {
				continue
			}
			opened, err := v.openRow(writer.Scope, table, row)
			if err != nil {
				damaged = err
				continue
			}
			if table.Versioned {
				opened = slices.Clone(opened)
				opened[table.KeyColumns] = opened[table.KeyColumns].(int64) + 1
			}
			writer.Mutations = append(writer.Mutations, persist.Mutation{Table: table, Row: opened})
		}
		if len(writer.Mutations) > 0 {
			if err := v.Apply(ctx, []persist.Batch{writer})[0]; err != nil {
				return err
			}
		}
		if len(page) < rowsPage || table.KeyColumns == 0 {
			return damaged
		}
		q.After = persist.Key(page[len(page)-1][:table.KeyColumns])
	}
}

// asItShould tells whether a stored row is as sealRow would make it now.
func (v *Vault) asItShould(table *persist.Table, row persist.Row) bool {
	current := v.ring.Load().current
	for _, i := range sealable[table] {
		if isEmpty(row[i]) {
			continue
		}
		sealed, ok := sealedBytes(row[i])
		if ok != v.seals(table.Columns[i].Secrecy) || ok && keyOf(sealed) != current {
			return false
		}
	}
	return true
}
