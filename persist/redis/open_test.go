package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/redis"
)

func TestSettingsThatLoseWritesAreRefused(t *testing.T) {
	own := backends.Start(t, backends.Redis(), t.TempDir())
	admin := adminOf(t, own)
	config := redis.Config{URL: "redis://" + own.Address}
	db := openConfig(t, config)
	for _, unsafe := range []struct{ setting, value, safe string }{
		{"appendfsync", "everysec", "always"},
		{"appendfsync", "no", "always"},
		{"no-appendfsync-on-rewrite", "yes", "no"},
		{"maxmemory-policy", "allkeys-lru", "noeviction"},
		{"maxmemory-policy", "volatile-ttl", "noeviction"},
		{"appendonly", "no", "yes"},
	} {
		require.NoError(t, admin.ConfigSet(t.Context(), unsafe.setting, unsafe.value).Err())
		_, err := redis.Open(t.Context(), config)
		require.ErrorContains(t, err, unsafe.setting+` is "`+unsafe.value+`", not "`+unsafe.safe+`"`)
		require.ErrorContains(t, err, "set REDIS_ALLOW_LOSS=true")
		require.NotContains(t, err.Error(), "\n")
		require.ErrorContains(t, db.Health(t.Context()), unsafe.setting, "also when it is changed later")

		permitted := openConfig(t, redis.Config{URL: config.URL, AllowLoss: true})
		require.NoError(t, permitted.Health(t.Context()))
		require.NoError(t, permitted.Close())
		require.NoError(t, admin.ConfigSet(t.Context(), unsafe.setting, unsafe.safe).Err())
	}
	require.NoError(t, db.Health(t.Context()))
	require.NoError(t, db.Close())
}

func TestServerWithSecretSettingsNeedsTheOverride(t *testing.T) {
	own := backends.Start(t, backends.Redis(), t.TempDir())
	admin := adminOf(t, own)
	for name, rights := range map[string][]any{
		"forbidden": {"~*", "+@all", "-config"},
		"narrow":    {"~wa:*", "+@all", "-@admin", "-@dangerous", "+info"},
	} {
		require.NoError(t, admin.Do(t.Context(), append([]any{"ACL", "SETUSER", name, "on", ">hush"}, rights...)...).Err())
		url := "redis://" + name + ":hush@" + own.Address
		_, err := redis.Open(t.Context(), redis.Config{URL: url})
		require.ErrorContains(t, err, "does not let its settings be read")
		require.ErrorContains(t, err, "set REDIS_ALLOW_LOSS=true")
		require.NotContains(t, err.Error(), "hush")

		db := openConfig(t, redis.Config{URL: url, AllowLoss: true})
		a := acquire(t, db, "4917")
		a.apply(t, counter("n", 1))
		require.EqualValues(t, 1, a.count(t, "n"))
		require.NoError(t, db.DeleteScope(t.Context(), a.scope, a.generation))
		require.NoError(t, db.Close())
	}
}

func TestWhatCannotBeUsedIsNamedWithoutThePassword(t *testing.T) {
	const password = "h%2Fu%40sh"
	locked := backends.Start(t, backends.Redis("--requirepass", "another"), t.TempDir())
	replica := backends.Start(t, backends.Redis("--replicaof", "127.0.0.1 1"), t.TempDir())
	sentinel := backends.Start(t, backends.Sentinel(), t.TempDir())
	shared := server.Server(t).Address
	for url, reason := range map[string]string{
		"redis://:" + password + "@" + locked.Address:   "WRONGPASS",
		"redis://" + locked.Address:                     "NOAUTH",
		"redis://:" + password + "@127.0.0.1:1":         "redis at 127.0.0.1:1: connect: dial tcp 127.0.0.1:1: connect: connection refused",
		"redis://" + replica.Address:                    "replica",
		"redis://" + sentinel.Address:                   "is a sentinel",
		"redis://" + shared + "/99":                     "DB index is out of range",
		"http://:" + password + "@" + shared:            "the URL is not one of redis://",
		"redis://:hush%@" + shared:                      "the URL is not one of redis://",
		"redis://:hu/sh@" + shared:                      "the URL is not one of redis://",
		"redis://:" + password + "@" + shared + "/hush": "the URL is not one of redis://",
		"redis://" + shared + "?hush=1":                 "the URL is not one of redis://",
		"unix:///hush":                                  "the URL is not one of redis://",
		"":                                              "the URL is not one of redis://",
	} {
		_, err := redis.Open(t.Context(), redis.Config{URL: url})
		require.ErrorContains(t, err, reason, url)
		require.NotContains(t, err.Error(), "sh@", url)
		require.NotContains(t, err.Error(), "hush", url)
		require.NotContains(t, err.Error(), "\n", url)
	}
}

func TestServerThatDoesNotAnswerIsNotWaitedForAtStart(t *testing.T) {
	own := backends.Start(t, backends.Redis(), t.TempDir())
	require.NoError(t, own.Freeze())
	frozen := "redis://" + own.Address
	withoutTLS := "rediss://" + server.Server(t).Address
	for _, url := range []string{frozen, withoutTLS} {
		ctx, cancel := contextOf(t, 200*time.Millisecond)
		_, err := redis.Open(ctx, redis.Config{URL: url})
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded, url)
	}
}

func TestSchemaOfAnotherProgramIsRefused(t *testing.T) {
	address, prefix := server.Server(t).Address, uuid.NewString()+":"
	key := prefix + "schema_version"
	admin := adminOf(t, server.Server(t))
	db, err := redis.Open(t.Context(), redis.Config{URL: "redis://" + address, Prefix: prefix})
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	require.NoError(t, db.Migrate(t.Context()), "again")
	require.Equal(t, "1", admin.Get(t.Context(), key).Val())

	require.NoError(t, admin.Set(t.Context(), key, 1000, 0).Err())
	require.ErrorIs(t, db.Migrate(t.Context()), persist.ErrSchemaTooNew)
	for _, strange := range []string{"latest", "-1"} {
		require.NoError(t, admin.Set(t.Context(), key, strange, 0).Err())
		require.ErrorContains(t, db.Migrate(t.Context()), key)
		require.Equal(t, strange, admin.Get(t.Context(), key).Val(), "nothing was changed")
	}
	require.NoError(t, db.Close())
}

// adminOf returns a client beside the engine.
func adminOf(t *testing.T, of *backends.Server) *driver.Client {
	client := driver.NewClient(&driver.Options{Addr: of.Address})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}
