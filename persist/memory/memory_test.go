package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal/journaltest"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/persist/persisttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEngine(t *testing.T) { persisttest.Run(t, open) }

func TestJournal(t *testing.T) { journaltest.Run(t, open) }

func BenchmarkEngine(b *testing.B) { persisttest.Benchmark(b, open) }

func BenchmarkJournal(b *testing.B) { journaltest.Benchmark(b, open, nil) }

func BenchmarkHistory(b *testing.B) { journaltest.BenchmarkHistory(b, open) }

func open(testing.TB) persist.Engine { return memory.Open() }
