package persist

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Type is what a column holds. There is no null: absent is the zero value.
type Type uint8

const (
	// Text is valid UTF-8 without NUL, ordered by bytes.
	Text Type = iota
	// Integer is a signed 64-bit number. Times are Unix milliseconds (zero: no
	// time), booleans 0 and 1.
	Integer
	// Blob is any bytes, ordered by bytes; nil and empty are the same and are
	// read as empty.
	Blob
)

// Secrecy says what of a column is sealed where the operator has a key; see
// persist/vault.
type Secrecy uint8

const (
	// Plain is as it is: ids, times, names.
	Plain Secrecy = iota
	// Content is what people write: sealed if the operator wants that.
	Content
	// Secret is keys, and what they protect until it is handled: always sealed.
	Secret
)

// secrecies is by the option of a field's tag.
var secrecies = map[string]Secrecy{"secret": Secret, "content": Content}

// Column is one column of a table.
type Column struct {
	Name    string
	Type    Type
	Secrecy Secrecy
}

// Index is a declared order of a table's rows. The key columns follow the
// listed ones implicitly, so that the order is total.
type Index struct {
	Name    string
	Columns []string
}

// Row holds the values of a record in the order of its table's columns: string,
// int64 or []byte, never nil. Nobody changes a row once it is made, nor the bytes
// of its blobs, so that engines, journals and readers can share it: [Kind.Put]
// copies blobs into it, [Kind.Decode] out of it.
type Row []any

// Size estimates the memory that the row takes, in bytes.
func (r Row) Size() int {
	size := 16 * len(r)
	for _, value := range r {
		switch v := value.(type) {
		case string:
			size += len(v)
		case []byte:
			size += len(v)
		}
	}
	return size
}

// Key holds the values of key or index columns.
type Key []any

// Text is a string that no other key of the same table has, for maps.
func (k Key) Text() string {
	if len(k) == 1 {
		if text, ok := k[0].(string); ok {
			return text
		}
	}
	var space [96]byte
	encoded := space[:0]
	for _, value := range k {
		switch v := value.(type) {
		case string:
			encoded = append(binary.AppendUvarint(encoded, uint64(len(v))), v...)
		case []byte:
			encoded = append(binary.AppendUvarint(encoded, uint64(len(v))), v...)
		case int64:
			encoded = binary.BigEndian.AppendUint64(encoded, uint64(v))
		}
	}
	return string(encoded)
}

// Table describes how the records of a kind are stored.
type Table struct {
	Name string
	// Level is the level of the scopes that the records live in.
	Level string
	// Columns begin with the key.
	Columns []Column
	// KeyColumns counts the columns of the key. It may be 0: one record a scope.
	KeyColumns int
	// Versioned tables have an integer column "version" right after the key. A
	// put must carry the stored version plus one (an absent record has version
	// 0), a delete the stored version; else [ErrConflict].
	Versioned bool
	Indexes   []Index
	// Searched is the place of the column that [Query.Match] looks at, which holds
	// [Words]; 0 if there is none.
	Searched int
}

// Positions returns where the columns of the named index stand in a row, the
// key columns at the end. An empty name means the key. It panics on a name that
// was not declared, which is a programming error.
func (t *Table) Positions(index string) []int {
	var positions []int
	if index != "" {
		at := slices.IndexFunc(t.Indexes, func(i Index) bool { return i.Name == index })
		if at < 0 {
			panic(fmt.Sprintf("persist: table %s has no index %q", t.Name, index))
		}
		for _, name := range t.Indexes[at].Columns {
			positions = append(positions, t.position(name))
		}
	}
	for i := range t.KeyColumns {
		if !slices.Contains(positions, i) {
			positions = append(positions, i)
		}
	}
	return positions
}

// mustBeSealable panics where a sealed value could not do its work: numbers have
// no room for one, and what is sealed has neither order nor equality. What belongs
// to tenants, of whom there is no list, could not be found to be sealed anew.
func (t *Table) mustBeSealable() {
	for _, index := range append(t.Indexes, Index{}) {
		for _, position := range t.Positions(index.Name) {
			if column := t.Columns[position]; column.Secrecy != Plain {
				panic(fmt.Sprintf("persist: %s.%s orders rows and cannot be sealed", t.Name, column.Name))
			}
		}
	}
	for _, column := range t.Columns {
		if column.Secrecy != Plain && (column.Type == Integer || t.Level == "tenant") {
			panic(fmt.Sprintf("persist: %s.%s cannot be sealed", t.Name, column.Name))
		}
	}
}

func (t *Table) position(column string) int {
	at := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == column })
	if at < 0 {
		panic(fmt.Sprintf("persist: table %s has no column %q", t.Name, column))
	}
	return at
}
