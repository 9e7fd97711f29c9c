package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/persist/persisttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEngine(t *testing.T) { persisttest.Run(t, open) }

func BenchmarkEngine(b *testing.B) { persisttest.Benchmark(b, open) }

func open(testing.TB) persist.Engine { return memory.Open() }
