package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
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
	for name, messages := range map[string]bool{"keys": false, "keys and messages": true} {
		t.Run(name, func(t *testing.T) {
			world := simulatortest.Start(t)
			own, err := world.AddPhone(account, "Desk")
			require.NoError(t, err)
			other, err := world.AddPhone(friend, "Ann")
			require.NoError(t, err)
			database := filepath.Join(t.TempDir(), "whatsapp.db")
			environment := append(world.Env(), "ENCRYPTION_KEY="+oneKey)
			if messages {
				environment = append(environment, "ENCRYPT_MESSAGES=true")
			}
			base, stop := boot(t, database, environment...)
			link(t, base, own)
			call(t, http.MethodPost, base+"/api/messages/send",
				`{"accountNumber":"`+account+`","chatId":"`+friend+`@c.us","message":{"text":"confidential outbound text"}}`)
			require.Equal(t, "confidential outbound text", received(t, other, 0).Text)
			_, err = other.SendText(t.Context(), account, "confidential inbound text")
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				page, ok := try(t, http.MethodGet, base+"/api/messages/"+account+"/"+friend, "")
				return ok && len(page["messages"].([]any)) == 2
			}, 20*time.Second, 20*time.Millisecond)
			stop()
			requireSealed(t, database, messages)
		})
	}
}

// requireSealed looks for all that the account keeps secret, and for its messages if
// they are to be sealed too.
func requireSealed(t *testing.T, database string, messages bool) {
	t.Helper()
	key, err := hex.DecodeString(oneKey)
	require.NoError(t, err)
	engine, err := engines.Open(t.Context(), engines.Config{Type: configs.SQLiteStorage, SQLitePath: database})
	require.NoError(t, err)
	sealed, err := vault.Open(t.Context(), engine, vault.Config{Key: key, Content: messages})
	require.NoError(t, err)
	defer func() { require.NoError(t, sealed.Close()) }()

	scope := persist.AccountScope(account)
	require.NotEmpty(t, mustScan(t, persist.SignalSessions, sealed, scope))
	require.Greater(t, len(mustScan(t, persist.PreKeys, sealed, scope)), 10)
	secrets := persisttest.Secrets(t, sealed, account)
	require.Greater(t, len(secrets), 20)
	if messages {
		secrets = append(secrets, []byte("confidential outbound text"), []byte("confidential inbound text"))
	}
	files, err := filepath.Glob(database + "*")
	require.NoError(t, err)
	require.Greater(t, len(files), 2)
	persisttest.RequireSealed(t, engine, []string{account}, secrets, files...)
}

func mustScan[T any](t *testing.T, kind persist.Kind[T], from persist.Scanner, scope persist.Scope) []T {
	t.Helper()
	records, err := kind.Scan(context.Background(), from, persist.Query{Scope: scope, Limit: 1000})
	require.NoError(t, err)
	return records
}
