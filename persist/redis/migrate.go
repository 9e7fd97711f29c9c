package redis

import (
	"context"
	"errors"
	"fmt"

	driver "github.com/redis/go-redis/v9"

	"whatsapp-web-server/persist"
)

// migrations brings the data from the version of its place to the next one. Each
// may have been done in part before and is done again then.
var migrations = []func(context.Context, *DB) error{
	// The first version is what the scripts write; there is nothing to prepare.
	func(context.Context, *DB) error { return nil },
}

// Migrate implements [persist.Engine].
func (db *DB) Migrate(ctx context.Context) error {
	ctx, leave, err := db.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := db.upgrade(ctx); err != nil {
		return db.failed(ctx, "migrate", err)
	}
	return nil
}

// Schema implements [persist.Versioned].
func (db *DB) Schema(ctx context.Context) (stored, known int, err error) {
	ctx, leave, err := db.enter(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer leave()
	stored, err = db.version(ctx)
	if err != nil {
		return 0, 0, db.failed(ctx, "read the schema's version", err)
	}
	return stored, len(migrations), nil
}

func (db *DB) versionKey() string { return db.prefix + "schema_version" }

// version is that of the data, 0 where there are none.
func (db *DB) version(ctx context.Context) (int, error) {
	stored, err := db.client.Get(ctx, db.versionKey()).Int()
	if err != nil && !errors.Is(err, driver.Nil) {
		return 0, fmt.Errorf("read %s: %w", db.versionKey(), err)
	}
	return stored, nil
}

func (db *DB) upgrade(ctx context.Context) error {
	stored, err := db.version(ctx)
	if err != nil {
		return err
	}
	if stored > len(migrations) {
		return fmt.Errorf("%w: version %d, known is %d", persist.ErrSchemaTooNew, stored, len(migrations))
	}
	if stored < 0 {
		return fmt.Errorf("%s is %d, which was never a version", db.versionKey(), stored)
	}
	for version := stored; version < len(migrations); version++ {
		if err := migrations[version](ctx, db); err != nil {
			return fmt.Errorf("to version %d: %w", version+1, err)
		}
		if err := db.write(ctx, "SET", db.versionKey(), version+1).Err(); err != nil {
			return err
		}
	}
	return nil
}
