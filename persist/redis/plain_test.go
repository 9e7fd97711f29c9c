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

// plain is what one would write first: a transaction for each message, of the
// ratchet in one hash, the message in another and a sorted set of times beside it.
func plain(b *testing.B, _ []string) func(context.Context, string, []persist.Mutation) error {
	client := driver.NewClient(&driver.Options{Addr: server.Server(b).Address})
	b.Cleanup(func() { require.NoError(b, client.Close()) })
	return func(ctx context.Context, account string, update []persist.Mutation) error {
		_, err := client.TxPipelined(ctx, func(pipe driver.Pipeliner) error {
			for _, m := range update {
				key := "plain:" + account + ":" + m.Table.Name
				id := string(tuple.AppendKey(nil, m.Key()...))
				pipe.HSet(ctx, key, id, tuple.AppendRow(nil, m.Row[m.Table.KeyColumns:]))
				if m.Table == persist.Messages.Table {
					pipe.ZAdd(ctx, key+":by_time", driver.Z{Score: float64(m.Row[4].(int64)), Member: id})
				}
			}
			return nil
		})
		return err
	}
}
