package redis_test

import (
	"context"
	"testing"

	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal/journaltest"
	"whatsapp-web-server/persist/tuple"
)

func BenchmarkJournal(b *testing.B) { journaltest.Benchmark(b, open, plain) }

func BenchmarkHistory(b *testing.B) { journaltest.BenchmarkHistory(b, open) }

// plain is what one would write first: a transaction for each message, of the same
// rows in a hash for each table, with a sorted set for each order that the engine
// keeps. It minds no other writer, nor places that have changed. Redis itself puts
// the transactions of many connections into one flush of its file.
func plain(b *testing.B, _ []string) func(context.Context, string, []persist.Mutation) error {
	client := driver.NewClient(&driver.Options{Addr: server.Server(b).Address})
	b.Cleanup(func() { require.NoError(b, client.Close()) })
	return func(ctx context.Context, account string, update []persist.Mutation) error {
		_, err := client.TxPipelined(ctx, func(pipe driver.Pipeliner) error {
			for _, m := range update {
				key := "plain:" + account + ":" + m.Table.Name
				id := string(tuple.AppendKey(nil, m.Key()...))
				pipe.HSet(ctx, key, id, tuple.AppendRow(nil, m.Row[m.Table.KeyColumns:]))
				pipe.ZAdd(ctx, key+":", driver.Z{Member: id})
				for _, index := range m.Table.Indexes {
					pipe.ZAdd(ctx, key+":"+index.Name, driver.Z{Member: string(place(m, index.Name)) + id})
				}
			}
			return nil
		})
		return err
	}
}

// place is where a row is in an index.
func place(m persist.Mutation, index string) (encoded []byte) {
	for _, position := range m.Table.Positions(index) {
		encoded = tuple.AppendKey(encoded, m.Row[position])
	}
	return encoded
}
