package persist

import (
	"context"
	"fmt"
	"reflect"
	"strings"
)

// Kind ties the Go struct T to its table. The exported fields of T carry the
// tag `col:"name"`, with `,key` for the key (which comes first), `,json` for
// a value stored as JSON text, `,secret` or `,content` for text and bytes that are
// to be sealed (see [Secrecy]), `,searched` for [Table.Searched]. Strings, booleans, integers, byte slices, byte
// arrays and times need no option.
type Kind[T any] struct {
	*Table
	fields []codec // of each field, which are the columns in their order
}

// Getter is what reads one record: an engine, a journal or its transaction.
type Getter interface {
	Get(ctx context.Context, scope Scope, table *Table, key Key) (Row, error)
}

// Scanner is what reads many.
type Scanner interface {
	Scan(ctx context.Context, q Query) ([]Row, error)
}

// newKind derives the table of T. It panics on a T it cannot store: kinds are a
// closed set, made at start.
func newKind[T any](level, name string, indexes ...Index) Kind[T] {
	table := &Table{Name: name, Level: level, Indexes: indexes}
	kind := Kind[T]{Table: table}
	for f := range reflect.TypeFor[T]().Fields() {
		name, option, _ := strings.Cut(f.Tag.Get("col"), ",")
		if name == "" {
			panic(fmt.Sprintf("persist: field %s has no col tag", f.Name))
		}
		switch option {
		case "key":
			table.KeyColumns++
		case "searched":
			table.Searched = len(table.Columns)
		}
		codec := codecFor(f.Type, option == "json")
		table.Columns = append(table.Columns, Column{name, codec.column, secrecies[option]})
		kind.fields = append(kind.fields, codec)
	}
	at := table.KeyColumns
	table.Versioned = at < len(table.Columns) && table.Columns[at].Name == "version"
	table.mustBeSealable()
	return kind
}

// Put returns the mutation that stores record.
func (k Kind[T]) Put(record T) Mutation {
	value := reflect.ValueOf(&record).Elem()
	row := make(Row, len(k.fields))
	for i, f := range k.fields {
		row[i] = f.encode(value.Field(i))
	}
	return Mutation{Table: k.Table, Row: row}
}

// Remove returns the mutation that deletes the record with this key (followed
// by its version on a versioned table).
func (k Kind[T]) Remove(key ...any) Mutation {
	return Mutation{Table: k.Table, Row: Row(k.Key(key...)), Delete: true}
}

// Key brings values (strings, integers, bytes, times, booleans) into the form
// that rows and queries use.
func (k Kind[T]) Key(values ...any) Key {
	key := make(Key, len(values))
	for i, v := range values {
		key[i] = codecFor(reflect.TypeOf(v), false).encode(addressable(v))
	}
	return key
}

// Get reads one record, or returns [ErrNotFound].
func (k Kind[T]) Get(ctx context.Context, from Getter, scope Scope, key ...any) (T, error) {
	row, err := from.Get(ctx, scope, k.Table, k.Key(key...))
	if err != nil {
		var none T
		return none, err
	}
	return k.Decode(row)
}

// Scan reads the records that q selects; q.Table is filled in.
func (k Kind[T]) Scan(ctx context.Context, from Scanner, q Query) ([]T, error) {
	q.Table = k.Table
	rows, err := from.Scan(ctx, q)
	if err != nil {
		return nil, err
	}
	records := make([]T, len(rows))
	for i, row := range rows {
		if records[i], err = k.Decode(row); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// Decode turns a row of this kind's table into its record.
func (k Kind[T]) Decode(row Row) (T, error) {
	var record T
	if len(row) != len(k.fields) {
		return record, fmt.Errorf("decode %s: %d values for %d columns", k.Name, len(row), len(k.fields))
	}
	value := reflect.ValueOf(&record).Elem()
	for i, f := range k.fields {
		column := k.Columns[i]
		if !column.Type.holds(row[i]) {
			return record, fmt.Errorf("decode %s.%s: a %T", k.Name, column.Name, row[i])
		}
		if err := f.decode(value.Field(i), row[i]); err != nil {
			return record, fmt.Errorf("decode %s.%s: %w", k.Name, column.Name, err)
		}
	}
	return record, nil
}
