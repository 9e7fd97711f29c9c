package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"whatsapp-web-server/persist"
)

const (
	// maxRecordBytes is what a document of at most 16 MB (MongoDB's limit) has room
	// for, with what stands around it.
	maxRecordBytes = 15 << 20
	// inlineBytes of rows are kept in the scope's document, which each commit
	// replaces, and in each chunk.
	inlineBytes = 2 << 20
)

// entry is a committed batch.
type entry struct {
	Writes []write `bson:"writes"`
	// Chunks begins the ids of the documents that hold the writes of a large entry. It
	// is applied once they are gone.
	Chunks string `bson:"chunks,omitempty"`
}

// chunksCollection holds parts of large entries until their rows are written.
const chunksCollection = "storage_chunks"

// chunk is a part of a large entry.
type chunk struct {
	ID     string  `bson:"_id"`
	Writes []write `bson:"writes"`
}

// chunkPrefix begins the ids of the scope's chunks of one generation, which compare
// as their generations do.
func chunkPrefix(scope persist.Scope, generation uint64) string {
	return fmt.Sprintf("%s%016x|", scopeID(scope), generation)
}

// entryOf returns the entry of these writes. What is too large for the scope's
// document is stored before.
func (db *DB) entryOf(ctx context.Context, s *state, writes []write) (entry, error) {
	parts := split(writes, db.inline)
	if len(parts) == 1 {
		return entry{Writes: writes}, nil
	}
	made := entry{Writes: []write{}, Chunks: chunkPrefix(s.scope, s.generation) + bson.NewObjectID().Hex() + "|"}
	for i, part := range parts {
		stored := chunk{ID: fmt.Sprintf("%s%08d", made.Chunks, i), Writes: part}
		if _, err := db.data.Collection(chunksCollection).InsertOne(ctx, stored); err != nil {
			return entry{}, fmt.Errorf("store a part of a large batch: %w", err)
		}
	}
	return made, nil
}

// split cuts writes into parts of about limit bytes. There is at least one.
func split(writes []write, limit int) [][]write {
	parts := [][]write{{}}
	size := 0
	for _, w := range writes {
		bytes := len(w.Table) + len(w.ID) + len(w.Record)
		last := len(parts) - 1
		if size += bytes; size > limit && len(parts[last]) > 0 {
			parts, size, last = append(parts, nil), bytes, last+1
		}
		parts[last] = append(parts[last], w)
	}
	return parts
}

// replay writes the rows of entries, which may be in the tables already.
func (db *DB) replay(ctx context.Context, journal []entry) error {
	for _, e := range journal {
		if err := errors.Join(db.write(ctx, e.Writes)...); err != nil {
			return err
		}
		if err := db.replayChunks(ctx, e.Chunks); err != nil {
			return err
		}
	}
	return nil
}

// replayChunks does nothing without a prefix.
func (db *DB) replayChunks(ctx context.Context, prefix string) error {
	if prefix == "" {
		return nil
	}
	found, err := db.data.Collection(chunksCollection).Find(ctx, from("_id", prefix, prefix+"~"), options.Find().SetSort(ascending("_id")).SetBatchSize(1))
	if err != nil {
		return err
	}
	defer found.Close(ctx)
	for found.Next(ctx) {
		var part chunk
		if err := found.Decode(&part); err != nil {
			return err
		}
		if err := errors.Join(db.write(ctx, part.Writes)...); err != nil {
			return err
		}
	}
	return found.Err()
}

// dropChunks removes what earlier generations have left. What they may still store
// is never committed.
func (db *DB) dropChunks(ctx context.Context, scope persist.Scope, generation uint64) error {
	_, err := db.data.Collection(chunksCollection).DeleteMany(ctx, from("_id", scopeID(scope), chunkPrefix(scope, generation)))
	return err
}

// forget removes the chunks of an entry whose rows are written.
func (db *DB) forget(ctx context.Context, e entry) {
	if e.Chunks == "" {
		return
	}
	// If it fails, the next generation removes them.
	_, _ = db.data.Collection(chunksCollection).DeleteMany(ctx, from("_id", e.Chunks, e.Chunks+"~"))
}

// from selects what lies in a range, the end excluded.
func from(field, begin, end string) bson.D {
	return bson.D{{Key: field, Value: bson.D{{Key: "$gte", Value: begin}, {Key: "$lt", Value: end}}}}
}

func ascending(field string) bson.D { return bson.D{{Key: field, Value: 1}} }
