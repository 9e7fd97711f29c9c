package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, simulatortest.ClientLeaks()...)
}

// serveUntilReady runs the command on free ports until stop is called, which returns what it has printed. It returns
// once one file matches pattern.
func serveUntilReady(t *testing.T, pattern string, args ...string) (file string, stop func() string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var printed bytes.Buffer
	go func() {
		ended <- run(ctx, append([]string{"--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"}, args...), &printed)
	}()
	require.Eventually(t, func() bool {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		if len(found) == 0 {
			return false
		}
		file = found[0]
		return true
	}, 10*time.Second, 5*time.Millisecond)
	return file, func() string {
		cancel()
		require.NoError(t, <-ended)
		return printed.String()
	}
}

func TestRunWritesTheServersEnvironmentAndTellsWhereItIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	file, stop := serveUntilReady(t, filepath.Join(dir, "simulator.env"), "--state-dir", dir)
	env, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(env), "WA_ENDPOINT=wss://127.0.0.1:")
	require.Contains(t, string(env), "WA_ENDPOINT_CA_FILE="+filepath.Join(dir, "ca.pem")+"\n")
	require.Regexp(t, `WA_NOISE_ROOT_KEY=[0-9a-f]{64}\n`, string(env))
	printed := stop()
	require.Contains(t, printed, file)
	require.Regexp(t, `Control API on http://127\.0\.0\.1:\d+\n`, printed)
	require.FileExists(t, file, "what was asked for by name stays")
}

func TestWithoutAStateDirectoryNothingIsLeftBehind(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	_, stop := serveUntilReady(t, filepath.Join(temporary, "*", "simulator.env"), "--plain")
	stop()
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestWhatCannotBeServedIsRefused(t *testing.T) {
	for reason, args := range map[string][]string{
		"only loopback":               {"--listen", "0.0.0.0:0", "--state-dir", t.TempDir()},
		`unexpected argument "plain"`: {"plain"},
		"not defined":                 {"--nonsense"},
		"close-grace -1s":             {"--close-grace", "-1s"},
		"handshake delay -1s":         {"--handshake-delay", "-1s", "--state-dir", t.TempDir()},
		"prekey count 5":              {"--prekey-count", "5", "--state-dir", t.TempDir()},
		"no such file":                {"--record", filepath.Join(t.TempDir(), "none", "wire.log")},
	} {
		require.ErrorContains(t, run(t.Context(), args, io.Discard), reason)
	}
}

func TestHelpIsNoFailure(t *testing.T) {
	var printed bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-h"}, &printed))
	require.Contains(t, printed.String(), "-state-dir")
}

func TestWhatPhonesSayToEachOtherIsRecorded(t *testing.T) {
	dir, control := t.TempDir(), freeAddress(t)
	record := filepath.Join(dir, "wire.log")
	_, stop := serveUntilReady(t, filepath.Join(dir, "simulator.env"), "--state-dir", dir, "--record", record, "--control", control)
	for _, said := range [][2]string{
		{"/phones", `{"number":"491700000001"}`},
		{"/phones", `{"number":"491700000002"}`},
		{"/phones/491700000001/messages", `{"to":"491700000002","text":"written down"}`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+control+said[0], strings.NewReader(said[1]))
		require.NoError(t, err)
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusCreated, response.StatusCode)
	}
	stop()
	written, err := os.ReadFile(record)
	require.NoError(t, err)
	require.Regexp(t, `491700000001 writes \S+ to \S+@lid .*"written down"`, string(written))
}

func TestTheFlagsOfTheServiceReachIt(t *testing.T) {
	c, err := parse([]string{"--prekey-count", "4", "--handshake-delay", "1s", "--close-grace", "2s"}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, 4, c.options.PreKeyCount)
	require.Equal(t, time.Second, c.options.HandshakeDelay)
	require.Equal(t, 2*time.Second, c.options.CloseGrace)
	c, err = parse([]string{"--close-grace", "0s"}, io.Discard)
	require.NoError(t, err)
	require.Negative(t, c.options.CloseGrace, "none, and not the default")
}
