package mongo

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"whatsapp-web-server/persist"
)

// Get implements [persist.Engine].
func (db *DB) Get(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	ctx, leave, err := db.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := table.CheckKey(key); err != nil {
		return nil, err
	}
	if table.Level != scope.Level() {
		return nil, persist.ErrNotFound
	}
	if err := db.settle(ctx, scope); err != nil {
		return nil, fmt.Errorf("mongodb: get: %w", err)
	}
	row, err := db.row(ctx, scope, table, key)
	if err != nil && !errors.Is(err, persist.ErrNotFound) {
		return nil, fmt.Errorf("mongodb: get: %w", err)
	}
	return row, err
}

// settle brings what a call of this process may have committed, before it failed,
// into the tables.
func (db *DB) settle(ctx context.Context, scope persist.Scope) error {
	s := db.scopes.seen(scope)
	if s == nil || !s.pending.Load() {
		return nil
	}
	if err := s.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer s.turn.Release(1)
	if !s.pending.Load() {
		return nil
	}
	return db.load(ctx, s)
}

// row reads one row, or returns [persist.ErrNotFound].
func (db *DB) row(ctx context.Context, scope persist.Scope, table *persist.Table, key persist.Key) (persist.Row, error) {
	document, err := db.data.Collection(table.Name).FindOne(ctx, byID(place(scope, key...))).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, persist.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	row, err := rowOf(table, document)
	if err == nil && row == nil {
		err = persist.ErrNotFound
	}
	return row, err
}

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
	if q.Table.Level != q.Scope.Level() {
		return nil, nil
	}
	err = db.settle(ctx, q.Scope)
	var rows []persist.Row
	if err == nil {
		rows, err = db.scan(ctx, q)
	}
	if err != nil {
		return nil, fmt.Errorf("mongodb: scan: %w", err)
	}
	return rows, nil
}

func (db *DB) scan(ctx context.Context, q persist.Query) ([]persist.Row, error) {
	filter, order := selection(q)
	found, err := db.data.Collection(q.Table.Name).Find(ctx, filter,
		options.Find().SetSort(order).SetSkip(int64(q.Offset)).SetLimit(int64(q.Limit)))
	if err != nil {
		return nil, err
	}
	defer found.Close(ctx)
	var rows []persist.Row
	for found.Next(ctx) {
		row, err := rowOf(q.Table, found.Current)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, found.Err()
}

// selection is a query as a filter and a sort: one range of one index, and the
// words.
func selection(q persist.Query) (filter, order bson.D) {
	field := "_id"
	if q.Index != "" {
		field = record(ordersField) + "." + q.Index
	}
	begin, end := bounds(q)
	filter = append(from(field, begin, end), bson.E{Key: record(deletedField), Value: bson.D{{Key: "$exists", Value: false}}})
	if len(q.Match) > 0 {
		filter = append(filter, bson.E{Key: "$and", Value: words(q)})
	}
	direction := 1
	if q.Reverse {
		direction = -1
	}
	return filter, bson.D{{Key: field, Value: direction}}
}

// bounds is where the rows of q are in its order, the end excluded.
func bounds(q persist.Query) (begin, end string) {
	prefix := place(q.Scope, q.Prefix...)
	if len(q.After) == 0 {
		return prefix, beyond(prefix)
	}
	start := prefix + digits(q.After...)
	if q.Reverse {
		return prefix, start
	}
	return beyond(start), beyond(prefix)
}

// words has a condition for each term: an expression that the index of words is
// walked for, since it is anchored.
func words(q persist.Query) bson.A {
	var conditions bson.A
	for _, term := range q.Match {
		pattern := "^" + regexp.QuoteMeta(ownerPrefix(q.Scope)+term)
		conditions = append(conditions, bson.D{{Key: record(termsField), Value: bson.Regex{Pattern: pattern}}})
	}
	return conditions
}
