package redis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/tuple"
)

// A row is a field of a hash: its key in ordered form. The value is what the
// scripts need to know, the row's place in each index after its length, and then
// the other columns.

// shape is what is known of a table beforehand.
type shape struct {
	table    *persist.Table
	keyTypes []persist.Type
	// indexes are the positions of each index's own columns.
	indexes [][]int
}

// shapes is that of every table.
var shapes = func() map[*persist.Table]*shape {
	known := map[*persist.Table]*shape{}
	for _, table := range persist.Tables() {
		known[table] = newShape(table)
	}
	return known
}()

func newShape(table *persist.Table) *shape {
	s := &shape{table: table}
	for _, column := range table.Columns[:table.KeyColumns] {
		s.keyTypes = append(s.keyTypes, column.Type)
	}
	for _, index := range table.Indexes {
		s.indexes = append(s.indexes, table.Positions(index.Name)[:len(index.Columns)])
	}
	return s
}

// fieldOf is where the row with this key is.
func fieldOf(key persist.Key) []byte { return tuple.AppendKey(nil, key...) }

// maxPart is what two bytes can tell the length of, with a byte before it.
const maxPart = math.MaxUint16 - 1

// value is the rest of a row.
func (s *shape) value(row persist.Row) ([]byte, error) {
	buffer := make([]byte, 0, row.Size())
	for _, positions := range s.indexes {
		start := len(buffer)
		buffer = append(buffer, 0, 0)
		for _, position := range positions {
			buffer = tuple.AppendKey(buffer, row[position])
		}
		length := len(buffer) - start - 2
		if length > maxPart {
			return nil, fmt.Errorf("%w: %d bytes in an index of %s", persist.ErrPoisoned, length, s.table.Name)
		}
		binary.BigEndian.PutUint16(buffer[start:], uint16(length))
	}
	return tuple.AppendRow(buffer, row[s.table.KeyColumns:]), nil
}

// score is that of all members of the orders.
const score = "0"

// members are where the row is in the orders of its table, that of the key first.
// Each is the number of the order, the row's place there, its field, and how much
// comes before the field.
func (s *shape) members(r record) [][]byte {
	members := [][]byte{member(0, nil, r.field)}
	value := r.value
	for i := range s.indexes {
		length := int(binary.BigEndian.Uint16(value))
		members = append(members, member(1+i, value[2:2+length], r.field))
		value = value[2+length:]
	}
	return members
}

func member(order int, place, field []byte) []byte {
	buffer := make([]byte, 0, 1+len(place)+len(field)+2)
	buffer = append(append(append(buffer, byte(order)), place...), field...)
	return binary.BigEndian.AppendUint16(buffer, uint16(1+len(place)))
}

var errCut = errors.New("a row ends too early")

// parse is the inverse of fieldOf and value.
func (s *shape) parse(field, value []byte) (persist.Row, error) {
	for range s.indexes {
		if len(value) < 2 {
			return nil, errCut
		}
		length := int(binary.BigEndian.Uint16(value))
		if len(value) < 2+length {
			return nil, errCut
		}
		value = value[2+length:]
	}
	key, _, err := tuple.ParseKey(field, s.keyTypes...)
	if err != nil {
		return nil, err
	}
	rest, err := tuple.ParseRow(value, s.table.Columns[s.table.KeyColumns:])
	if err != nil {
		return nil, err
	}
	return append(persist.Row(key), rest...), nil
}
