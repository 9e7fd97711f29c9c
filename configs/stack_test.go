package configs

import (
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// service is what these tests look at of a service of the development stack.
type service struct {
	Image       string
	Profiles    []string
	Command     []string
	Ports       []string
	Volumes     []string
	Environment map[string]string
	Healthcheck struct{ Test []string }
}

func stack(t *testing.T) (services map[string]service, volumes []string) {
	t.Helper()
	text, err := os.ReadFile("compose.yaml")
	require.NoError(t, err)
	var file struct {
		Services map[string]service
		Volumes  map[string]any
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	return file.Services, slices.Collect(maps.Keys(file.Volumes))
}

func TestTheStackHasEachServiceOnItsPortOfThisMachineAlone(t *testing.T) {
	t.Parallel()
	got, _ := stack(t)
	ports := map[string][]string{}
	for name, s := range got {
		ports[name] = s.Ports
	}
	require.Equal(t, map[string][]string{
		"postgres": {"127.0.0.1:5433:5432"}, "pgadmin": {"127.0.0.1:8080:80"},
		"mongo": {"127.0.0.1:27018:27017"}, "mongo-express": {"127.0.0.1:8082:8081"},
		"redis": {"127.0.0.1:6380:6379"}, "redis-commander": {"127.0.0.1:8083:8081"},
		"sqlite-browser": {"127.0.0.1:8084:8084"},
		"server":         {"127.0.0.1:3001:3001", "127.0.0.1:3002:3002", "127.0.0.1:3003:3003"},
	}, ports)
	for name, s := range got {
		require.Equal(t, name == "server", len(s.Profiles) > 0, "%s starts with the others", name)
	}
}

func TestTheStackIsPinnedChecksItselfAndKeepsItsDataInNamedVolumes(t *testing.T) {
	t.Parallel()
	services, volumes := stack(t)
	pinned := regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+[a-z0-9.-]*$`)
	for name, s := range services {
		if s.Image != "whatsapp-web-server" { // built from here
			require.Regexp(t, pinned, s.Image, name)
		}
		require.NotEmpty(t, s.Healthcheck.Test, name)
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			require.Contains(t, volumes, source, name)
		}
	}
}

func TestTheStacksDatabasesLoseNoWrites(t *testing.T) {
	t.Parallel()
	services, _ := stack(t)
	redis := strings.Join(services["redis"].Command, " ")
	for _, setting := range []string{"--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"} {
		require.Contains(t, redis, setting)
	}
	postgres := strings.Join(services["postgres"].Command, " ")
	for _, setting := range []string{"fsync=on", "full_page_writes=on", "synchronous_commit=on"} {
		require.Contains(t, postgres, setting)
	}
}

// environ is the environment of a service.
func (s service) environ(more ...string) []string {
	for name, value := range s.Environment {
		more = append(more, name+"="+value)
	}
	return more
}

func TestTheStacksServerIsConfiguredByDocumentedVariablesAndFindsEveryDatabase(t *testing.T) {
	t.Parallel()
	services, _ := stack(t)
	server := services["server"]
	defaults, _ := declared(t)
	for _, name := range []string{"server", "sqlite-browser"} {
		for variable := range services[name].Environment {
			require.Contains(t, defaults, variable, name)
		}
	}
	_, err := Load(services["sqlite-browser"].environ("HOST=0.0.0.0"), "")
	require.NoError(t, err)
	_, err = Load(server.environ(), "")
	require.ErrorContains(t, err, "API_KEY", "the stack's server asks for a key")
	c, err := Load(server.environ("API_KEY=k"), "")
	require.NoError(t, err)

	require.Equal(t, map[string]string{"redis": "6379", "postgres": "5432", "mongo": "27017"}, map[string]string{
		host(t, c.Redis.Address()): port(t, c.Redis.Address()), host(t, c.Postgres.Address()): port(t, c.Postgres.Address()),
		host(t, c.MongoDB.Address()): port(t, c.MongoDB.Address()),
	})
	requireLogin(t, services["postgres"], c.Postgres.Address())
}

func host(t *testing.T, address Secret) string { return parsed(t, address).Hostname() }
func port(t *testing.T, address Secret) string { return parsed(t, address).Port() }

func parsed(t *testing.T, address Secret) *url.URL {
	t.Helper()
	u, err := url.Parse(address.Reveal())
	require.NoError(t, err)
	return u
}

// requireLogin checks that an address has the database, user and password that the
// stack's PostgreSQL is made with.
func requireLogin(t *testing.T, postgres service, address Secret) {
	t.Helper()
	u := parsed(t, address)
	password, _ := u.User.Password()
	require.Equal(t, postgres.Environment["POSTGRES_DB"], strings.TrimPrefix(u.Path, "/"))
	require.Equal(t, postgres.Environment["POSTGRES_USER"], u.User.Username())
	require.Equal(t, postgres.Environment["POSTGRES_PASSWORD"], password)
}

func TestMakeHasEveryTargetOfTheStack(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("there is no make, so nobody uses its targets")
	}
	for target, does := range map[string]string{
		"docker-up":             `^docker compose -f configs/compose.yaml up --detach --wait *$`,
		"docker-down":           `down --remove-orphans$`,
		"docker-restart":        `restart$`,
		"docker-logs":           `logs --follow`,
		"docker-status":         `ps --all$`,
		"docker-postgres":       `up --detach --wait postgres pgadmin$`,
		"docker-mongo":          `up --detach --wait mongo mongo-express$`,
		"docker-redis":          `up --detach --wait redis redis-commander$`,
		"docker-server":         `up --detach --wait --build server$`,
		"docker-clean":          `down --volumes`,
		"docker-cluster":        `^docker compose -f configs/compose.cluster.yaml up --detach --wait --build *$`,
		"docker-cluster-status": `^docker compose -f configs/compose.cluster.yaml ps --all$`,
		"docker-cluster-logs":   `^docker compose -f configs/compose.cluster.yaml logs --follow`,
		"docker-cluster-down":   `^docker compose -f configs/compose.cluster.yaml down --remove-orphans$`,
		"docker-cluster-clean":  `^docker compose -f configs/compose.cluster.yaml down --volumes --remove-orphans$`,
		"dev":                   `configs/dev.sh$`,
		"db-init":               `go run ./cmd/server init$`,
		"db-migration":          `configs/new-migration.sh "\$name"$`,
		"db-studio":             `go run ./cmd/server studio *$`,
	} {
		plan, err := exec.CommandContext(t.Context(), "make", "--directory", "..", "--no-print-directory", "--dry-run", target).CombinedOutput()
		require.NoError(t, err, "%s: %s", target, plan)
		require.Regexp(t, "(?m)"+does, string(plan), target)
	}
}

// copied is a folder in which a script of this one finds what it needs.
func copied(t *testing.T, script string) (root string) {
	t.Helper()
	root = t.TempDir()
	text, err := os.ReadFile(script)
	require.NoError(t, err)
	write(t, filepath.Join(root, "configs", script), string(text))
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o700)) // some are programs
}

func TestDevStartsWhatTheStorageNeedsAndTellsTheServerWhereItIs(t *testing.T) {
	t.Parallel()
	services, _ := stack(t)
	for storage, want := range map[string]struct{ target, service string }{
		"": {}, "sqlite": {}, "memory": {}, "file": {},
		"redis": {"docker-redis", "redis"}, "postgres": {"docker-postgres", "postgres"}, "mongodb": {"docker-mongo", "mongo"},
	} {
		for _, inFile := range []bool{true, false} {
			root := copied(t, "dev.sh")
			write(t, filepath.Join(root, "tools", "make"), "#!/bin/sh\necho \"$@\" >made\n")
			write(t, filepath.Join(root, "tools", "go"), "#!/bin/sh\n")
			write(t, filepath.Join(root, "bin", "server"), "#!/bin/sh\nenv\n")
			command := exec.CommandContext(t.Context(), filepath.Join(root, "configs", "dev.sh"))
			command.Env = []string{"PATH=" + filepath.Join(root, "tools") + ":" + os.Getenv("PATH")}
			if inFile {
				write(t, filepath.Join(root, ".env"), "PORT=4000\nSTORAGE_TYPE='"+storage+"' # this one\nREDIS_URL=redis://elsewhere\n")
			} else if storage != "" {
				command.Env = append(command.Env, "STORAGE_TYPE="+storage)
			}
			output, err := command.CombinedOutput()
			require.NoError(t, err, "%s", output)
			made, err := os.ReadFile(filepath.Join(root, "made"))
			require.Equal(t, want.target == "", os.IsNotExist(err), "%s: %s", storage, made)
			require.Contains(t, string(made), want.target)
			if want.service != "" {
				requireReached(t, services[want.service], storage, strings.Split(string(output), "\n"))
			}
		}
	}
}

// requireReached checks that the server is led to the port of the service.
func requireReached(t *testing.T, s service, storage string, environ []string) {
	t.Helper()
	c, err := Load(environ, "")
	require.NoError(t, err)
	address := map[string]Secret{"redis": c.Redis.Address(), "postgres": c.Postgres.Address(), "mongodb": c.MongoDB.Address()}[storage]
	require.True(t, strings.HasPrefix(s.Ports[0], parsed(t, address).Host+":"), "%s is not %s", s.Ports[0], parsed(t, address).Host)
	if storage == "postgres" {
		requireLogin(t, s, address)
	}
}

func TestAMigrationGetsTheNextNumberOfEachStorage(t *testing.T) {
	t.Parallel()
	root := copied(t, "new-migration.sh")
	folder := func(engine string) string { return filepath.Join(root, "persist", engine, "migrations") }
	write(t, filepath.Join(folder("sqlite"), "00009_nine.sql"), "")
	write(t, filepath.Join(folder("sqlite"), "00008_eight.sql"), "")
	write(t, filepath.Join(folder("postgres"), "00001_init.sql"), "")
	migrate := func(name string) (string, error) {
		output, err := exec.CommandContext(t.Context(), filepath.Join(root, "configs", "new-migration.sh"), name).CombinedOutput()
		return string(output), err
	}
	output, err := migrate("add_labels")
	require.NoError(t, err, output)
	for _, made := range []string{filepath.Join(folder("sqlite"), "00010_add_labels.sql"), filepath.Join(folder("postgres"), "00002_add_labels.sql")} {
		text, err := os.ReadFile(made)
		require.NoError(t, err)
		require.Contains(t, string(text), "-- +goose Up\n")
	}
	for _, bad := range []string{"", "Add", "add labels", "../x", "1st", "add-labels", "nine", "add_labels", strings.Repeat("x", 65)} {
		output, err := migrate(bad)
		require.Error(t, err, bad)
		require.Regexp(t, "named by small letters|of this name", output)
	}
	files, err := os.ReadDir(folder("sqlite"))
	require.NoError(t, err)
	require.Len(t, files, 3)
}

func TestTheImageIsOneStaticBinaryForAUserWithoutRights(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("Dockerfile")
	require.NoError(t, err)
	_, final, _ := strings.Cut(string(text), "\nFROM gcr.io/distroless/static")
	require.Contains(t, string(text), "CGO_ENABLED=0 go build")
	for _, line := range []string{"USER nonroot", `HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/server", "health"]`, `ENTRYPOINT ["/server"]`, "EXPOSE 3001 3002 3003"} {
		require.Contains(t, final, "\n"+line+"\n")
	}
	require.NotContains(t, final, "RUN ")
	ignored, err := os.ReadFile("../.dockerignore")
	require.NoError(t, err)
	require.Contains(t, string(ignored), "\n*\n", "what is not named stays out, .env and databases among it")
}
