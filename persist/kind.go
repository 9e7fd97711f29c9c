package persist

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Kind ties the Go struct T to its table. The exported fields of T carry the
// tag `col:"name"`, with `,key` for the key (which comes first) and `,json` for
// a value stored as JSON text. Strings, booleans, integers, byte slices, byte
// arrays and times need no option.
type Kind[T any] struct {
	*Table
	fields []field
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
	var fields []field
	typ := reflect.TypeFor[T]()
	for i := range typ.NumField() {
		f, isKey := newField(typ.Field(i), i)
		if isKey {
			table.KeyColumns++
		}
		table.Columns = append(table.Columns, f.column)
		fields = append(fields, f)
	}
	at := table.KeyColumns
	table.Versioned = at < len(fields) && fields[at].column.Name == "version"
	return Kind[T]{Table: table, fields: fields}
}

// Put returns the mutation that stores record.
func (k Kind[T]) Put(record T) Mutation {
	value := reflect.ValueOf(record)
	row := make(Row, len(k.fields))
	for i, f := range k.fields {
		row[i] = f.encode(value.Field(f.index))
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
		key[i] = plain(v)
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
		if err := f.decode(value.Field(f.index), row[i]); err != nil {
			return record, fmt.Errorf("decode %s.%s: %w", k.Name, f.column.Name, err)
		}
	}
	return record, nil
}

// field is how one struct field is stored.
type field struct {
	index  int
	column Column
	json   bool
}

func newField(f reflect.StructField, index int) (field, bool) {
	name, options, _ := strings.Cut(f.Tag.Get("col"), ",")
	if name == "" {
		panic(fmt.Sprintf("persist: field %s has no col tag", f.Name))
	}
	made := field{index: index, json: options == "json"}
	made.column = Column{Name: name, Type: columnType(f.Type, made.json)}
	return made, options == "key"
}

var timeType = reflect.TypeFor[time.Time]()

func columnType(t reflect.Type, asJSON bool) Type {
	switch {
	case asJSON:
		return Text
	case t == timeType:
		return Integer
	case t.Kind() == reflect.String:
		return Text
	case t.Kind() == reflect.Bool, isInteger(t.Kind()):
		return Integer
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8,
		t.Kind() == reflect.Array && t.Elem().Kind() == reflect.Uint8:
		return Blob
	}
	panic(fmt.Sprintf("persist: cannot store a %s", t))
}

func isInteger(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Uint64 }

func (f field) encode(v reflect.Value) any {
	if f.json {
		text, err := json.Marshal(v.Interface())
		if err != nil {
			panic(fmt.Sprintf("persist: encode %s: %v", f.column.Name, err))
		}
		return Storable(string(text))
	}
	return plainValue(v)
}

func (f field) decode(into reflect.Value, value any) error {
	switch stored := value.(type) {
	case string:
		if f.json {
			return json.Unmarshal([]byte(stored), into.Addr().Interface())
		}
		into.SetString(stored)
	case int64:
		setInteger(into, stored)
	case []byte:
		setBytes(into, stored)
	default:
		return fmt.Errorf("a %T", value)
	}
	return nil
}

func plain(v any) any { return plainValue(reflect.ValueOf(v)) }

func plainValue(v reflect.Value) any {
	switch kind := v.Kind(); {
	case v.Type() == timeType:
		return Milliseconds(v.Interface().(time.Time))
	case kind == reflect.String:
		return Storable(v.String())
	case kind == reflect.Bool:
		if v.Bool() {
			return int64(1)
		}
		return int64(0)
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return int64(v.Uint())
	case kind == reflect.Array:
		copied := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(copied), v)
		return copied
	default:
		if v.IsNil() {
			return []byte{}
		}
		return v.Bytes()
	}
}

func setInteger(into reflect.Value, stored int64) {
	switch {
	case into.Type() == timeType:
		into.Set(reflect.ValueOf(Time(stored)))
	case into.Kind() == reflect.Bool:
		into.SetBool(stored != 0)
	case into.CanInt():
		into.SetInt(stored)
	default:
		into.SetUint(uint64(stored))
	}
}

func setBytes(into reflect.Value, stored []byte) {
	if into.Kind() == reflect.Array {
		reflect.Copy(into, reflect.ValueOf(stored))
		return
	}
	into.SetBytes(stored)
}

// Milliseconds is the stored form of a time; the zero time is 0.
func Milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Time is the inverse of [Milliseconds], in UTC.
func Time(milliseconds int64) time.Time {
	if milliseconds == 0 {
		return time.Time{}
	}
	return time.UnixMilli(milliseconds).UTC()
}

// Storable makes text safe for every engine: valid UTF-8 without NUL, which
// PostgreSQL refuses; what was wrong becomes U+FFFD.
func Storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
