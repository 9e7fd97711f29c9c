package redis_test

import (
	"context"
	"testing"

	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal/journaltest"
	"whatsapp-web-server/persist/redis"
	"whatsapp-web-server/persist/tuple"
)

func BenchmarkJournal(b *testing.B) { journaltest.Benchmark(b, openEmpty, plain) }

func BenchmarkHistory(b *testing.B) { journaltest.BenchmarkHistory(b, openEmpty) }

// emptyServer is one for a single measurement. Else the later ones bear the data of
// those before them, which the server rewrites whenever its file has doubled.
func emptyServer(t testing.TB) string {
	return backends.Start(t, backends.Redis(), t.TempDir()).Address
}

func openEmpty(t testing.TB) persist.Engine {
	return openConfig(t, redis.Config{URL: "redis://" + emptyServer(t)})
}

// plain is what one would write first: a transaction for each message, of the same
// rows in a hash for each table, with a sorted set for each order that the engine
// keeps. It minds no other writer, nor places that have changed. Redis itself puts
// the transactions of many connections into one flush of its file, so it has as many
// as there are accounts, up to a hundred: more make it slower.
func plain(b *testing.B, accounts []string) func(context.Context, string, []persist.Mutation) error {
	client := driver.NewClient(&driver.Options{Addr: emptyServer(b), PoolSize: min(len(accounts), 100)})
	b.Cleanup(func() { require.NoError(b, client.Close()) })
	return func(ctx context.Context, account string, update []persist.Mutation) error {
		_, err := client.TxPipelined(ctx, func(pipe driver.Pipeliner) error {
			for _, m := range update {
				key := "plain:" + account + ":" + m.Table.Name
				id := string(tuple.AppendKey(nil, m.Key()...))
				pipe.HSet(ctx, key, id, tuple.AppendRow(nil, m.Row[m.Table.KeyColumns:]))
				pipe.ZAdd(ctx, key+":", driver.Z{Member: id})
				for _, index := range m.Table.Indexes {
					pipe.ZAdd(ctx, key+":"+index.Name, driver.Z{Member: string(place(m, index)) + id})
				}
			}
			return nil
		})
		return err
	}
}

// place is where a row is in an index, without its key.
func place(m persist.Mutation, index persist.Index) (encoded []byte) {
	for _, position := range m.Table.Positions(index.Name)[:len(index.Columns)] {
		encoded = tuple.AppendKey(encoded, m.Row[position])
	}
	return encoded
}
