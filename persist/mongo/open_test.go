package mongo_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/mongo"
)

const password = "do-not-tell"

// openFails returns why a URL cannot be opened, in one sentence without the password.
func openFails(t *testing.T, config mongo.Config) string {
	t.Helper()
	_, err := mongo.Open(t.Context(), config)
	require.Error(t, err, config.URL)
	require.NotContains(t, err.Error(), password)
	require.NotContains(t, err.Error(), "\n")
	return err.Error()
}

func TestURLThatCannotBeUsedIsRefusedWithoutItsPassword(t *testing.T) {
	for _, url := range []string{
		"", "redis://user:" + password + "@localhost", "mongodb://user:" + password + "@", "mongodb://a:" + password + "@b@c/",
		"mongodb://user:" + password + "@localhost:port/", "mongodb://user:" + password + "@localhost/?replicaSet=a&directConnection=maybe",
		"mongodb://user:" + password + "@localhost/?w=-1",
	} {
		require.Contains(t, openFails(t, mongo.Config{URL: url}), "open mongodb: the URL")
	}
}

func TestUnreachableServerIsNamed(t *testing.T) {
	reason := openFails(t, mongo.Config{URL: "mongodb://user:" + password + "@127.0.0.1:1/whatsapp?serverSelectionTimeoutMS=200"})
	require.Equal(t, "open mongodb: 127.0.0.1:1: no MongoDB server answers there", reason)
}

func TestFrozenServerIsUnreachable(t *testing.T) {
	frozen := backends.Start(t, backends.MongoDB(), filepath.Join(t.TempDir(), "data"))
	require.NoError(t, frozen.Freeze())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := mongo.Open(ctx, mongo.Config{URL: backends.MongoDBURL(frozen, "frozen"), AllowLoss: true})
	require.ErrorContains(t, err, "no MongoDB server answers there")
}

func TestWrongCredentialsAreSaidToBeWrong(t *testing.T) {
	url := strings.Replace(mongo.NewURL(t), "mongodb://", "mongodb://nobody:"+password+"@", 1)
	require.Contains(t, openFails(t, mongo.Config{URL: url, AllowLoss: true}), "refuses the user or the password of the URL")
}

func TestWriteConcernThatLosesWritesIsRefused(t *testing.T) {
	for _, weak := range []string{"w=1", "w=0", "w=2", "w=another", "journal=false", "w=majority&journal=false"} {
		reason := openFails(t, mongo.Config{URL: mongo.NewURL(t) + "&" + weak})
		require.Contains(t, reason, "MONGODB_ALLOW_LOSS=true", weak)
		require.Contains(t, reason, "write concern", weak)
	}
	db, err := mongo.Open(t.Context(), mongo.Config{URL: mongo.NewURL(t) + "&w=1&journal=false", AllowLoss: true})
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestServerThatLosesWritesIsRefused(t *testing.T) {
	url := mongo.NewURL(t)
	if isFerretDB(t, url) {
		require.Contains(t, openFails(t, mongo.Config{URL: url}), "is a FerretDB, which loses confirmed writes")
		return
	}
	db, err := mongo.Open(t.Context(), mongo.Config{URL: url})
	require.NoError(t, err, "mongod loses none")
	require.NoError(t, db.Close())
}

func isFerretDB(t testing.TB, url string) bool {
	t.Helper()
	info, err := database(t, url).RunCommand(t.Context(), bson.D{{Key: "buildInfo", Value: 1}}).Raw()
	require.NoError(t, err)
	return !info.Lookup("ferretdbVersion").IsZero()
}

// database is that of the URL, as another program sees it.
func database(t testing.TB, url string) *driver.Database {
	t.Helper()
	parsed, err := connstring.Parse(url)
	require.NoError(t, err)
	client, err := driver.Connect(options.Client().ApplyURI(url))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Disconnect(context.Background())) })
	return client.Database(parsed.Database)
}

func TestNewerSchemaIsRefused(t *testing.T) {
	url := mongo.NewURL(t)
	require.NoError(t, openURL(t, url).Close())
	_, err := database(t, url).Collection("storage_schema").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "schema"}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: 1000}}}})
	require.NoError(t, err)

	db, err := mongo.Open(t.Context(), mongo.Config{URL: url, AllowLoss: true})
	require.NoError(t, err)
	require.ErrorIs(t, db.Migrate(t.Context()), persist.ErrSchemaTooNew)
	require.NoError(t, db.Close())
}

func TestRowsCanBeReadByPeople(t *testing.T) {
	url := mongo.NewURL(t)
	db := openURL(t, url)
	generation, err := db.Acquire(t.Context(), "4917", 0)
	require.NoError(t, err)
	at := time.UnixMilli(1_700_000_000_000)
	require.NoError(t, db.Apply(t.Context(), []persist.Batch{{
		Scope: persist.AccountScope("4917"), Generation: generation, Mutations: []persist.Mutation{
			persist.AuthSessions.Put(persist.AuthSession{State: `{"registered":true}`, CreatedAt: at, UpdatedAt: at}),
			persist.Chats.Put(persist.Chat{JID: "4915@s.whatsapp.net", Name: "Jo", Unread: 3}),
		},
	}})[0])
	require.NoError(t, db.Close())

	var session struct {
		Record struct {
			Account   string    `bson:"account_number"`
			State     string    `bson:"auth_state"`
			CreatedAt time.Time `bson:"created_at"`
		} `bson:"record"`
	}
	data := database(t, url)
	require.NoError(t, data.Collection("auth_sessions").FindOne(t.Context(), bson.D{{Key: "_id", Value: "4917|"}}).Decode(&session))
	require.Equal(t, "4917", session.Record.Account)
	require.Equal(t, `{"registered":true}`, session.Record.State)
	require.True(t, at.Equal(session.Record.CreatedAt))
	chat, err := data.Collection("chats").FindOne(t.Context(), bson.D{{Key: "record.name", Value: "Jo"}}).Raw()
	require.NoError(t, err)
	require.EqualValues(t, 3, chat.Lookup("record", "unread").AsInt64())
}

func TestUnknownTableIsPoison(t *testing.T) {
	db := open(t)
	generation, err := db.Acquire(t.Context(), "4917", 0)
	require.NoError(t, err)
	unknown := &persist.Table{Name: "unknown", Level: "account", KeyColumns: 1, Columns: []persist.Column{{Name: "id"}}}
	results := db.Apply(t.Context(), []persist.Batch{{
		Scope: persist.AccountScope("4917"), Generation: generation,
		Mutations: []persist.Mutation{{Table: unknown, Row: persist.Row{"a"}}},
	}})
	require.ErrorIs(t, results[0], persist.ErrPoisoned)
	require.NoError(t, db.Close())
}
