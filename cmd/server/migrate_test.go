package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
)

// kept is a storage that outlives the process.
type kept struct {
	dir         string // with its files
	environment []string
}

// storages is one of each sort, by name.
func storages(t *testing.T) map[string]kept {
	t.Helper()
	postgres := backends.Start(t, backends.Postgres(), t.TempDir())
	redis := backends.Start(t, backends.Redis(), t.TempDir())
	mongo := backends.Start(t, backends.MongoDB(), t.TempDir())
	sqlite, file := t.TempDir(), t.TempDir()
	return map[string]kept{
		"sqlite":   {sqlite, []string{"STORAGE_TYPE=sqlite", "SQLITE_DB_PATH=" + filepath.Join(sqlite, "whatsapp.db")}},
		"file":     {file, []string{"STORAGE_TYPE=file", "FILE_STORAGE_PATH=" + file}},
		"postgres": {postgres.Dir, []string{"STORAGE_TYPE=postgres", "POSTGRES_URL=" + backends.Database(t, postgres, "ring", "template1")}},
		"redis":    {redis.Dir, []string{"STORAGE_TYPE=redis", "REDIS_URL=redis://" + redis.Address + "/0"}},
		"mongodb":  {mongo.Dir, []string{"STORAGE_TYPE=mongodb", "MONGODB_ALLOW_LOSS=true", "MONGODB_URL=" + backends.MongoDBURL(mongo, "ring")}},
	}
}

func TestAnAccountIsMovedRoundAllStoragesAndGoesOnTalking(t *testing.T) {
	h := newHousehold(t)
	all := storages(t)
	var environment []string
	for _, s := range all {
		environment = append(environment, s.environment...)
	}
	environment = append(environment, "ENCRYPTION_KEY="+oneKey, "ENCRYPT_MESSAGES=true")
	at := func(storage string) []string { return slices.Concat(environment, []string{"STORAGE_TYPE=" + storage}) }

	ring := []string{"sqlite", "redis", "file", "postgres", "mongodb", "sqlite"}
	stop := h.serve(at(ring[0])...)
	link(t, h.base, h.own)
	h.talk("in " + ring[0])
	stop()
	for i, next := range ring[1:] {
		last := ring[i]
		output, status := runCommand(t, environment, "migrate", "--from", last, "--to", next)
		require.Zero(t, status, output)
		require.Contains(t, output, "1 accounts are in the "+next+" storage")
		stop = h.serve(at(next)...)
		require.True(t, h.knows("in sqlite in"))
		text := "after " + last + " in " + next
		h.talk(text)
		stop()
		requireSealed(t, all[next].dir, at(next), text+" in", text+" out", "in sqlite in")
	}

	stop = h.serve(at("file")...)
	defer stop()
	status := await(t, h.base, "fenced")
	require.Equal(t, "moved", status["reason"], "an account that has moved on is left alone")
	refusal, ok := try(t, http.MethodPost, h.base+"/api/clients/initialize", `{"accountNumber":"`+account+`"}`)
	require.False(t, ok)
	require.Equal(t, "conflict", refusal["code"])
	h.requireNoCounterUsedTwice()
}

func TestAMigrationToTheSameSortOfStorageTakesItsVariablesFromAFile(t *testing.T) {
	source, target := folder("sqlite", t.TempDir()), filepath.Join(t.TempDir(), "target")
	file := filepath.Join(t.TempDir(), "target.env")
	text := strings.Join(append(folder("sqlite", target), "ENCRYPTION_KEY="+anotherKey), "\n")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	output, status := runCommand(t, source, "migrate", "--to", "sqlite", "--to-env", file)
	require.Zero(t, status, output)
	require.FileExists(t, filepath.Join(target, "whatsapp.db"))

	output, status = runCommand(t, source, "migrate", "--to", "punchcards")
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, "punchcards")
	output, status = runCommand(t, source, "migrate", "--to", "redis:"+(&url.URL{Host: "somewhere"}).String())
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, "said by variables")
}
