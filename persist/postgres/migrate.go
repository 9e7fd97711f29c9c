package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"whatsapp-web-server/persist"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate implements [persist.Engine]. Nodes that start at once wait for each
// other. Changing large tables may take its time: only ctx ends it.
func (db *DB) Migrate(ctx context.Context) error { return db.migrating(ctx, upgrade) }

// Schema implements [persist.Versioned].
func (db *DB) Schema(ctx context.Context) (stored, known int, err error) {
	err = db.migrating(ctx, func(ctx context.Context, provider *goose.Provider) error {
		from, to, err := provider.GetVersions(ctx)
		stored, known = int(from), int(to)
		return err
	})
	return stored, known, err
}

// migrating does something about the schema, while no other node does.
func (db *DB) migrating(ctx context.Context, do func(context.Context, *goose.Provider) error) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	config := db.others.Config().ConnConfig
	config.RuntimeParams["statement_timeout"] = "0"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	pool := stdlib.OpenDB(*config)
	defer pool.Close()
	if err := alone(ctx, pool, do); err != nil {
		return db.failure("migrate", err)
	}
	return nil
}

// alone holds the lock that goose's own locker would take; but that asks for it
// only every so often, and not before it has made its table.
func alone(ctx context.Context, pool *sql.DB, do func(context.Context, *goose.Provider) error) error {
	holder, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer holder.Close()
	if _, err := holder.ExecContext(ctx, "SELECT pg_advisory_lock($1)", lock.DefaultLockID); err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	return do(ctx, provider)
}

func upgrade(ctx context.Context, provider *goose.Provider) error {
	stored, known, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if stored > known {
		return fmt.Errorf("%w: version %d, known is %d", persist.ErrSchemaTooNew, stored, known)
	}
	_, err = provider.Up(ctx)
	return err
}
