package studio

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/tuple"
)

const (
	// pageRows is how many rows a page shows.
	pageRows = 50
	// mostCounted is where counting ends; there may be millions.
	mostCounted = 10_000
	// countedAtOnce bounds the memory that counting takes.
	countedAtOnce = 500
)

// listing asks for a page of a table, in the order of an index.
type listing struct {
	table  *persist.Table
	scope  persist.Scope
	index  string
	search string // how the first column begins
	after  string // where the page before has ended
}

// read returns the rows, and where the next page begins, which is empty if there is
// none.
func (l listing) read(ctx context.Context, engine persist.Engine) (rows []persist.Row, next string, err error) {
	query := persist.Query{Scope: l.scope, Table: l.table, Index: l.index, Limit: pageRows + 1}
	if query.After, err = l.place(); err != nil {
		return nil, "", err
	}
	if l.search == "" || len(l.positions()) == 0 {
		rows, err = engine.Scan(ctx, query)
	} else {
		rows, err = l.find(ctx, engine, query)
	}
	if err != nil || len(rows) <= pageRows {
		return rows, "", err
	}
	return rows[:pageRows], l.placeOf(rows[pageRows-1]), nil
}

// positions are where the columns of the index stand in a row.
func (l listing) positions() []int { return l.table.Positions(l.index) }

func (l listing) searchedBy() string {
	if len(l.positions()) == 0 {
		return ""
	}
	return l.table.Columns[l.positions()[0]].Name
}

// find takes the rows whose first column is what is searched for, then those where
// it goes on: the start of a scan is exclusive.
func (l listing) find(ctx context.Context, engine persist.Engine, query persist.Query) (rows []persist.Row, err error) {
	wanted, ok := l.wanted()
	if !ok {
		return nil, nil
	}
	if query.After == nil || same(query.After[0], wanted) {
		if rows, err = l.exactly(ctx, engine, query, wanted); err != nil {
			return nil, err
		}
		query.After = persist.Key{wanted}
	}
	if query.Limit -= len(rows); query.Limit == 0 {
		return rows, nil
	}
	longer, err := engine.Scan(ctx, query)
	for _, row := range longer {
		if begins(row[l.positions()[0]], wanted) {
			rows = append(rows, row)
		}
	}
	return rows, err
}

func (l listing) exactly(ctx context.Context, engine persist.Engine, query persist.Query, wanted any) ([]persist.Row, error) {
	query.Prefix = persist.Key{wanted}
	if query.After != nil {
		if query.After = query.After[1:]; len(query.After) == 0 {
			return nil, nil // the page before ended with the only one
		}
	}
	return engine.Scan(ctx, query)
}

// wanted is what is searched for, as the first column has it.
func (l listing) wanted() (value any, ok bool) {
	switch l.table.Columns[l.positions()[0]].Type {
	case persist.Integer:
		number, err := strconv.ParseInt(l.search, 10, 64)
		return number, err == nil
	case persist.Blob:
		data, err := hex.DecodeString(l.search)
		return data, err == nil
	default:
		return strings.ToValidUTF8(strings.ReplaceAll(l.search, "\x00", ""), ""), true
	}
}

func same(a, b any) bool { return persist.Key{a}.Text() == persist.Key{b}.Text() }

// begins reports whether a value begins with what is wanted. Numbers do not.
func begins(value, wanted any) bool {
	switch w := wanted.(type) {
	case string:
		return strings.HasPrefix(value.(string), w)
	case []byte:
		return bytes.HasPrefix(value.([]byte), w)
	default:
		return false
	}
}

// placeOf writes down where a row stands in the index.
func (l listing) placeOf(row persist.Row) string {
	return hex.EncodeToString(tuple.AppendKey(nil, l.keyOf(row)...))
}

func (l listing) keyOf(row persist.Row) persist.Key {
	var key persist.Key
	for _, at := range l.positions() {
		key = append(key, row[at])
	}
	return key
}

// place reads what placeOf has written; nil is the beginning.
func (l listing) place() (persist.Key, error) {
	if l.after == "" {
		return nil, nil
	}
	encoded, err := hex.DecodeString(l.after)
	if err != nil {
		return nil, fmt.Errorf("%w: its place in the table cannot be read", errNoPage)
	}
	var types []persist.Type
	for _, at := range l.positions() {
		types = append(types, l.table.Columns[at].Type)
	}
	key, _, err := tuple.ParseKey(encoded, types...)
	if err != nil {
		return nil, fmt.Errorf("%w: its place in the table cannot be read", errNoPage)
	}
	return key, nil
}

// countRows counts up to a bound.
func countRows(ctx context.Context, engine persist.Engine, scope persist.Scope, table *persist.Table) (string, error) {
	counting := listing{table: table, scope: scope}
	query := persist.Query{Scope: scope, Table: table, Limit: countedAtOnce}
	for counted := 0; counted < mostCounted; {
		rows, err := engine.Scan(ctx, query)
		if err != nil {
			return "", err
		}
		counted += len(rows)
		if len(rows) < query.Limit || table.KeyColumns == 0 {
			return strconv.Itoa(counted), nil
		}
		query.After = counting.keyOf(rows[len(rows)-1])
	}
	return fmt.Sprintf("%d or more", mostCounted), nil
}
