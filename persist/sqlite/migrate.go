package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redo"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate implements [persist.Engine].
func (db *DB) Migrate(ctx context.Context) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	if err := db.migrate(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", db.path, err)
	}
	return nil
}

// migrate replays the log when the tables are as this program has them: what it holds
// is records, not rows of the file.
func (db *DB) migrate(ctx context.Context) error {
	if err := db.checkLog(ctx); err != nil {
		return err
	}
	if err := upgrade(ctx, db.path); err != nil {
		return err
	}
	return db.openLog(ctx)
}

// checkLog refuses a log that this program cannot read, while the tables are still as
// the one that wrote it has them.
func (db *DB) checkLog(ctx context.Context) error {
	rows, err := db.readers.query(ctx, 1, "SELECT 1 FROM sqlite_schema WHERE name = 'redo'", nil)
	if err != nil || len(rows) == 0 {
		return err
	}
	salt, applied, err := db.logPlace(ctx)
	if err != nil {
		return err
	}
	return redo.Check(db.path, salt, applied)
}

// logPlace tells what the log's own salt is, and up to which number of it the file has
// everything.
func (db *DB) logPlace(ctx context.Context) (salt uint32, applied uint64, err error) {
	rows, err := db.readers.query(ctx, 2, "SELECT salt, applied FROM redo", nil)
	if err != nil {
		return 0, 0, fmt.Errorf("read the log's place: %w", err)
	}
	return uint32(rows[0][0].(int64)), uint64(rows[0][1].(int64)), nil
}

// openLog brings what the log holds beyond the file into it, as it was left by a
// crash, and is ready to write it then.
func (db *DB) openLog(ctx context.Context) error {
	salt, applied, err := db.logPlace(ctx)
	if err != nil {
		return err
	}
	return db.ahead.Open(ctx, db.path, salt, applied)
}

// upgrade works on a connection of its own, which goose may use as it likes.
func upgrade(ctx context.Context, path string) error {
	pool, err := openPool(writerDSN(path), 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	provider, err := newProvider(pool)
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

func newProvider(pool *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, pool, files, goose.WithDisableGlobalRegistry(true),
		goose.WithGoMigrations(goose.NewGoMigration(6, &goose.GoFunc{RunTx: fillWords}, nil)))
}

// fillWords makes texts findable that were stored before texts were.
func fillWords(ctx context.Context, tx *sql.Tx) error {
	for last := int64(0); ; {
		texts, err := textsWithoutWords(ctx, tx, last)
		if err != nil || len(texts) == 0 {
			return err
		}
		for _, t := range texts {
			words := persist.NewMessageContent(persist.Message{Chat: t.chat}, t.body).Words
			if _, err := tx.ExecContext(ctx, "UPDATE message_content SET words = ? WHERE rowid = ?", words, t.number); err != nil {
				return err
			}
			last = t.number
		}
	}
}

type wordlessText struct {
	number     int64
	chat, body string
}

// textsWithoutWords are some of those beyond a number.
func textsWithoutWords(ctx context.Context, tx *sql.Tx, beyond int64) ([]wordlessText, error) {
	rows, err := tx.QueryContext(ctx,
		"SELECT rowid, chat, body FROM message_content WHERE rowid > ? AND words = '' ORDER BY rowid LIMIT 1000", beyond)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []wordlessText
	for rows.Next() {
		var t wordlessText
		if err := rows.Scan(&t.number, &t.chat, &t.body); err != nil {
			return nil, err
		}
		found = append(found, t)
	}
	return found, rows.Err()
}
