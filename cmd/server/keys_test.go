package main

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var tokenForm = regexp.MustCompile(`wak_([0-9a-z]{26})_[A-Z2-7]{26}`)

func TestKeysAreMadeListedAndRevokedInTheStorage(t *testing.T) {
	storage := []string{"SQLITE_DB_PATH=" + filepath.Join(t.TempDir(), "whatsapp.db")}
	output, status := runCommand(t, storage, "keys", "create", "--tenant", "acme", "--name", "CRM", "--rights", "read", "--accounts", "49*")
	require.Zero(t, status, output)
	token := tokenForm.FindStringSubmatch(output)
	require.NotNil(t, token, output)
	output, status = runCommand(t, storage, "keys", "list")
	require.Zero(t, status, output)
	require.Regexp(t, token[1]+` +acme +CRM +read +49\* +never +never`, output)
	require.NotContains(t, output, token[0])
	output, status = runCommand(t, storage, "keys", "revoke", token[1])
	require.Zero(t, status, output)
	output, _ = runCommand(t, storage, "keys", "list")
	require.NotContains(t, output, token[1])
	output, status = runCommand(t, storage, "keys", "revoke", token[1])
	require.NotZero(t, status)
	require.Contains(t, output, "there is no such key")
}

func TestKeysCommandRefusesWhatMakesNoSense(t *testing.T) {
	storage := []string{"SQLITE_DB_PATH=" + filepath.Join(t.TempDir(), "whatsapp.db")}
	for text, arguments := range map[string][]string{
		"takes create|list|revoke":       {"keys"},
		"takes create, list or revoke":   {"keys", "burn"},
		"name: expected":                 {"keys", "create"},
		"rights: expected":               {"keys", "create", "--name", "x", "--rights", "root"},
		"accounts: expected":             {"keys", "create", "--name", "x", "--accounts", "abc"},
		"flag provided but not defined":  {"keys", "create", "--colour", "red"},
		"server keys revoke: takes ID, ": {"keys", "revoke"},
	} {
		output, status := runCommand(t, storage, arguments...)
		require.NotZero(t, status, output)
		require.Contains(t, output, text)
	}
	output, status := runCommand(t, []string{"STORAGE_TYPE=memory"}, "keys", "list")
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, "make keys over its API")
}
