package mongo

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/tuple"
)

// The fields of a record that are no columns.
const (
	entryField   = "_entry"   // the number of the entry that wrote it; the first field
	deletedField = "_deleted" // when, of a record that is no more
	ordersField  = "_orders"  // the row's place in each declared order, by its name
	termsField   = "_terms"   // the words it is found by
	ownerField   = "account_number"
)

// record is the path of a record's field in a row's document.
func record(field string) string { return "record." + field }

// place returns where in an order a row with these values is: text that compares
// as the values do, among those of all owners.
func place(scope persist.Scope, values ...any) string {
	return ownerPrefix(scope) + digits(values...)
}

// digits is the ordered form of values in hexadecimal: as text it keeps its order,
// as bytes MongoDB would compare the lengths first.
func digits(values ...any) string { return hex.EncodeToString(tuple.AppendKey(nil, values...)) }

// ownerPrefix begins the places of a scope. What escapes an owner has no bar.
func ownerPrefix(scope persist.Scope) string { return url.PathEscape(scope.Owner()) + "|" }

// beyond compares greater than the places that begin with prefix: no digit does.
func beyond(prefix string) string { return prefix + "g" }

// write is a row to be written: a part of an entry.
type write struct {
	Table  string   `bson:"table"`
	ID     string   `bson:"id"`
	Record bson.Raw `bson:"record"`
}

// writesOf turns mutations into the last write of each row.
func writesOf(scope persist.Scope, mutations []persist.Mutation, entry int64) ([]write, error) {
	var writes []write
	places := map[string]int{}
	for _, m := range mutations {
		record, err := bson.Marshal(recordOf(scope, m, entry))
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", persist.ErrPoisoned, m.Table.Name, err)
		}
		if len(record) > maxRecordBytes {
			return nil, fmt.Errorf("%w: %s: a row of %d bytes", persist.ErrPoisoned, m.Table.Name, len(record))
		}
		w := write{m.Table.Name, place(scope, m.Key()...), record}
		if at, again := places[w.Table+w.ID]; again {
			writes[at] = w
			continue
		}
		places[w.Table+w.ID] = len(writes)
		writes = append(writes, w)
	}
	return writes, nil
}

func recordOf(scope persist.Scope, m persist.Mutation, entry int64) bson.D {
	made := bson.D{{Key: entryField, Value: entry}}
	if m.Delete {
		return append(made, bson.E{Key: deletedField, Value: time.Now()})
	}
	if m.Table == persist.AuthSessions.Table {
		made = append(made, bson.E{Key: ownerField, Value: scope.Owner()})
	}
	for i, column := range m.Table.Columns {
		made = append(made, bson.E{Key: column.Name, Value: valueOf(m.Table, column, m.Row[i])})
	}
	if len(m.Table.Indexes) > 0 {
		made = append(made, bson.E{Key: ordersField, Value: ordersOf(scope, m)})
	}
	if m.Table.Searched > 0 {
		made = append(made, bson.E{Key: termsField, Value: termsOf(scope, m.Row[m.Table.Searched].(string))})
	}
	return made
}

func ordersOf(scope persist.Scope, m persist.Mutation) bson.D {
	var orders bson.D
	for _, index := range m.Table.Indexes {
		var values []any
		for _, position := range m.Table.Positions(index.Name) {
			values = append(values, m.Row[position])
		}
		orders = append(orders, bson.E{Key: index.Name, Value: place(scope, values...)})
	}
	return orders
}

// termsOf splits words of [persist.Words]. Each follows its owner, so that one
// index finds an owner's words.
func termsOf(scope persist.Scope, words string) []string {
	terms := strings.Split(words, " ")[1:]
	slices.Sort(terms)
	terms = slices.Compact(terms)
	for i := range terms {
		terms[i] = ownerPrefix(scope) + terms[i]
	}
	return terms
}

// valueOf is a column's value in BSON. The times of a registration, which others
// may read, are dates.
func valueOf(table *persist.Table, column persist.Column, value any) any {
	switch v := value.(type) {
	case []byte:
		return bson.Binary{Data: v}
	case int64:
		if table == persist.AuthSessions.Table && strings.HasSuffix(column.Name, "_at") {
			return bson.DateTime(v)
		}
	}
	return value
}

// rowOf reads a row's document, or nothing if the row was deleted.
func rowOf(table *persist.Table, document bson.Raw) (persist.Row, error) {
	fields, err := document.LookupErr("record")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", table.Name, err)
	}
	elements, err := fields.Document().Elements()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", table.Name, err)
	}
	stored := make(map[string]bson.RawValue, len(elements))
	for _, e := range elements {
		stored[e.Key()] = e.Value()
	}
	if _, deleted := stored[deletedField]; deleted {
		return nil, nil
	}
	row := make(persist.Row, len(table.Columns))
	for i, column := range table.Columns {
		value, known := stored[column.Name]
		if !known { // the column is newer than the row
			row[i] = column.Type.Zero()
			continue
		}
		if row[i], err = read(value, column.Type); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", table.Name, column.Name, err)
		}
	}
	return row, nil
}

func read(value bson.RawValue, t persist.Type) (any, error) {
	switch t {
	case persist.Text:
		if text, ok := value.StringValueOK(); ok {
			return text, nil
		}
	case persist.Integer:
		if number, ok := value.AsInt64OK(); ok {
			return number, nil
		}
		if time, ok := value.DateTimeOK(); ok {
			return time, nil
		}
	default:
		if _, bytes, ok := value.BinaryOK(); ok {
			return slices.Clip(append([]byte{}, bytes...)), nil
		}
	}
	return nil, fmt.Errorf("a %s", value.Type)
}
