package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRunWritesItsStateAndStopsCleanly(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--state-dir", dir})
	}()
	var env []byte
	require.Eventually(t, func() bool {
		var err error
		env, err = os.ReadFile(filepath.Join(dir, "simulator.env"))
		return err == nil && len(env) > 0
	}, 10*time.Second, 5*time.Millisecond)
	require.Contains(t, string(env), "WA_ENDPOINT=wss://127.0.0.1:")
	require.Contains(t, string(env), "WA_ENDPOINT_CA_FILE="+filepath.Join(dir, "ca.pem")+"\n")
	require.Regexp(t, `WA_NOISE_ROOT_KEY=[0-9a-f]{64}\n`, string(env))
	cancel()
	require.NoError(t, <-ended)
}

func TestOtherAddressesThanLoopbackAreRefused(t *testing.T) {
	err := run(t.Context(), []string{"--listen", "0.0.0.0:0", "--state-dir", t.TempDir()})
	require.ErrorContains(t, err, "only loopback")
}
