package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The database is killed, and at other times frozen, until the server has
// noticed, while it sends and receives.
func TestNothingIsLostOrDoubledByTheEndOfTheDatabase(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c *campaign) {
		if c.depot.server == nil {
			return // its end is that of the process
		}
		c.start(t)
		for range rounds(1, 4) {
			c.awaitAnswers(t, 1+c.random.Int64N(12))
			require.NoError(t, c.depot.server.Kill())
			c.requireUnavailable(t)
			require.NoError(t, c.depot.server.Restart())
			c.requireRecovery(t)
		}
		for range rounds(0, 2) { // to be noticed takes a quarter of a minute
			c.awaitAnswers(t, 1+c.random.Int64N(12))
			require.NoError(t, c.depot.server.Freeze())
			c.requireUnavailable(t)
			require.NoError(t, c.depot.server.Thaw())
			c.requireRecovery(t)
		}
		c.conclude(t)
	})
}

// requireUnavailable waits until the server says that it has no storage, and
// checks that it says so to everybody.
func (c *campaign) requireUnavailable(t *testing.T) {
	t.Helper()
	base, err := c.entrance.find(t.Context())
	require.NoError(t, err)
	began := time.Now()
	require.Eventually(t, func() bool { return probe(t, base, "/readyz") == http.StatusServiceUnavailable },
		patience, 10*time.Millisecond, "the server has not noticed")
	t.Logf("noticed after %s", time.Since(began).Round(time.Millisecond))
	require.Equal(t, http.StatusOK, probe(t, base, "/healthz"))
	for _, path := range []string{"/api/clients/status", "/api/conversations/" + c.sides[0].account} {
		require.Eventually(t, func() bool { return probe(t, base, path) == http.StatusServiceUnavailable }, patience, time.Millisecond,
			"%s: a disk that is full takes the small and refuses the large", path)
	}
}

func (c *campaign) requireRecovery(t *testing.T) {
	t.Helper()
	base, err := c.entrance.find(t.Context())
	require.NoError(t, err)
	began := time.Now()
	require.Eventually(t, func() bool { return probe(t, base, "/readyz") == http.StatusOK }, patience, 10*time.Millisecond,
		"the server does not recover")
	c.awaitAnswers(t, int64(2*len(c.sides)))
	t.Logf("recovered after %s", time.Since(began).Round(time.Millisecond))
}

// probe returns the status of an answer, which says when to ask again if it is a
// refusal.
func probe(t *testing.T, base, path string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(base + path)
	require.NoError(t, err)
	defer response.Body.Close()
	if response.StatusCode == http.StatusServiceUnavailable {
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Contains(t, string(body), `"storage_unavailable"`)
		require.NotEmpty(t, response.Header.Get("Retry-After"))
	}
	return response.StatusCode
}

// The disk fills up while the server sends and receives, until it has noticed.
func TestNothingIsLostOrDoubledByAFullDisk(t *testing.T) {
	for _, engine := range []string{"sqlite", "file"} {
		if !opens(engine) {
			continue
		}
		t.Run(engine, func(t *testing.T) {
			disk := mountDisk(t)
			c := newCampaignIn(t, engine, disk)
			c.start(t)
			for range rounds(1, 5) {
				c.awaitAnswers(t, 1+c.random.Int64N(12))
				ballast := fill(t, disk)
				c.requireUnavailable(t)
				require.NoError(t, os.Remove(ballast))
				c.requireRecovery(t)
			}
			c.conclude(t)
			require.Less(t, strings.Count(c.process.output.String(), "\n"), 100*rounds(1, 5), "%s", &c.process.output)
		})
	}
}

// mountDisk makes a small disk, which only root can.
func mountDisk(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	err := syscall.Mount("none", dir, "tmpfs", 0, "size=64m")
	if errors.Is(err, syscall.EPERM) {
		t.Skip("only root can make a small disk")
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// fill leaves not a byte free.
func fill(t *testing.T, disk string) (ballast string) {
	t.Helper()
	ballast = filepath.Join(disk, "ballast")
	file, err := os.Create(ballast)
	require.NoError(t, err)
	defer file.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := file.Write(block); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			block = block[:len(block)/2]
		}
	}
	return ballast
}
