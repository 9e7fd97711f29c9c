package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal/journaltest"
	"whatsapp-web-server/persist/persisttest"
)

func BenchmarkEngine(b *testing.B) { persisttest.Benchmark(b, open) }

func BenchmarkJournal(b *testing.B) { journaltest.Benchmark(b, open, plain) }

// plain is what a store without a journal does: one transaction for each message,
// its rows one statement each, over a pool of 16 connections.
func plain(b *testing.B, _ []string) func(context.Context, string, []persist.Mutation) error {
	url := newDatabase(b)
	require.NoError(b, openURL(b, url).Close())
	pool, err := pgxpool.New(b.Context(), url+"?pool_max_conns=16")
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	return func(ctx context.Context, account string, update []persist.Mutation) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			session, message := update[0].Row, update[1].Row
			_, err := tx.Exec(ctx, `INSERT INTO signal_sessions VALUES ($1, $2, $3)
				ON CONFLICT (account, address) DO UPDATE SET session = excluded.session`, account, session[0], session[1])
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `INSERT INTO messages VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
				ON CONFLICT (account, chat, sender, id) DO UPDATE SET status = excluded.status`,
				append([]any{account}, message...)...)
			return err
		})
	}
}

// history is the content of a chat of that many messages.
func history(account persist.Batch, from, count int) persist.Batch {
	for n := from; n < from+count; n++ {
		chat := fmt.Sprintf("4915100%06d@s.whatsapp.net", n%50)
		message := persist.Message{
			Chat: chat, Sender: chat, ID: fmt.Sprintf("3EB0%016X", n), Seq: int64(n), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(n)),
			Type: "text", Status: "received", Raw: make([]byte, 350),
		}
		body := fmt.Sprintf("Shall we meet at half past %d in front of the old station number%d?", n%12, n)
		account.Mutations = append(account.Mutations, persist.Messages.Put(message),
			persist.MessageContents.Put(persist.NewMessageContent(message, body)))
	}
	return account
}

// BenchmarkHistory ingests messages with what they are found by, a thousand in
// each batch.
func BenchmarkHistory(b *testing.B) {
	const each = 1000
	engine := open(b)
	b.Cleanup(func() { require.NoError(b, engine.Close()) })
	generation, err := engine.Acquire(b.Context(), "4917", 0)
	require.NoError(b, err)
	n := 0
	for b.Loop() {
		batch := history(persist.Batch{Scope: persist.AccountScope("4917"), Generation: generation}, n, each)
		require.NoError(b, engine.Apply(b.Context(), []persist.Batch{batch})[0])
		n += each
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkSearch looks for words among 100,000 messages.
func BenchmarkSearch(b *testing.B) {
	engine := openURL(b, newDatabase(b))
	b.Cleanup(func() { require.NoError(b, engine.Close()) })
	scope := persist.AccountScope("4917")
	generation, err := engine.Acquire(b.Context(), "4917", 0)
	require.NoError(b, err)
	for from := 0; from < 100_000; from += 1000 {
		batch := history(persist.Batch{Scope: scope, Generation: generation}, from, 1000)
		require.NoError(b, engine.Apply(b.Context(), []persist.Batch{batch})[0])
	}
	for name, text := range map[string]string{"rare": "station number4321", "tenth": "half 1", "every": "shall", "none": "nowhere"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, err := persist.MessageContents.Scan(b.Context(), engine, persist.Query{
					Scope: scope, Index: "by_time", Match: persist.Terms(text), Reverse: true, Limit: 20,
				})
				require.NoError(b, err)
			}
		})
	}
}
