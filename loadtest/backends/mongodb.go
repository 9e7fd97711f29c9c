package backends

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// MongoDB is FerretDB, which speaks the protocol over SQLite files (loadtest/compat);
// it is built where that was not done yet. It is slow, and confirms more than it
// keeps: [Server.Kill] loses nothing, a power failure would. A [Shared] one is a real
// mongod where BACKENDS_MONGODB_ADDRESS says so.
func MongoDB() Kind {
	return Kind{
		name:    "mongodb",
		prepare: func(string) error { _, err := ferretDB(); return err },
		command: func(dir, host string, port int) *exec.Cmd {
			program, _ := ferretDB() // prepare has seen the error; a missing program is one too
			return exec.Command(program, "--dir", dir, "--host", host, "--port", strconv.Itoa(port))
		},
		answers: listens,
	}
}

// MongoDBURL is the URL of a database of server. Few connections will do: FerretDB has
// a hundred to its own files, and waits for itself when they are used up.
func MongoDBURL(server *Server, database string) string {
	return "mongodb://" + server.Address + "/" + database + "?maxPoolSize=20"
}

// listens succeeds once something does. FerretDB listens when it is ready.
func listens(ctx context.Context, address string) error {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return connection.Close()
}

// buildTime is how long the first build may take, modules to be fetched included.
const buildTime = 15 * time.Minute

// ferretDB returns the program, which `make test` has built, or builds it.
var ferretDB = sync.OnceValues(func() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	build := exec.CommandContext(ctx, filepath.Join(root, "loadtest", "compat", "build.sh"))
	build.Stderr = os.Stderr
	program, err := build.Output()
	if err != nil {
		return "", fmt.Errorf("build ferretdb: %w", err)
	}
	return strings.TrimSpace(string(program)), nil
})

// moduleRoot is the folder of go.mod, above that of the test.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
