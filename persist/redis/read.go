package redis

import (
	"context"
	"errors"

	driver "github.com/redis/go-redis/v9"

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
	shape, known := shapes[table]
	if !known || table.Level != scope.Level() {
		return nil, persist.ErrNotFound
	}
	field := fieldOf(key)
	value, err := db.client.HGet(ctx, rowsKey(db.scopeKey(scope), table), string(field)).Bytes()
	if errors.Is(err, driver.Nil) {
		return nil, persist.ErrNotFound
	}
	if err != nil {
		return nil, db.failed(ctx, "read "+table.Name, err)
	}
	row, err := shape.parse(field, value)
	if err != nil {
		return nil, db.failed(ctx, "read "+table.Name, err)
	}
	return row, nil
}
