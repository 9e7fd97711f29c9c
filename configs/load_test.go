package configs

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// dotenv writes a .env file and returns its path.
func dotenv(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// problemsOf loads a configuration that must be refused.
func problemsOf(t *testing.T, environ []string, path string) []Problem {
	t.Helper()
	_, err := Load(environ, path)
	var invalid *InvalidError
	require.ErrorAs(t, err, &invalid)
	return invalid.Problems
}

// variablesOf returns the names of the variables that a refusal names.
func variablesOf(t *testing.T, environ []string) []string {
	t.Helper()
	_, err := Load(environ, "")
	if err == nil {
		return nil
	}
	var invalid *InvalidError
	require.ErrorAs(t, err, &invalid)
	names := make([]string, len(invalid.Problems))
	for i, p := range invalid.Problems {
		names[i] = p.Variable
	}
	return names
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got, err := Load(nil, "")
	require.NoError(t, err)
	require.Equal(t, Config{
		Env:    Env{Name: Development, LogLevel: "info"},
		Events: Events{RetentionCount: 100_000, RetentionAge: 30 * 24 * time.Hour},
		Admin:  Admin{Address: "127.0.0.1:3003"},
		HTTP: HTTP{
			Host: "localhost", Port: 3001, WebSocketEnabled: true, WebSocketPort: 3002,
			CORSOrigins: Origins{"http://localhost:3000", "http://localhost:5173"},
		},
		Storage:  Storage{Type: SQLiteStorage, SQLitePath: "./db/whatsapp.db", FilePath: "./auth_data"},
		Redis:    Redis{Host: "localhost", Port: 6379},
		Postgres: Postgres{Host: "localhost", Port: 5432, DB: "whatsapp_auth", User: "postgres"},
		Cluster:  Cluster{Listen: "0.0.0.0:3004", Weight: 1, Lease: 15 * time.Second},
		Sinks: Sinks{
			NATSStream: "WHATSAPP", RabbitMQExchange: "whatsapp", RedisStream: "whatsapp:events", RedisMaxLen: 1_000_000, Prefix: "whatsapp",
		},
		WhatsApp: WhatsApp{
			BrowserName: "WhatsApp Web Server", BrowserVersion: Version{1, 0, 0},
			SessionTimeout: 60_000, MaxReconnectAttempts: 5, ConnectsPerSecond: 20, ConnectBurst: 40,
		},
	}, got)
	require.Equal(t, time.Minute, got.WhatsApp.SessionTimeout.Duration())
}

func TestProcessEnvironmentWinsOverTheFileAndLeavesTheRestToIt(t *testing.T) {
	t.Parallel()
	path := dotenv(t, "PORT=4001\nHOST=127.0.0.1\nLOG_LEVEL=debug\n")
	got, err := Load([]string{"PORT=5001", "LOG_LEVEL="}, path)
	require.NoError(t, err)
	require.Equal(t, 5001, got.HTTP.Port)
	require.Equal(t, "127.0.0.1", got.HTTP.Host)
	require.Equal(t, "info", got.Env.LogLevel, "an empty value means the default")
}

func TestLoadLeavesTheProcessEnvironmentAlone(t *testing.T) {
	before := os.Environ()
	_, err := Load(before, dotenv(t, "SURELY_NOT_SET_BEFORE=1\nPORT=4001\n"))
	require.NoError(t, err)
	require.Equal(t, before, os.Environ())
}

func TestEveryProblemIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Load([]string{
		"NODE_ENV=staging", "LOG_LEVEL=loud", "HOST=not a host", "PORT=seventy", "WEBSOCKET_ENABLED=perhaps",
		"WEBSOCKET_PORT=65536", "CORS_ORIGINS=https://a.example/path", "STORAGE_TYPE=punchcards",
		"REDIS_HOST=no host", "REDIS_PORT=0", "POSTGRES_PORT=65536", "MONGODB_URL=postgres://a:hush@b/c",
		"WA_BROWSER_VERSION=1.0", "WA_VERSION=3.1.4", "WA_SESSION_TIMEOUT=4999", "WA_CONNECTS_PER_SECOND=NaN",
		"WA_CONNECT_BURST=0", "WA_ENDPOINT=http://a.example", "WA_NOISE_ROOT_KEY=abc",
		"SINK_NATS_URL=nats://a,http://b:hush@c", "SINK_RABBITMQ_URL=amqp:hush", "SINK_REDIS_URL=http://a:hush@b", "SINK_SINCE=yesterday",
		"SINK_PREFIX=a b", "SINK_NATS_STREAM=a.b", "SINK_REDIS_MAXLEN=-1",
	}, "")
	require.EqualError(t, err, `invalid configuration:
  PORT="seventy": must be a whole number from 0 to 65535, 0 takes any free port
  WEBSOCKET_ENABLED="perhaps": must be true or false
  CORS_ORIGINS="https://a.example/path": must be a comma-separated list of scheme://host or scheme://host:port, without a path
  WA_BROWSER_VERSION="1.0": must be three whole numbers x.y.z
  WA_NOISE_ROOT_KEY="abc": must be 64 hexadecimal digits
  NODE_ENV="staging": must be development, production or test; APP_ENV is an alias
  LOG_LEVEL="loud": must be debug, info, warn or error
  HOST="not a host": must be a host name or an IP address
  WEBSOCKET_PORT="65536": must be a whole number from 0 to 65535, 0 takes any free port
  STORAGE_TYPE="punchcards": must be sqlite, memory, file, redis, postgres or mongodb
  REDIS_HOST="no host": must be a host name or an IP address
  REDIS_PORT="0": must be a whole number from 1 to 65535
  POSTGRES_PORT="65536": must be a whole number from 1 to 65535
  SINK_NATS_STREAM="a.b": must be a name without spaces, dots, *, > and /
  SINK_REDIS_MAXLEN="-1": must be a whole number from 0, 0 keeps all
  SINK_PREFIX="a b": must be 1 to 64 characters without spaces, dots, *, >, # and $
  WA_SESSION_TIMEOUT="4999": must be a whole number of milliseconds from 5000 to 600000
  WA_CONNECTS_PER_SECOND="NaN": must be a number above 0, up to 1000
  WA_CONNECT_BURST="0": must be a whole number from 1 to 10000
  MONGODB_URL: must be a mongodb:// or mongodb+srv:// URL, or empty
  SINK_NATS_URL: must be nats://, tls://, ws:// or wss:// URLs with a host, separated by commas, or empty
  SINK_RABBITMQ_URL: must be an amqp:// or amqps:// URL with a host, or empty
  SINK_REDIS_URL: must be a redis:// or rediss:// URL with a host, or empty
  SINK_SINCE="yesterday": must be a time such as 2026-11-28T12:00:00Z, or empty
  WA_VERSION="3.1.4": must be 2.3000.N, or empty
  WA_ENDPOINT="http://a.example": must be a wss:// URL, or a ws:// URL of a loopback host, without user, query and fragment`)
}

func TestUnknownVariablesAreIgnored(t *testing.T) {
	t.Parallel()
	_, err := Load([]string{"WA_UNHEARD_OF=x", "=C:=C:\\", "nonsense"}, dotenv(t, "REDIS_USER=somebody\n"))
	require.NoError(t, err)
}

func TestMissingFileIsNoProblem(t *testing.T) {
	t.Parallel()
	_, err := Load(nil, filepath.Join(t.TempDir(), ".env"))
	require.NoError(t, err)
}

func TestUnreadableFileIsAProblem(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	problems := problemsOf(t, nil, directory)
	require.Len(t, problems, 1)
	require.Equal(t, directory, problems[0].Variable)
}

func TestMalformedFileIsAProblemThatNamesTheLine(t *testing.T) {
	t.Parallel()
	for text, line := range map[string]string{
		"PORT=1\nAPI KEY!=x\nHOST=localhost\n":       "line 2 ",
		"# fine\n\nPORT\n":                           "line 3 ",
		"A='two\nlines'\nB=\"never closed\nC=1\n":    "line 3 ",
		"\xef\xbb\xbfPORT=1\n":                       "line 1 ",
		"LOG_LEVEL=info\nPORT=1\n=value\nHOST=::1\n": "line 3 ",
	} {
		problems := problemsOf(t, nil, dotenv(t, text))
		require.Len(t, problems, 1, text)
		require.Contains(t, problems[0].Reason, line, text)
	}
}

func TestMalformedFileDoesNotHideOtherProblems(t *testing.T) {
	t.Parallel()
	path := dotenv(t, "!\n")
	problems := problemsOf(t, []string{"PORT=-1"}, path)
	require.Len(t, problems, 2)
	require.Equal(t, path, problems[0].Variable)
	require.Equal(t, "PORT", problems[1].Variable)
}

// inMemory is the storage that needs nothing else in production.
const inMemory = "STORAGE_TYPE=memory"

func TestAppEnvIsAnAliasOfNodeEnv(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		environ    []string
		file, want string
	}{
		{[]string{"APP_ENV=production", inMemory}, "", Production},
		{[]string{"APP_ENV=test", "NODE_ENV=test"}, "", Test},
		{[]string{"APP_ENV="}, "", Development},
		{nil, "APP_ENV=test\n", Test},
		{[]string{"APP_ENV=production", inMemory}, "NODE_ENV=development\n", Production},
		{[]string{"NODE_ENV=production", inMemory}, "APP_ENV=test\n", Production},
	} {
		got, err := Load(c.environ, dotenv(t, c.file))
		require.NoError(t, err, c)
		require.Equal(t, c.want, got.Env.Name, c)
	}
}

func TestAppEnvThatDisagreesWithNodeEnvIsAProblem(t *testing.T) {
	t.Parallel()
	environ := []string{"APP_ENV=test", "NODE_ENV=production", inMemory}
	require.Equal(t, []string{"APP_ENV"}, variablesOf(t, environ))
	require.Len(t, problemsOf(t, nil, dotenv(t, "APP_ENV=test\nNODE_ENV=production\n"+inMemory+"\n")), 1)
}
