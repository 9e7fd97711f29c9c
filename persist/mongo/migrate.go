package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"whatsapp-web-server/persist"
)

// schemaCollection holds one document with the version of the schema.
const schemaCollection = "storage_schema"

// migrations lead from each version of the stored form to the next; the first from
// 0, which is an empty database. Several nodes may run one at once, and one may run
// again after it failed half way. New tables and indexes need none: they are made
// at every start.
var migrations = []func(context.Context, *DB) error{
	func(context.Context, *DB) error { return nil },
}

// Migrate implements [persist.Engine].
func (db *DB) Migrate(ctx context.Context) error {
	ctx, leave, err := db.enterFor(ctx, longTimeout)
	if err != nil {
		return err
	}
	defer leave()
	if err := db.migrate(ctx); err != nil {
		return fmt.Errorf("migrate mongodb: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	db.stop = stop
	db.running.Go(func() { db.run(running) })
	return nil
}

// Schema implements [persist.Versioned].
func (db *DB) Schema(ctx context.Context) (stored, known int, err error) {
	ctx, leave, err := db.enter(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer leave()
	if stored, err = db.version(ctx); err != nil {
		return 0, 0, fmt.Errorf("read the schema's version: %w", err)
	}
	return stored, len(migrations), nil
}

// migrate replays journals before it changes what they were written for.
func (db *DB) migrate(ctx context.Context) error {
	version, err := db.version(ctx)
	if err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("%w: version %d, known is %d", persist.ErrSchemaTooNew, version, len(migrations))
	}
	if err := db.declare(ctx); err != nil {
		return err
	}
	if err := db.replayAll(ctx); err != nil {
		return err
	}
	for ; version < len(migrations); version++ {
		if err := migrations[version](ctx, db); err != nil {
			return fmt.Errorf("to version %d: %w", version+1, err)
		}
		if err := db.setVersion(ctx, version+1); err != nil {
			return err
		}
	}
	return nil
}

// version is that of the stored form, 0 in a new database.
func (db *DB) version(ctx context.Context) (int, error) {
	var schema struct {
		Version int `bson:"version"`
	}
	err := db.data.Collection(schemaCollection).FindOne(ctx, byID("schema")).Decode(&schema)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return 0, nil
	}
	return schema.Version, err
}

func (db *DB) setVersion(ctx context.Context, version int) error {
	_, err := db.data.Collection(schemaCollection).UpdateOne(ctx, byID("schema"),
		bson.D{{Key: "$max", Value: bson.D{{Key: "version", Value: version}}}}, options.UpdateOne().SetUpsert(true))
	return err
}

// replayAll brings the rows of every scope's entry into the tables: a crash may
// have come between.
func (db *DB) replayAll(ctx context.Context) error {
	found, err := db.data.Collection(scopesCollection).Find(ctx, bson.D{})
	if err != nil {
		return err
	}
	defer found.Close(ctx)
	var waiting entry
	for found.Next(ctx) {
		var stored scopeDocument
		if err := found.Decode(&stored); err != nil {
			return err
		}
		for _, e := range stored.Journal {
			waiting.Writes = append(waiting.Writes, e.Writes...)
			if err := db.replayChunks(ctx, e.Chunks); err != nil {
				return err
			}
		}
		if len(waiting.Writes) < bulk {
			continue
		}
		if err := db.replay(ctx, []entry{waiting}); err != nil {
			return err
		}
		waiting = entry{}
	}
	return errors.Join(found.Err(), db.replay(ctx, []entry{waiting}))
}

// declare creates the collections and indexes of all tables, as far as they are not
// there. FerretDB, which uses no index but that of _id, makes collections by itself.
func (db *DB) declare(ctx context.Context) error {
	if db.ferret {
		return nil
	}
	if err := db.declareAuthSessions(ctx); err != nil {
		return err
	}
	for _, table := range persist.Tables() {
		if _, err := db.data.Collection(table.Name).Indexes().CreateMany(ctx, indexesOf(table)); err != nil {
			return fmt.Errorf("indexes of %s: %w", table.Name, err)
		}
	}
	return nil
}

func indexesOf(table *persist.Table) []mongo.IndexModel {
	models := []mongo.IndexModel{{
		Keys: ascending(record(deletedField)), Options: options.Index().SetName("deleted").SetSparse(true),
	}}
	for _, index := range table.Indexes {
		models = append(models, mongo.IndexModel{
			Keys: ascending(record(ordersField) + "." + index.Name), Options: options.Index().SetName(index.Name).SetSparse(true),
		})
	}
	if table.Searched > 0 {
		models = append(models, mongo.IndexModel{
			Keys: ascending(record(termsField)), Options: options.Index().SetName("words").SetSparse(true),
		})
	}
	return models
}

// namespaceExists is one of MongoDB's error codes.
const namespaceExists = 48

// declareAuthSessions gives the registrations of devices a schema, which others
// can rely on and must keep to.
func (db *DB) declareAuthSessions(ctx context.Context) error {
	name := persist.AuthSessions.Name
	schema := bson.D{{Key: "$jsonSchema", Value: authSessionSchema()}}
	err := db.data.CreateCollection(ctx, name, options.CreateCollection().SetValidator(schema))
	if slices.Contains(codes(err), namespaceExists) {
		err = db.data.RunCommand(ctx, bson.D{{Key: "collMod", Value: name}, {Key: "validator", Value: schema}}).Err()
	}
	if err != nil {
		return fmt.Errorf("schema of %s: %w", name, err)
	}
	return nil
}

// authSessionSchema describes a registration, and what a deleted one leaves.
func authSessionSchema() bson.D {
	field := func(kind string) bson.D { return bson.D{{Key: "bsonType", Value: kind}} }
	object := func(required bson.A, properties bson.D) bson.D {
		return bson.D{{Key: "bsonType", Value: "object"}, {Key: "required", Value: required}, {Key: "properties", Value: properties}}
	}
	registered := object(bson.A{entryField, ownerField, "auth_state", "created_at", "updated_at"}, bson.D{
		{Key: entryField, Value: field("long")},
		{Key: ownerField, Value: bson.D{{Key: "bsonType", Value: "string"}, {Key: "maxLength", Value: 50}}},
		{Key: "auth_state", Value: field("string")},
		{Key: "created_at", Value: field("date")},
		{Key: "updated_at", Value: field("date")},
	})
	deleted := object(bson.A{entryField, deletedField}, bson.D{{Key: entryField, Value: field("long")}, {Key: deletedField, Value: field("date")}})
	return object(bson.A{"record"}, bson.D{{Key: "record", Value: bson.D{{Key: "anyOf", Value: bson.A{registered, deleted}}}}})
}
