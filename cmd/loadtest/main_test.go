package main

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWrongOptionsAreRefusedByName(t *testing.T) {
	for option, args := range map[string][]string{
		"--scenario":  {"--scenario", "walk", "--", "true"},
		"--accounts":  {"--accounts", "0", "--", "true"},
		"--duration":  {"--duration", "10ms", "--", "true"},
		"--rate":      {"--rate", "0", "--", "true"},
		"--p95":       {"--p95", "-1s", "--", "true"},
		"what plays":  {"--accounts", "1"},
		"not defined": {"--speed", "1", "--", "true"},
	} {
		_, err := parse(args, io.Discard)
		require.ErrorContains(t, err, option)
	}
}

// told is what the scenarios are told.
type told struct {
	REST      string
	Simulator string
	Accounts  []account
	Seconds   float64
	P95       int
	Report    string
}

func TestThePlayerIsToldWhomToAskAndDecides(t *testing.T) {
	t.Chdir("../..")
	folder := t.TempDir()
	t.Setenv("TOLD", filepath.Join(folder, "told.json"))
	args := []string{"--scenario", "read", "--accounts", "2", "--duration", "3s", "--report", filepath.Join(folder, "report"), "--server", buildServer(t, folder), "--"}

	player := `cp "$TARGET" "$TOLD" && test "$1" = loadtest/k6/read.js && curl -sf "$(sed 's/.*"rest":"\([^"]*\)".*/\1/' "$TARGET")/api/clients/status" | grep -q '"state":"ready"'`
	require.NoError(t, run(t.Context(), append(args, "sh", "-c", player, "player"), os.Stdout))
	content, err := os.ReadFile(os.Getenv("TOLD"))
	require.NoError(t, err)
	var got told
	require.NoError(t, json.Unmarshal(content, &got))
	require.Equal(t, []account{{"31610000000", "31620000000"}, {"31610000001", "31620000001"}}, got.Accounts)
	require.InDelta(t, 3, got.Seconds, 0)
	require.Equal(t, 2000, got.P95)
	require.Equal(t, filepath.Join(folder, "report", "read"), got.Report)
	require.DirExists(t, filepath.Dir(got.Report))

	require.ErrorContains(t, run(t.Context(), append(args, "sh", "-c", "exit 99"), os.Stdout), "exit status 99")
}

func buildServer(t *testing.T, folder string) string {
	t.Helper()
	binary := filepath.Join(folder, "server")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/server").CombinedOutput()
	require.NoError(t, err, "%s", output)
	return binary
}
