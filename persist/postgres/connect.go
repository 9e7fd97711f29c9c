package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// oldest is the first version of the server that is tested, as server_version_num
// has it.
const oldest = 140000

func (db *DB) connect(ctx context.Context) (err error) {
	if db.others, err = db.pool(0); err != nil {
		return err
	}
	if db.writers, err = db.pool(shards); err != nil {
		return err
	}
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	conn, err := db.others.Acquire(ctx)
	if err != nil {
		db.disconnect()
		return db.explain(err)
	}
	conn.Release()
	return nil
}

func (db *DB) disconnect() {
	db.others.Close()
	if db.writers != nil {
		db.writers.Close()
	}
}

// pool has at most that many connections; 0 leaves it to the URL or to pgxpool.
// None is made yet.
func (db *DB) pool(connections int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(db.config.URL)
	if err != nil {
		// The error holds the URL, and its password where it cannot be told apart.
		return nil, errors.New("the URL cannot be read: it must be like postgres://user:password@host:5432/database")
	}
	if connections > 0 {
		config.MaxConns = connections
		config.MinConns, config.MinIdleConns = 0, 0
	}
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	config.ConnConfig.ConnectTimeout = db.config.Timeout
	config.PingTimeout = db.config.Timeout
	maps.Copy(config.ConnConfig.RuntimeParams, db.settings())
	config.AfterConnect = db.inspect
	return pgxpool.NewWithConfig(context.Background(), config)
}

// settings are those of each session. Every statement goes along an index that was
// made for it; statistics of tables that were small a moment ago must not make
// the planner read them whole. Plans are made once for all values.
func (db *DB) settings() map[string]string {
	timeout := strconv.FormatInt(db.config.Timeout.Milliseconds(), 10)
	made := map[string]string{
		"application_name":                    "whatsapp-web-server",
		"statement_timeout":                   timeout,
		"idle_in_transaction_session_timeout": timeout,
		"plan_cache_mode":                     "force_generic_plan",
		"enable_seqscan":                      "off",
		"enable_sort":                         "off",
		"enable_hashjoin":                     "off",
		"enable_mergejoin":                    "off",
		"jit":                                 "off",
	}
	if !db.config.AllowLoss {
		made["synchronous_commit"] = "on"
	}
	return made
}

// inspect refuses a connection to what the engine cannot work with, at the start
// and whenever it connects again.
func (db *DB) inspect(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	var version int
	var encoding, fsync, fullPages, commit string
	var standby bool
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
		current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
		pg_is_in_recovery() OR current_setting('transaction_read_only')::bool`,
	).Scan(&version, &encoding, &fsync, &fullPages, &commit, &standby)
	switch {
	case err != nil:
		return err
	case version < oldest:
		return &unusableError{fmt.Sprintf("PostgreSQL %d is too old, it must be %d or newer", version/10000, oldest/10000)}
	case encoding != "UTF8":
		return &unusableError{fmt.Sprintf("the database has encoding %s, it must be UTF8", encoding)}
	case standby:
		return &unusableError{"the server is a read-only standby"}
	case !db.config.AllowLoss && (fsync != "on" || fullPages != "on" || commit != "on"):
		return &unusableError{fmt.Sprintf("commits would not be durable: fsync=%s, full_page_writes=%s, synchronous_commit=%s"+
			" (POSTGRES_ALLOW_LOSS=true permits it)", fsync, fullPages, commit)}
	}
	return nil
}
