package bolt

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/tuple"
)

// shelf is where a table's rows are. A bucket holds the rows by owner and key,
// without either in the value; a bucket for each index holds the entries that
// lead to them: the index's columns after the owner, and no value.
type shelf struct {
	table  *persist.Table
	bucket []byte
	key    []persist.Type
	orders []order
}

// order is an index of a shelf.
type order struct {
	bucket    []byte
	positions []int // of the entry's values in the row
	key       []int // where among them the values of the row's key are
}

// shelves is every table there is.
var shelves = build(persist.Tables())

func build(tables []*persist.Table) map[*persist.Table]*shelf {
	built := map[*persist.Table]*shelf{}
	for _, table := range tables {
		s := &shelf{table: table, bucket: []byte(table.Name)}
		for _, column := range table.Columns[:table.KeyColumns] {
			s.key = append(s.key, column.Type)
		}
		for _, index := range table.Indexes {
			s.orders = append(s.orders, newOrder(table, index.Name))
		}
		built[table] = s
	}
	return built
}

func newOrder(table *persist.Table, index string) order {
	o := order{
		bucket:    []byte(table.Name + "." + index),
		positions: table.Positions(index),
		key:       make([]int, table.KeyColumns),
	}
	for i, position := range o.positions {
		if position < table.KeyColumns {
			o.key[position] = i
		}
	}
	return o
}

// order returns the named index.
func (s *shelf) order(name string) order {
	for i, index := range s.table.Indexes {
		if index.Name == name {
			return s.orders[i]
		}
	}
	panic(fmt.Sprintf("bolt: table %s has no index %q", s.table.Name, name))
}

// keySpace is what most keys fit in, so that they grow no more.
const keySpace = 160

// ownerKey begins the keys of everything in the scope.
func ownerKey(scope persist.Scope) []byte { return tuple.AppendKey(nil, scope.Owner()) }

// rowKey is where a row is.
func rowKey(owner []byte, key persist.Key) []byte {
	return tuple.AppendKey(append(make([]byte, 0, keySpace), owner...), key...)
}

// fits tells whether bbolt takes the row, its key and its entries.
func (s *shelf) fits(scope persist.Scope, m persist.Mutation) bool {
	size := m.Row.Size()
	if 2*(size+len(scope.Owner())+1) <= bbolt.MaxKeySize { // an ordered value is at most twice the value
		return true
	}
	owner := ownerKey(scope)
	if size > bbolt.MaxValueSize || len(rowKey(owner, m.Key())) > bbolt.MaxKeySize {
		return false
	}
	for _, o := range s.orders {
		if !m.Delete && len(o.entry(owner, m.Row)) > bbolt.MaxKeySize {
			return false
		}
	}
	return true
}

// value is what is stored of a row: the columns behind the key.
func (s *shelf) value(row persist.Row) []byte {
	rest := row[s.table.KeyColumns:]
	return tuple.AppendRow(make([]byte, 0, rest.Size()), rest)
}

// row puts together what is stored at key, which is that behind the owner. It
// keeps neither.
func (s *shelf) row(key, value []byte) (persist.Row, error) {
	row := make(persist.Row, len(s.table.Columns))
	parsed, _, err := tuple.ParseKey(key, s.key...)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", s.table.Name, err)
	}
	copy(row, parsed)
	rest, err := tuple.ParseRow(bytes.Clone(value), s.table.Columns[len(parsed):]) // blobs are parts of the clone
	if err != nil {
		return nil, fmt.Errorf("row of %s: %w", s.table.Name, err)
	}
	copy(row[len(parsed):], rest)
	return row, nil
}

// matches does what [persist.Table.Matches] does, without making the row.
func (s *shelf) matches(value []byte, terms []string) (bool, error) {
	var words []byte
	for _, column := range s.table.Columns[s.table.KeyColumns : s.table.Searched+1] {
		t := column.Type
		if t == persist.Text {
			t = persist.Blob // has the same form and is not copied
		}
		parsed, rest, err := tuple.ParseValue(value, t)
		if err != nil {
			return false, fmt.Errorf("%s.%s: %w", s.table.Name, column.Name, err)
		}
		words, _ = parsed.([]byte)
		value = rest
	}
	for _, term := range terms {
		if !bytes.Contains(words, []byte(" "+term)) {
			return false, nil
		}
	}
	return true, nil
}

// entry is the row's place in the order.
func (o order) entry(owner []byte, row persist.Row) []byte {
	entry := append(make([]byte, 0, keySpace), owner...)
	for _, position := range o.positions {
		entry = tuple.AppendKey(entry, row[position])
	}
	return entry
}

// rowKey finds the key of the row that an entry leads to.
func (o order) rowKey(table *persist.Table, owner, entry []byte) ([]byte, error) {
	values := make([][]byte, len(o.positions))
	rest := entry[len(owner):]
	for i, position := range o.positions {
		var err error
		if values[i], rest, err = tuple.Cut(rest, table.Columns[position].Type); err != nil {
			return nil, fmt.Errorf("%s: %w", o.bucket, err)
		}
	}
	key := append(make([]byte, 0, len(entry)), owner...)
	for _, i := range o.key {
		key = append(key, values[i]...)
	}
	return key, nil
}
