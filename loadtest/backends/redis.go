package backends

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Redis is redis-server with settings that lose no write: an append-only file that
// is flushed to the disk before each reply, and no eviction. Settings as of the
// command line ("--requirepass", "secret") change them.
func Redis(settings ...string) Kind {
	return Kind{
		name: "redis",
		command: func(dir, host string, port int) *exec.Cmd {
			arguments := []string{
				"--dir", dir, "--bind", host, "--port", strconv.Itoa(port), "--save", "",
				"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction",
			}
			return exec.Command("redis-server", append(arguments, settings...)...)
		},
		answers: redisAnswers,
	}
}

// redisAnswers asks with a PING. A server that wants a password has loaded its data
// too.
func redisAnswers(ctx context.Context, address string) error {
	connection, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer connection.Close()
	if _, err := connection.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	reply, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(reply, "+PONG") && !strings.HasPrefix(reply, "-NOAUTH") {
		return fmt.Errorf("redis says %q", reply)
	}
	return nil
}

// Sentinel is the watchdog of Redis servers. It watches none.
func Sentinel() Kind {
	return Kind{
		name: "sentinel",
		// It writes what it learns into its configuration file.
		prepare: func(dir string) error { return os.WriteFile(sentinelFile(dir), nil, 0o600) },
		command: func(dir, host string, port int) *exec.Cmd {
			return exec.Command("redis-server", sentinelFile(dir), "--sentinel", "--dir", dir, "--bind", host, "--port", strconv.Itoa(port))
		},
		answers: redisAnswers,
	}
}

func sentinelFile(dir string) string { return filepath.Join(dir, "sentinel.conf") }
