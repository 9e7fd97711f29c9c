package backends

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// PostgresGuarded is the one user of a [Postgres] server who needs a password. A
// test that wants it creates it.
const PostgresGuarded = "guarded"

// Postgres is PostgreSQL as it comes, with its superuser "postgres" admitted
// without a password. Settings ("fsync=off") change it.
func Postgres(settings ...string) Kind {
	return Kind{
		name:    "postgres",
		prepare: initPostgres,
		command: func(dir, host string, port int) *exec.Cmd {
			arguments := []string{"-D", dir, "-h", host, "-p", strconv.Itoa(port), "-k", ""}
			for _, setting := range append([]string{"max_connections=200"}, settings...) {
				arguments = append(arguments, "-c", setting)
			}
			return postgresCommand("postgres", arguments...)
		},
		answers: func(ctx context.Context, address string) error {
			conn, err := pgx.Connect(ctx, postgresURL(address, "postgres"))
			if err != nil {
				return err
			}
			return conn.Close(ctx)
		},
	}
}

// Database makes a database of a [Postgres] server and returns its URL. It is a
// copy of template, which nobody may be connected to; "template1" is an empty one.
func Database(tb testing.TB, server *Server, name, template string) string {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), postgresURL(server.Address, "postgres"))
	require.NoError(tb, err)
	defer conn.Close(tb.Context())
	_, err = conn.Exec(tb.Context(), fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s",
		pgx.Identifier{name}.Sanitize(), pgx.Identifier{template}.Sanitize()))
	require.NoError(tb, err)
	return postgresURL(server.Address, name)
}

func postgresURL(address, database string) string {
	return "postgres://postgres@" + address + "/" + database
}

// initPostgres creates the data of a server, without waiting for the disk.
func initPostgres(dir string) error {
	if err := handOver(dir); err != nil {
		return err
	}
	command := postgresCommand("initdb", "-D", dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, output)
	}
	return os.WriteFile(filepath.Join(dir, "pg_hba.conf"),
		[]byte("host all "+PostgresGuarded+" all scram-sha-256\nhost all all all trust\n"), 0o600)
}

// handOver gives a folder to the user that the server runs as, and lets that user
// come to it.
func handOver(dir string) error {
	credential := postgresCredential()
	if credential == nil {
		return nil
	}
	for parent := filepath.Dir(dir); strings.HasPrefix(parent, os.TempDir()+"/"); parent = filepath.Dir(parent) {
		if err := os.Chmod(parent, 0o711); err != nil {
			return err
		}
	}
	return os.Chown(dir, int(credential.Uid), int(credential.Gid))
}

// postgresCommand runs a program of PostgreSQL, which refuses to run as root.
func postgresCommand(program string, arguments ...string) *exec.Cmd {
	command := exec.Command(postgresProgram(program), arguments...)
	command.Dir = "/"
	if credential := postgresCredential(); credential != nil {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	}
	return command
}

// postgresProgram finds a program where Debian keeps them, which is not in the path;
// the newest version if there are several.
func postgresProgram(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // the pattern is a good one
	if len(found) == 0 {
		return name
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
}

// postgresCredential is the user postgres, whom the packages of PostgreSQL create,
// where we are root; else nil.
func postgresCredential() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
	if errors.Join(err, err2) != nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
