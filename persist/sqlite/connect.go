package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// readers is the size of the pool that reads. Reads are short and the machine's
// cores few.
const readers = 4

// writerDSN is for the connections that write. A commit is flushed to the disk
// (synchronous=FULL); a checkpoint comes every 16 MB, which keeps it rare, and
// gives back what a burst made the log grow to beyond 64 MB. Foreign keys are
// not used but stay on for whoever adds one.
func writerDSN(path string) string {
	return dsn(path, url.Values{
		"_busy_timeout": {"10000"},
		"_auto_vacuum":  {"INCREMENTAL"}, // counts before the first table only
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"ON"},
		"_txlock":       {"immediate"},
		"_pragma": {
			"cache_size(-16000)", "temp_store(MEMORY)", "mmap_size(0)",
			"wal_autocheckpoint(4000)", "journal_size_limit(67108864)",
		},
	})
}

// readerDSN is for the connections of the pool.
func readerDSN(path string) string {
	return dsn(path, url.Values{
		"mode":          {"ro"},
		"_busy_timeout": {"10000"},
		"_query_only":   {"ON"},
		"_pragma":       {"cache_size(-4000)", "temp_store(MEMORY)", "mmap_size(0)"},
	})
}

func dsn(path string, settings url.Values) string {
	file := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: settings.Encode()}
	return file.String()
}

// create makes the data file and its folder, for this user alone. SQLite gives
// the files beside it the same mode.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Chmod(0o600), file.Close())
}

// checkSettings refuses a connection whose commits could be lost at a power
// failure, whatever the reason that the settings did not take.
func checkSettings(ctx context.Context, conn *sql.Conn) error {
	var mode string
	var synchronous int
	err := errors.Join(
		conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode),
		conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous),
	)
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	if full := 2; mode != "wal" || synchronous < full {
		return fmt.Errorf("commits would not be durable: journal_mode=%s, synchronous=%d", mode, synchronous)
	}
	return nil
}
