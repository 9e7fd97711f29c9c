package supervisor

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/webhook"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/sqlite"
)

const (
	benchAccounts    = 20
	benchConcurrency = 8
)

// benchBody is an event as they mostly are: a text message.
var benchBody = fmt.Sprintf(`{"clientId":"31600000001","message":{"id":"3EB0A9253FA64269E11C9D","from":"31600000002@c.us","chatId":"31600000002@c.us","body":%q,"type":"text","timestamp":1795858280,"fromMe":false,"sender":{"number":"31600000002","lid":"123456789012345@lid","name":"Ann"}}}`,
	strings.Repeat("Lorem ipsum ", 10))

// written gives an engine accounts whose logs hold n events together.
func written(b *testing.B, engine persist.Engine, n int) {
	b.Helper()
	for a := range benchAccounts {
		account := fmt.Sprintf("316000000%02d", a)
		entry := persist.Batch{Scope: persist.SystemScope(), Mutations: []persist.Mutation{
			persist.AccountIndex.Put(persist.AccountEntry{Number: account, Version: 1}),
		}}
		require.NoError(b, engine.Apply(b.Context(), []persist.Batch{entry})[0])
		generation, err := engine.Acquire(b.Context(), account, 0)
		require.NoError(b, err)
		batch := persist.Batch{Scope: persist.AccountScope(account), Generation: generation}
		batch.Mutations = append(batch.Mutations, persist.Accounts.Put(persist.Account{LogID: "LOG" + account}))
		for seq := range (n + benchAccounts - 1 - a) / benchAccounts {
			batch.Mutations = append(batch.Mutations, persist.Events.Put(persist.Event{Seq: int64(seq + 1), Kind: "message", At: time.Now(), Data: benchBody}))
		}
		require.NoError(b, engine.Apply(b.Context(), []persist.Batch{batch})[0])
	}
}

// BenchmarkWebhooks delivers what is in the logs of 20 accounts, on SQLite, to one
// endpoint with 8 requests at a time; beside it the same number of the same bodies posted
// by an HTTP client alone.
func BenchmarkWebhooks(b *testing.B) {
	for _, order := range []string{webhook.Strict, webhook.Relaxed} {
		b.Run(order, func(b *testing.B) {
			var got atomic.Int64
			receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				got.Add(1)
			}))
			b.Cleanup(receiver.Close)
			engine, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "bench.db")})
			require.NoError(b, err)
			require.NoError(b, engine.Migrate(b.Context()))
			b.Cleanup(func() { require.NoError(b, engine.Close()) })
			written(b, engine, b.N)
			bare := postAlone(b, receiver.URL, b.N)
			got.Store(0)
			h := open(b, engine)
			hook := persist.Webhook{
				ID: "BENCH", Version: 1, Everyone: true, URL: receiver.URL, Order: order, Concurrency: benchConcurrency,
				Secret: "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)), Since: time.UnixMilli(1),
			}
			batch := persist.Batch{Scope: persist.SystemScope(), Mutations: []persist.Mutation{persist.Webhooks.Put(hook)}}
			require.NoError(b, engine.Apply(b.Context(), []persist.Batch{batch})[0])
			b.ResetTimer()
			begun := time.Now()
			h.webhooks(b)
			require.Eventually(b, func() bool { return got.Load() >= int64(b.N) }, 5*time.Minute, time.Millisecond)
			took := time.Since(begun)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/took.Seconds(), "webhooks/s")
			b.ReportMetric(float64(b.N)/bare.Seconds(), "bare/s")
		})
	}
}

// postAlone is the baseline.
func postAlone(b *testing.B, url string, n int) time.Duration {
	b.Helper()
	body, err := json.Marshal(actors.Frame{Event: "message", ID: "01JD9Z3W6V1N8T4Q5R7S2XKYMB-1", Time: time.Now(), Data: json.RawMessage(benchBody)})
	require.NoError(b, err)
	transport := &http.Transport{MaxIdleConnsPerHost: benchConcurrency}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var left atomic.Int64
	left.Store(int64(n))
	begun := time.Now()
	var posting sync.WaitGroup
	for range benchConcurrency {
		posting.Go(func() {
			for left.Add(-1) >= 0 {
				request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				response, err := client.Do(request)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	posting.Wait()
	return time.Since(begun)
}
