package memory

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/google/btree"

	"whatsapp-web-server/persist"
)

// degree of the trees: nodes of about a kilobyte.
const degree = 32

// shelf holds one table's rows of one scope, once in the order of the key and
// once in the order of each index.
type shelf struct {
	table  *persist.Table
	byKey  *order
	orders map[string]*order // by the name of the index, the key's included
}

// order is a tree of rows by some of their columns.
type order struct {
	positions []int
	tree      *btree.BTreeG[entry]
}

// entry is a row with the values that it is ordered by.
type entry struct {
	key persist.Key
	row persist.Row
	// side places a starting point, whose key may be short, before (-1) or
	// after (+1) all the rows that begin with it.
	side int
}

func newShelf(table *persist.Table) *shelf {
	s := &shelf{table: table, byKey: newOrder(table, ""), orders: map[string]*order{}}
	s.orders[""] = s.byKey
	for _, index := range table.Indexes {
		s.orders[index.Name] = newOrder(table, index.Name)
	}
	return s
}

func newOrder(table *persist.Table, index string) *order {
	return &order{positions: table.Positions(index), tree: btree.NewG(degree, less)}
}

func less(a, b entry) bool {
	for i := range min(len(a.key), len(b.key)) {
		if by := compare(a.key[i], b.key[i]); by != 0 {
			return by < 0
		}
	}
	return a.side < b.side
}

// compare orders two values of one column: text and blobs by bytes.
func compare(a, b any) int {
	switch a := a.(type) {
	case string:
		return cmp.Compare(a, b.(string))
	case int64:
		return cmp.Compare(a, b.(int64))
	default:
		return bytes.Compare(a.([]byte), b.([]byte))
	}
}

func (s *shelf) get(key persist.Key) (persist.Row, bool) {
	found, ok := s.byKey.tree.Get(entry{key: key})
	return found.row, ok
}

// mutate returns how to take the change back.
func (s *shelf) mutate(m persist.Mutation) (undo func(), err error) {
	before, _ := s.get(m.Key())
	if s.table.Versioned {
		if err := m.CheckVersion(s.version(before)); err != nil {
			return nil, err
		}
	}
	var after persist.Row
	if !m.Delete {
		after = m.Row
	}
	s.replace(before, after)
	return func() { s.replace(after, before) }, nil
}

// version is 0 for no row.
func (s *shelf) version(row persist.Row) int64 {
	if row == nil {
		return 0
	}
	return row[s.table.KeyColumns].(int64)
}

// replace takes the row before away, if there is one, and puts the row after.
func (s *shelf) replace(before, after persist.Row) {
	for _, o := range s.orders {
		if before != nil {
			o.tree.Delete(o.entry(before))
		}
		if after != nil {
			o.tree.ReplaceOrInsert(o.entry(after))
		}
	}
}

func (o *order) entry(row persist.Row) entry {
	key := make(persist.Key, len(o.positions))
	for i, position := range o.positions {
		key[i] = row[position]
	}
	return entry{key: key, row: row}
}

func (s *shelf) scan(q persist.Query) []persist.Row {
	var rows []persist.Row
	skip, within := q.Offset, entry{key: q.Prefix}
	s.orders[q.Index].walk(q, func(e entry) bool {
		if less(e, within) || less(within, e) {
			return false
		}
		if !q.Table.Matches(e.row, q.Match) {
			return true
		}
		if skip--; skip < 0 {
			rows = append(rows, e.row)
		}
		return len(rows) < q.Limit
	})
	return rows
}

// walk visits the rows from the start that q names, until visit returns false.
func (o *order) walk(q persist.Query, visit func(entry) bool) {
	start := slices.Concat(q.Prefix, q.After)
	beyond := len(q.After) > 0
	switch {
	case q.Reverse && beyond:
		o.tree.DescendLessOrEqual(entry{key: start, side: -1}, visit)
	case q.Reverse:
		o.tree.DescendLessOrEqual(entry{key: start, side: +1}, visit)
	case beyond:
		o.tree.AscendGreaterOrEqual(entry{key: start, side: +1}, visit)
	default:
		o.tree.AscendGreaterOrEqual(entry{key: start, side: -1}, visit)
	}
}
