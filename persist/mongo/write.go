package mongo

import (
	"context"
	"errors"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"
)

const (
	// bulk is how many rows one command writes.
	bulk = 1000
	// bulksAtOnce bounds the commands that one call has under way.
	bulksAtOnce = 8
)

// write brings rows into their tables, unless these have newer ones. It returns a
// result for each. No two are of the same row.
func (db *DB) write(ctx context.Context, writes []write) []error {
	results := make([]error, len(writes))
	var group errgroup.Group
	group.SetLimit(bulksAtOnce)
	byTable := placesByTable(writes)
	for _, table := range slices.Sorted(maps.Keys(byTable)) {
		for places := range slices.Chunk(byTable[table], bulk) {
			group.Go(func() error {
				db.writeTo(ctx, table, writes, places, results)
				return nil
			})
		}
	}
	_ = group.Wait() // each row has its result
	return results
}

func placesByTable(writes []write) map[string][]int {
	places := map[string][]int{}
	for i, w := range writes {
		places[w.Table] = append(places[w.Table], i)
	}
	return places
}

// writeTo writes those rows of writes that are at places into one table.
func (db *DB) writeTo(ctx context.Context, table string, writes []write, places []int, results []error) {
	models := make([]mongo.WriteModel, len(places))
	for i, at := range places {
		models[i] = mongo.NewUpdateOneModel().SetFilter(byID(writes[at].ID)).SetUpsert(true).
			SetUpdate(bson.D{{Key: "$max", Value: bson.D{{Key: "record", Value: writes[at].Record}}}})
	}
	_, err := db.data.Collection(table).BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	if err == nil {
		return
	}
	rows, ok := errors.AsType[mongo.BulkWriteException](err)
	if !ok || rows.WriteConcernError != nil || len(rows.WriteErrors) == 0 {
		for _, at := range places {
			results[at] = err
		}
		return
	}
	for _, e := range rows.WriteErrors {
		results[places[e.Index]] = e
	}
}
