package sqlite

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"whatsapp-web-server/persist"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate implements [persist.Engine].
func (db *DB) Migrate(ctx context.Context) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	if err := migrate(ctx, db.path); err != nil {
		return fmt.Errorf("migrate %s: %w", db.path, err)
	}
	return nil
}

// migrate works on a connection of its own, which goose may use as it likes.
func migrate(ctx context.Context, path string) error {
	pool, err := openPool(writerDSN(path), 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, pool, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
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
