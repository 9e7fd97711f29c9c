package studio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"whatsapp-web-server/persist"
)

// system is where the records are that belong to no account.
const system = "system"

// accounts is the first page: the index of accounts.
type accounts struct {
	Search, Next string
	Accounts     []account
}

type account struct {
	Number, Name, State, JID string
	CreatedAt                time.Time
}

func accountsPage(ctx context.Context, engine persist.Engine, r *http.Request) (any, error) {
	request := listing{table: persist.AccountIndex.Table, scope: persist.SystemScope(), search: r.FormValue("search"), after: r.FormValue("after")}
	rows, next, err := request.read(ctx, engine)
	if err != nil {
		return nil, err
	}
	page := accounts{Search: request.search, Next: next, Accounts: make([]account, len(rows))}
	for i, row := range rows {
		if page.Accounts[i], err = accountOf(ctx, engine, row); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// accountOf is what is known of an account; little if it was never started.
func accountOf(ctx context.Context, engine persist.Engine, row persist.Row) (account, error) {
	entry, err := persist.AccountIndex.Decode(row)
	if err != nil {
		return account{}, err
	}
	record, err := persist.Accounts.Get(ctx, engine, persist.AccountScope(entry.Number))
	if err != nil && !errors.Is(err, persist.ErrNotFound) {
		return account{}, err
	}
	return account{entry.Number, record.PushName, record.State, record.JID, entry.CreatedAt}, nil
}

// tables is the page of an account, or of what belongs to none.
type tables struct {
	Level, Owner string
	Tables       []count
}

type count struct {
	Table string
	Rows  string
}

func tablesPage(ctx context.Context, engine persist.Engine, r *http.Request) (any, error) {
	scope, err := scopeOf(r)
	if err != nil {
		return nil, err
	}
	page := tables{Level: scope.Level(), Owner: scope.Owner()}
	for _, table := range persist.Tables() {
		if table.Level != scope.Level() {
			continue
		}
		rows, err := countRows(ctx, engine, scope, table)
		if err != nil {
			return nil, err
		}
		page.Tables = append(page.Tables, count{table.Name, rows})
	}
	return page, nil
}

// rows is a page of a table.
type rows struct {
	Level, Owner, Table, Index, Search, Next string

	SearchedBy string // the column that Index begins with
	Orders     []order
	Columns    []column
	Rows       [][]cell
}

// order is one in which rows can be listed. Its first column can be searched by.
type order struct{ Index, Column string }

type column struct {
	Name        string
	Key, Secret bool
}

func rowsPage(ctx context.Context, engine persist.Engine, r *http.Request) (any, error) {
	scope, err := scopeOf(r)
	if err != nil {
		return nil, err
	}
	table, err := tableOf(r, scope)
	if err != nil {
		return nil, err
	}
	request := listing{table: table, scope: scope, index: r.FormValue("index"), search: r.FormValue("search"), after: r.FormValue("after")}
	if !slices.ContainsFunc(table.Indexes, func(i persist.Index) bool { return i.Name == request.index }) {
		request.index = ""
	}
	found, next, err := request.read(ctx, engine)
	if err != nil {
		return nil, err
	}
	page := rows{
		Level: scope.Level(), Owner: scope.Owner(), Table: table.Name, Index: request.index, Search: request.search, Next: next,
		SearchedBy: request.searchedBy(), Rows: make([][]cell, len(found)),
	}
	for _, index := range append([]persist.Index{{}}, table.Indexes...) {
		page.Orders = append(page.Orders, order{index.Name, listing{table: table, index: index.Name}.searchedBy()})
	}
	for i, c := range table.Columns {
		page.Columns = append(page.Columns, column{c.Name, i < table.KeyColumns, isSecret(table, i)})
	}
	for i, row := range found {
		page.Rows[i] = cellsOf(table, row)
	}
	return page, nil
}

// scopeOf is whose records the path means.
func scopeOf(r *http.Request) (persist.Scope, error) {
	level, owner := r.PathValue("level"), r.PathValue("owner")
	if level == system && owner == persist.SystemScope().Owner() {
		return persist.SystemScope(), nil
	}
	scope := persist.AccountScope(owner)
	if level != scope.Level() {
		return persist.Scope{}, fmt.Errorf("%w as %s", errNoPage, r.URL.Path)
	}
	return scope, nil
}

func tableOf(r *http.Request, scope persist.Scope) (*persist.Table, error) {
	all := persist.Tables()
	at := slices.IndexFunc(all, func(t *persist.Table) bool {
		return t.Name == r.PathValue("table") && t.Level == scope.Level()
	})
	if at < 0 {
		return nil, fmt.Errorf("%w as %s", errNoPage, r.URL.Path)
	}
	return all[at], nil
}
