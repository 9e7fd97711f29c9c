package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// runCommand runs the server with arguments and returns what it wrote and its exit
// status.
func runCommand(t *testing.T, environment []string, arguments ...string) (output string, status int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], arguments...)
	command.Dir = t.TempDir()
	command.Env = append(append(slimEnvironment(), environment...), serverVariable+"=1")
	text, err := command.CombinedOutput()
	if exit, failed := errors.AsType[*exec.ExitError](err); failed {
		return string(text), exit.ExitCode()
	}
	require.NoError(t, err)
	return string(text), 0
}

func TestAnUnknownCommandTellsTheKnown(t *testing.T) {
	output, status := runCommand(t, nil, "dance")
	require.Equal(t, exitMisconfigured, status)
	require.Contains(t, output, `unknown command "dance"`)
	for _, c := range commands() {
		require.Contains(t, output, c.help)
	}
}

func TestHelpIsNoFailure(t *testing.T) {
	output, status := runCommand(t, nil, "--help")
	require.Zero(t, status)
	require.Contains(t, output, "Usage: server")
	for _, c := range commands() {
		output, status := runCommand(t, nil, c.name, "-h")
		require.Zero(t, status, output)
		require.Contains(t, output, "Usage: server "+c.name)
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, c := range commands() {
		output, status := runCommand(t, nil, c.name, "--no-such-flag")
		require.Equal(t, exitMisconfigured, status, output)
		require.Contains(t, output, "no-such-flag")
	}
}

func TestInitMakesTheStorage(t *testing.T) {
	database := filepath.Join(t.TempDir(), "db", "whatsapp.db")
	for range 2 {
		output, status := runCommand(t, []string{"SQLITE_DB_PATH=" + database}, "init")
		require.Zero(t, status, output)
		require.FileExists(t, database)
	}
}

func TestCompactIsForTheFileStorage(t *testing.T) {
	output, status := runCommand(t, []string{"STORAGE_TYPE=sqlite"}, "compact")
	require.Equal(t, exitMisconfigured, status, output)
	require.Contains(t, output, "STORAGE_TYPE is sqlite")

	folder := t.TempDir()
	environment := []string{"STORAGE_TYPE=file", "FILE_STORAGE_PATH=" + folder}
	output, status = runCommand(t, environment, "compact")
	require.NotZero(t, status)
	require.Contains(t, output, filepath.Join(folder, "whatsapp.bolt")+": no such file")
	output, status = runCommand(t, environment, "init")
	require.Zero(t, status, output)
	output, status = runCommand(t, environment, "compact")
	require.Zero(t, status, output)
	require.Regexp(t, `The database had \d+\.\d MB and has 0\.\d MB\.`, output)
}

func TestHealthIsThatSomethingAnswers(t *testing.T) {
	server, stop := bootStreams(t, "STORAGE_TYPE=memory", "API_KEY=k3y")
	_, status := runCommand(t, nil, "health", "--address", server.Address())
	require.Zero(t, status, "it needs no key")
	address := server.Address()
	stop()
	output, status := runCommand(t, nil, "health", "--address", address)
	require.Equal(t, 1, status)
	require.Contains(t, output, "ask for health")
}
