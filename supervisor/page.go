package supervisor

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Page asks for a part of a list.
type Page struct {
	// Limit bounds it and must be positive.
	Limit int
	// Offset skips as many before it.
	Offset int
	// Cursor is where the page before ended, as that page said; empty begins at
	// the start. It stays good while records come and go. One that this list has
	// not given is refused with invalid_request.
	Cursor string
}

// scanPage reads the page of q that is asked for, and the cursor of the next
// one, which is empty if this was the last.
func scanPage[T any](ctx context.Context, r *reading, kind persist.Kind[T], q persist.Query, page Page) ([]T, string, error) {
	q.Table = kind.Table
	if page.Cursor != "" {
		after, err := parsePlace(page.Cursor, q)
		if err != nil {
			return nil, "", err
		}
		q.After = after
	}
	q.Scope, q.Offset, q.Limit = r.Scope, page.Offset, page.Limit+1
	records, err := kind.Scan(ctx, r, q)
	if err != nil || len(records) <= page.Limit {
		return records, "", err
	}
	records = records[:page.Limit]
	return records, formatPlace(q, placeOf(kind, q, records[page.Limit-1])), nil
}

// placeOf is where a record stands in the order of q: what After has to be to go
// on behind it.
func placeOf[T any](kind persist.Kind[T], q persist.Query, record T) persist.Key {
	row := kind.Put(record).Row
	var place persist.Key
	for _, position := range kind.Positions(q.Index)[len(q.Prefix):] {
		place = append(place, row[position])
	}
	return place
}

// formatPlace writes a place in a table for somebody to give back.
func formatPlace(q persist.Query, place persist.Key) string {
	text, err := json.Marshal(append([]any{q.Table.Name}, place...))
	if err != nil {
		panic(fmt.Sprintf("encode cursor: %v", err)) // strings and integers
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

var errCursor = errors.New("not a cursor of this list")

// parsePlace is the inverse of formatPlace for the same table and order.
func parsePlace(cursor string, q persist.Query) (persist.Key, error) {
	place, err := decodePlace(cursor, q)
	if err != nil {
		return nil, &actors.Error{
			Code: actors.CodeInvalidRequest, Field: "cursor", Message: "cursor: " + errCursor.Error(), Cause: err,
		}
	}
	return place, nil
}

func decodePlace(cursor string, q persist.Query) (persist.Key, error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, err
	}
	var values []any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return nil, err
	}
	positions := q.Table.Positions(q.Index)[len(q.Prefix):]
	if len(values) != 1+len(positions) || values[0] != q.Table.Name {
		return nil, errCursor
	}
	place := persist.Key(values[1:])
	for i, position := range positions {
		if place[i], err = placeValue(q.Table.Columns[position].Type, place[i]); err != nil {
			return nil, err
		}
	}
	return place, nil
}

// placeValue takes what JSON made of a column's value back to what it was.
func placeValue(column persist.Type, decoded any) (any, error) {
	switch value := decoded.(type) {
	case string:
		if column == persist.Text {
			return persist.Storable(value), nil
		}
	case json.Number:
		if column == persist.Integer {
			return value.Int64()
		}
	}
	return nil, errCursor
}
