package postgres_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist/postgres"
)

// requireRefused returns why a URL cannot be opened: in one line, without secrets.
func requireRefused(t *testing.T, url string) string {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	require.Error(t, err)
	require.Nil(t, db)
	require.NotContains(t, err.Error(), "hush")
	require.NotContains(t, err.Error(), "\n")
	return err.Error()
}

func TestUnusableDatabaseIsOneSentenceWithoutThePassword(t *testing.T) {
	address := server.Server(t).Address
	execute(t, "postgres://postgres@"+address+"/postgres", "CREATE ROLE "+backends.PostgresGuarded+" LOGIN PASSWORD 'hush right'")

	for url, reason := range map[string]string{
		"postgres://guarded:hush-wrong@" + address + "/postgres": `PostgreSQL at ` + address + ` refuses the password of user "guarded"`,
		"postgres://guarded@" + address + "/postgres":            `refuses the password of user "guarded"`,
		"postgres://nobody:hush@" + address + "/postgres":        `does not admit user "nobody" to database "postgres"`,
		"postgres://postgres:hush@" + address + "/nowhere":       `has no database "nowhere"`,
		"postgres://postgres:hush@127.0.0.1:1/postgres":          "PostgreSQL at 127.0.0.1:1 cannot be reached: connect: connection refused",
		"postgres://postgres:hu\x00sh@%zz/":                      "the URL cannot be read",
		"host=a password=hush port=many":                         "the URL cannot be read",
	} {
		require.Contains(t, requireRefused(t, url), reason, url)
	}
	db, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://guarded:hush%20right@" + address + "/postgres"})
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestSettingsThatLoseCommitsAreRefused(t *testing.T) {
	weak := backends.Start(t, backends.Postgres("fsync=off", "full_page_writes=off"), filepath.Join(t.TempDir(), "data"))
	url := backends.Database(t, weak, "weak", "template1")
	require.Contains(t, requireRefused(t, url), "commits would not be durable: "+
		"fsync=off, full_page_writes=off, synchronous_commit=on (POSTGRES_ALLOW_LOSS=true permits it)")

	allowed := postgres.Config{URL: url, AllowLoss: true}
	db, err := postgres.Open(t.Context(), allowed)
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	require.NoError(t, db.Health(t.Context()))
	require.NoError(t, db.Close())

	require.NoError(t, weak.Kill())
	require.NoError(t, os.WriteFile(filepath.Join(weak.Dir, "standby.signal"), nil, 0o644))
	require.NoError(t, weak.Restart())
	_, err = postgres.Open(t.Context(), allowed)
	require.ErrorContains(t, err, "is a read-only standby")
}

func TestSynchronousCommitIsAskedForWhateverTheServerHas(t *testing.T) {
	url := newDatabase(t)
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	execute(t, url, "ALTER DATABASE "+config.Database+" SET synchronous_commit = off")
	for _, url := range []string{url, url + "?synchronous_commit=off"} {
		db := openURL(t, url)
		require.NoError(t, db.Health(t.Context()))
		require.NoError(t, db.Close())
	}
}

func TestOtherEncodingThanUTF8IsRefused(t *testing.T) {
	address := server.Server(t).Address
	execute(t, "postgres://postgres@"+address+"/postgres", "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'")
	require.Contains(t, requireRefused(t, "postgres://postgres@"+address+"/latin"), "has encoding LATIN1, it must be UTF8")
}

// execute runs statements in a database without any code of the engine.
func execute(t testing.TB, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

// texts returns what a query selects, a column of text.
func texts(t testing.TB, url, query string, values ...any) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), query, values...)
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return found
}

// hold keeps the locks of a statement until it is released.
func hold(t testing.TB, url, statement string) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), statement)
	require.NoError(t, err)
	return func() {
		require.NoError(t, tx.Commit(t.Context()))
		require.NoError(t, conn.Close(t.Context()))
	}
}
