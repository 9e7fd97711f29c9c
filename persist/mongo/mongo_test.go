package mongo_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal/journaltest"
	"whatsapp-web-server/persist/mongo"
	"whatsapp-web-server/persist/persisttest"
)

func TestMain(m *testing.M) {
	if os.Getenv("TEST_FULL") == "" {
		beThrifty()
	}
	goleak.VerifyTestMain(mongo.Server.Around(m))
}

// beThrifty has the suites do less, since the server of tests is slow.
func beThrifty() {
	persisttest.Thrift = 5
	if err := flag.Set("rapid.checks", "6"); err != nil {
		panic(err)
	}
}

func TestEngine(t *testing.T) { persisttest.Run(t, open) }

func TestPersistent(t *testing.T) { persisttest.RunPersistent(t, openAt) }

func TestJournal(t *testing.T) { journaltest.Run(t, open) }

func BenchmarkEngine(b *testing.B) {
	needMongoDB(b)
	persisttest.Benchmark(b, open)
}

func BenchmarkJournal(b *testing.B) {
	needMongoDB(b)
	journaltest.Benchmark(b, open, nil)
}

// needMongoDB skips where the server is the stand-in, which would be measured
// rather than the engine.
func needMongoDB(b *testing.B) {
	b.Helper()
	if isFerretDB(b, mongo.NewURL(b)) {
		b.Skip("BACKENDS_MONGODB_ADDRESS=host:port names the mongod to measure with")
	}
}

// open returns a migrated engine over a new database.
func open(t testing.TB) persist.Engine { return openURL(t, mongo.NewURL(t)) }

// openAt returns a migrated engine over the database of a folder.
func openAt(t testing.TB, dir string) persist.Engine {
	t.Helper()
	name := fmt.Sprintf("at%x", sha256.Sum256([]byte(dir)))[:32]
	return openURL(t, backends.MongoDBURL(mongo.Server.Server(t), name))
}

func openURL(t testing.TB, url string) *mongo.DB {
	t.Helper()
	db, err := mongo.Open(t.Context(), mongo.Config{URL: url, AllowLoss: true})
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	return db
}
