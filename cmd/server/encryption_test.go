package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/engines"
	"whatsapp-web-server/persist/persisttest"
	"whatsapp-web-server/persist/vault"
)

// keys of tests, as the environment gives them.
var (
	oneKey     = hex.EncodeToString([]byte("an operator's key with 32 bytes."))
	anotherKey = base64.StdEncoding.EncodeToString([]byte("another operator's with 32 bytes"))
)

func TestInDevelopmentAKeyIsMadeBesideTheData(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "db")
	environment := []string{"SQLITE_DB_PATH=" + filepath.Join(folder, "whatsapp.db")}
	output, status := runCommand(t, environment, "init")
	require.Zero(t, status, output)
	require.Contains(t, output, "keep a copy")
	key := filepath.Join(folder, "encryption.key")
	info, err := os.Stat(key)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode())

	output, status = runCommand(t, environment, "init")
	require.Zero(t, status, output)
	require.NotContains(t, output, "keep a copy", "told once")

	kept, err := os.ReadFile(key)
	require.NoError(t, err)
	require.NoError(t, os.Remove(key))
	output, status = runCommand(t, environment, "init")
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, "the data are sealed: set ENCRYPTION_KEY, or put their key into "+key)
	require.NoFileExists(t, key)

	text := string(kept)
	output, status = runCommand(t, append(environment, "NODE_ENV=production", "ENCRYPTION_KEY="+text[:len(text)-1]), "init")
	require.Zero(t, status, output)
}

func TestInProductionNoKeyIsMadeUp(t *testing.T) {
	folder := t.TempDir()
	production := []string{"NODE_ENV=production", "SQLITE_DB_PATH=" + filepath.Join(folder, "whatsapp.db")}
	output, status := runCommand(t, production, "init")
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, "ENCRYPTION_KEY: must be set in production")
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)

	file := filepath.Join(folder, "key")
	output, status = runCommand(t, append(production, "ENCRYPTION_KEY_FILE="+file), "init")
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, "ENCRYPTION_KEY_FILE: there is no "+file)
	require.NoFileExists(t, file)

	require.NoError(t, os.WriteFile(file, []byte("too short"), 0o600))
	output, status = runCommand(t, append(production, "ENCRYPTION_KEY_FILE="+file), "init")
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, file+" holds no key")
	require.NotContains(t, output, "too short")

	require.NoError(t, os.WriteFile(file, []byte(oneKey+"\n"), 0o600))
	output, status = runCommand(t, append(production, "ENCRYPTION_KEY_FILE="+file), "init")
	require.Zero(t, status, output)
}

// dataKeys is what a database has of them.
func dataKeys(t *testing.T, database string) []persist.DataKey {
	t.Helper()
	engine, err := engines.Open(t.Context(), engines.Config{Type: configs.SQLiteStorage, SQLitePath: database})
	require.NoError(t, err)
	defer func() { require.NoError(t, engine.Close()) }()
	return mustScan(t, persist.DataKeys, engine, persist.SystemScope())
}

func TestAWrongKeyChangesNothing(t *testing.T) {
	database := filepath.Join(t.TempDir(), "whatsapp.db")
	environment := []string{"SQLITE_DB_PATH=" + database}
	output, status := runCommand(t, append(environment, "ENCRYPTION_KEY="+oneKey), "init")
	require.Zero(t, status, output)
	before := dataKeys(t, database)
	require.Len(t, before, 1)
	for _, arguments := range [][]string{{"init"}, nil} {
		output, status = runCommand(t, append(environment, "ENCRYPTION_KEY="+anotherKey), arguments...)
		require.Equal(t, exitMisconfigured, status, output)
		require.Contains(t, output, "the data are sealed with another key than ENCRYPTION_KEY")
	}
	require.Equal(t, before, dataKeys(t, database))
	output, status = runCommand(t, append(environment, "ENCRYPTION_KEY="+oneKey), "init")
	require.Zero(t, status, output)
}

func TestAfterRealTrafficNothingSecretLiesOpen(t *testing.T) {
	h, dir := newHousehold(t), t.TempDir()
	environment := folder("sqlite", dir)
	stop := h.serve(environment...)
	link(t, h.base, h.own)
	h.talk("an open text")
	shown := call(t, http.MethodPut, h.base+"/api/clients/"+account+"/settings", `{"proxy":"http://ann:hunter2-and-more@127.0.0.1:1"}`)
	require.Equal(t, "http://ann:xxxxx@127.0.0.1:1", shown["proxy"])
	stop()
	requireSealed(t, dir, environment, "hunter2-and-more")
}

// requireSealed looks for all that the account keeps secret in the rows of a storage
// whose server has stopped, and in every file of its folder: for texts too, where
// messages are to be sealed.
func requireSealed(t *testing.T, dir string, environment []string, texts ...string) {
	t.Helper()
	config, err := configs.Load(environment, "")
	require.NoError(t, err)
	engine, err := engines.Open(t.Context(), storage(config))
	require.NoError(t, err)
	sealed, err := vault.Open(t.Context(), engine, vaultConfig(config, config.Encryption.Key, zap.NewNop()))
	require.NoError(t, err)
	defer func() { require.NoError(t, sealed.Close()) }()

	scope := persist.AccountScope(account)
	require.NotEmpty(t, mustScan(t, persist.SignalSessions, sealed, scope))
	require.Greater(t, len(mustScan(t, persist.PreKeys, sealed, scope)), 10)
	secrets := persisttest.Secrets(t, sealed, account)
	require.Greater(t, len(secrets), 20)
	for _, text := range texts {
		secrets = append(secrets, []byte(text))
	}
	persisttest.RequireSealed(t, engine, []string{account}, secrets, filesIn(t, dir)...)
}

func filesIn(t *testing.T, dir string) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	}))
	require.NotEmpty(t, files)
	return files
}

func TestAnAccountThatWasTamperedWithDoesNotKeepOthersFromConnecting(t *testing.T) {
	h := newHousehold(t)
	environment := folder("sqlite", t.TempDir())
	stop := h.serve(environment...)
	link(t, h.base, h.own)
	const victim = "31600000009"
	call(t, http.MethodPost, h.base+"/api/clients/initialize", `{"accountNumber":"`+victim+`"}`)
	stop()

	config, err := configs.Load(environment, "")
	require.NoError(t, err)
	engine, err := engines.Open(t.Context(), storage(config))
	require.NoError(t, err)
	generation, err := engine.Acquire(t.Context(), victim, 0)
	require.NoError(t, err)
	planted := persist.Batch{Scope: persist.AccountScope(victim), Generation: generation, Mutations: []persist.Mutation{
		persist.AuthSessions.Put(persist.AuthSession{State: `{"id":"` + victim + `:1@s.whatsapp.net"}`}),
		persist.Accounts.Put(persist.Account{Running: true, Proxy: "http://elsewhere"}),
	}}
	require.NoError(t, engine.Apply(t.Context(), []persist.Batch{planted})[0])
	require.NoError(t, engine.Close())

	stop = h.serve(environment...)
	defer stop()
	h.talk("nonetheless")
}

func mustScan[T any](t *testing.T, kind persist.Kind[T], from persist.Scanner, scope persist.Scope) []T {
	t.Helper()
	records, err := kind.Scan(context.Background(), from, persist.Query{Scope: scope, Limit: 1000})
	require.NoError(t, err)
	return records
}
