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

func (db *DB) upgrade(ctx context.Context) error {
	key := db.prefix + "schema_version"
	stored, err := db.client.Get(ctx, key).Int()
	if err != nil && !errors.Is(err, driver.Nil) {
		return fmt.Errorf("read %s: %w", key, err)
	}
	if stored > len(migrations) {
		return fmt.Errorf("%w: version %d, known is %d", persist.ErrSchemaTooNew, stored, len(migrations))
	}
	if stored < 0 {
		return fmt.Errorf("%s is %d, which was never a version", key, stored)
	}
	for version := stored; version < len(migrations); version++ {
		if err := migrations[version](ctx, db); err != nil {
			return fmt.Errorf("to version %d: %w", version+1, err)
		}
		if err := db.write(ctx, "SET", key, version+1).Err(); err != nil {
			return err
		}
	}
	return nil
}
