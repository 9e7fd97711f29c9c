package postgres

import (
	"slices"

	"github.com/jackc/pgx/v5"

	"whatsapp-web-server/persist"
)

// changes is what a commit does to each table: the last mutation of each record.
// The order between them is of no matter.
type changes map[*persist.Table]*change

type change struct{ puts, removes *arrayRows }

// arrayRows holds rows as the statements take them: an array for each column.
type arrayRows struct {
	owners []string // empty for tables of the installation
	values []any    // of []string, []int64 or [][]byte
}

// record names one within a batch.
type record struct {
	table *persist.Table
	key   string
}

func (c changes) add(batch persist.Batch) {
	if len(batch.Mutations) == 1 {
		c.mutate(batch.Scope, batch.Mutations[0])
		return
	}
	seen := make(map[record]struct{}, len(batch.Mutations))
	for _, m := range slices.Backward(batch.Mutations) {
		at := record{m.Table, m.Key().Text()}
		if _, later := seen[at]; !later {
			seen[at] = struct{}{}
			c.mutate(batch.Scope, m)
		}
	}
}

func (c changes) mutate(scope persist.Scope, m persist.Mutation) {
	of := c[m.Table]
	if of == nil {
		of = &change{}
		c[m.Table] = of
	}
	if m.Delete {
		of.removes = of.removes.with(scope, m.Table, persist.Row(m.Key()))
	} else {
		of.puts = of.puts.with(scope, m.Table, m.Row)
	}
}

func (a *arrayRows) with(scope persist.Scope, table *persist.Table, row persist.Row) *arrayRows {
	if a == nil {
		a = &arrayRows{}
		for _, column := range table.Columns[:len(row)] {
			a.values = append(a.values, map[persist.Type]any{
				persist.Text: []string(nil), persist.Integer: []int64(nil), persist.Blob: [][]byte(nil),
			}[column.Type])
		}
	}
	if scope.Level() != persist.SystemScope().Level() {
		a.owners = append(a.owners, scope.Owner())
	}
	for i, value := range row {
		switch values := a.values[i].(type) {
		case []string:
			a.values[i] = append(values, value.(string))
		case []int64:
			a.values[i] = append(values, value.(int64))
		case [][]byte:
			a.values[i] = append(values, blob(value.([]byte)))
		}
	}
	return a
}

// blob is never nil, which would be NULL.
func blob(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

// queue adds the statements that make the changes.
func (c changes) queue(batch *pgx.Batch) {
	for table, change := range c {
		if change.removes != nil {
			batch.Queue(texts[table].remove, change.removes.arguments()...)
		}
		if change.puts != nil {
			batch.Queue(texts[table].put, change.puts.arguments()...)
		}
	}
}

func (a *arrayRows) arguments() []any {
	if len(a.owners) == 0 {
		return a.values
	}
	return append([]any{a.owners}, a.values...)
}
