package configs

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// addresses returns the URLs that environ leads to: of Redis, PostgreSQL and MongoDB.
func addresses(t *testing.T, environ ...string) (redis, postgres, mongodb string) {
	t.Helper()
	c, err := Load(environ, "")
	require.NoError(t, err)
	return c.Redis.Address().Reveal(), c.Postgres.Address().Reveal(), c.MongoDB.Address().Reveal()
}

func TestServersHaveDefaults(t *testing.T) {
	t.Parallel()
	redis, postgres, mongodb := addresses(t)
	require.Equal(t, "redis://localhost:6379/0", redis)
	require.Equal(t, "postgres://postgres@localhost:5432/whatsapp_auth", postgres)
	require.Equal(t, "mongodb://localhost:27017/whatsapp_auth", mongodb)
}

func TestAURLWinsOverItsParts(t *testing.T) {
	t.Parallel()
	redis, postgres, mongodb := addresses(t,
		"REDIS_URL=rediss://cache:6380/3", "REDIS_HOST=elsewhere", "REDIS_PASSWORD=x",
		"POSTGRES_URL=postgresql://me:p%40ss@db/shop?sslmode=require", "POSTGRES_HOST=elsewhere", "POSTGRES_DB=x",
		"MONGODB_URL=mongodb+srv://cluster.example.com/shop")
	require.Equal(t, "rediss://cache:6380/3", redis)
	require.Equal(t, "postgresql://me:p%40ss@db/shop?sslmode=require", postgres)
	require.Equal(t, "mongodb+srv://cluster.example.com/shop", mongodb)
}

func TestPartsMakeAURLWhateverCharactersTheyHave(t *testing.T) {
	t.Parallel()
	const password = "p@ss/w:rd?#%41"
	redis, postgres, _ := addresses(t, "REDIS_HOST=::1", "REDIS_PORT=1", "REDIS_DB=2", "REDIS_PASSWORD="+password,
		"POSTGRES_HOST=10.0.0.1", "POSTGRES_PORT=2", "POSTGRES_DB=a b/c", "POSTGRES_USER=m@e", "POSTGRES_PASSWORD="+password)
	u, err := url.Parse(redis)
	require.NoError(t, err)
	require.Equal(t, "[::1]:1", u.Host)
	require.Equal(t, "/2", u.Path)
	got, _ := u.User.Password()
	require.Equal(t, password, got)

	u, err = url.Parse(postgres)
	require.NoError(t, err)
	require.Equal(t, "10.0.0.1:2", u.Host)
	require.Equal(t, "/a b/c", u.Path)
	require.Equal(t, "m@e", u.User.Username())
	got, _ = u.User.Password()
	require.Equal(t, password, got)
}

func TestURLsOfServersAreRefusedWithoutBeingShown(t *testing.T) {
	t.Parallel()
	for variable, addresses := range map[string][]string{
		"REDIS_URL":    {"localhost:6379", "redis:hush", "redis:///0", "http://hush", "redis://:hush%zz@a"},
		"POSTGRES_URL": {"host=a password=hush", "postgres:///hush", "mysql://u:hush@a/b", "postgres://u:hush@a:port/b"},
		"MONGODB_URL":  {"localhost/hush", "mongodb:///hush", "redis://u:hush@a"},
	} {
		for _, address := range addresses {
			_, err := Load([]string{variable + "=" + address}, "")
			require.ErrorContains(t, err, variable+": must be a", address)
			require.NotContains(t, err.Error(), "hush")
		}
	}
}

func TestNoSecretOfAServerIsPrinted(t *testing.T) {
	t.Parallel()
	c, err := Load([]string{
		"REDIS_URL=redis://:hush@a", "REDIS_PASSWORD=hush", "POSTGRES_URL=postgres://u:hush@a/b", "POSTGRES_PASSWORD=hush",
		"MONGODB_URL=mongodb://u:hush@a/b",
	}, "")
	require.NoError(t, err)
	printed := fmt.Sprintf("%v %+v %#v %v %v %v", c, c, c, c.Redis.Address(), c.Postgres.Address(), c.MongoDB.Address())
	require.NotContains(t, printed, "hush")
}
