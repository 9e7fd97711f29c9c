package redis

import (
	"context"
	"slices"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/tuple"
)

// One run of the script looks at so many rows at most, and returns about so many
// bytes: other accounts wait meanwhile.
const (
	sliceRows  = 1000
	sliceBytes = 1 << 20
)

// Scan implements [persist.Engine].
func (db *DB) Scan(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	ctx, leave, err := db.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := q.Check(); err != nil {
		return nil, err
	}
	shape, known := shapes[q.Table]
	if !known || q.Table.Level != q.Scope.Level() {
		return nil, nil
	}
	var rows []persist.Row
	for walk := db.newWalk(shape, q); len(rows) < q.Limit && !walk.ended; {
		if rows, err = db.step(ctx, walk, rows); err != nil {
			return nil, db.failed(ctx, "scan "+q.Table.Name, err)
		}
	}
	return rows, nil
}

// walk is a scan on its way.
type walk struct {
	query    persist.Query
	shape    *shape
	keys     []string // of the rows and of their orders
	command  string
	from, to string // as the command takes them
	// skip counts the rows that are still to be left out. The script can do it for
	// rows that need not be looked at.
	skip  int
	ended bool
}

func (db *DB) newWalk(shape *shape, q persist.Query) *walk {
	scopeKey := db.scopeKey(q.Scope)
	w := &walk{query: q, shape: shape, command: "ZRANGEBYLEX", skip: q.Offset}
	w.keys = []string{rowsKey(scopeKey, q.Table), ordersKey(scopeKey, q.Table)}
	w.from, w.to = shape.bounds(q)
	if q.Reverse {
		w.command, w.from, w.to = "ZREVRANGEBYLEX", w.to, w.from
	}
	return w
}

// step adds some rows and moves the walk behind them.
func (db *DB) step(ctx context.Context, w *walk, rows []persist.Row) ([]persist.Row, error) {
	answer, err := db.runOne(ctx, w.call(len(rows))).Slice()
	if err != nil {
		return nil, err
	}
	w.ended, w.from = answer[0] == int64(0), "("+answer[1].(string)
	for i := 2; i < len(answer) && len(rows) < w.query.Limit; i += 2 {
		row, err := w.shape.parse([]byte(answer[i].(string)), []byte(answer[i+1].(string)))
		switch {
		case err != nil:
			return nil, err
		case !w.query.Table.Matches(row, w.query.Match):
		case w.skip > 0:
			w.skip--
		default:
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// call is the next run of the script, when so many rows are read.
func (w *walk) call(read int) *call {
	wanted := w.query.Limit - read
	offset, look := 0, min(wanted, sliceRows)
	if len(w.query.Match) > 0 {
		wanted += w.skip
		look = sliceRows
	} else {
		offset, w.skip = w.skip, 0
	}
	arguments := []any{w.command, w.from, w.to, offset, look, wanted, sliceBytes}
	for _, term := range w.query.Match {
		// The script looks for it in the whole value, and finds a few rows too many.
		arguments = append(arguments, " "+term)
	}
	return &call{scanScript, w.keys, arguments}
}

// bounds is where the rows of q are among the members of all orders, as Redis takes
// it.
func (s *shape) bounds(q persist.Query) (low, high string) {
	order := slices.IndexFunc(q.Table.Indexes, func(i persist.Index) bool { return i.Name == q.Index })
	if order >= 0 {
		prefix := s.memberOrder(q, order, len(q.Prefix))
		after := s.memberOrder(q, order, len(q.Prefix)+len(q.After))
		q.Prefix, q.After = prefix, after[len(prefix):]
	}
	from, to := tuple.Bounds([]byte{byte(order + 1)}, q)
	return "[" + string(from), "(" + string(to)
}

// memberOrder brings the first values that q starts from into the order of an
// index's members: the index's own columns, then the whole key, as far as it is
// known. The index may hold some of its columns too.
func (s *shape) memberOrder(q persist.Query, index, count int) persist.Key {
	positions := q.Table.Positions(q.Index)
	own := len(s.indexes[index])
	known := map[int]any{}
	var values persist.Key
	for i, position := range positions[:count] {
		known[position] = q.Start(i)
		if i < own {
			values = append(values, q.Start(i))
		}
	}
	if count < own {
		return values
	}
	for i := range q.Table.KeyColumns {
		value, is := known[i]
		if !is {
			break
		}
		values = append(values, value)
	}
	return values
}
