package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/persist/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	number = "31600000001"
	other  = "31600000002"
)

// row has something in every column, other than others with another n.
func row(table *persist.Table, n int) persist.Row {
	made := make(persist.Row, len(table.Columns))
	for i, column := range table.Columns {
		text := fmt.Sprintf("%s %d", column.Name, n)
		made[i] = map[persist.Type]any{persist.Text: text, persist.Integer: int64(n + 1), persist.Blob: []byte(text)}[column.Type]
	}
	return made
}

// fill gives an engine accounts with rows in every table.
func fill(t *testing.T, engine persist.Engine, accounts ...string) {
	t.Helper()
	for _, account := range accounts {
		require.NoError(t, enter(t.Context(), engine, nil, persist.AccountEntry{Number: account}))
		generation, err := engine.Acquire(t.Context(), account, 41)
		require.NoError(t, err)
		batch := persist.Batch{Scope: persist.AccountScope(account), Generation: generation}
		for _, table := range tablesOf(batch.Scope) {
			for n := range 3 {
				batch.Mutations = append(batch.Mutations, persist.Mutation{Table: table, Row: row(table, n)})
			}
		}
		record := persist.Account{Running: true, JID: account + ":5@s.whatsapp.net", LID: "777:5@lid", LogID: "old"}
		batch.Mutations = append(batch.Mutations, persist.Accounts.Put(record),
			persist.SenderKeys.Put(persist.SenderKey{Group: "g", Sender: account + ":5", Key: []byte("own")}),
			persist.SenderKeys.Put(persist.SenderKey{Group: "g", Sender: "777_1:5", Key: []byte("own by LID")}),
			persist.SenderKeys.Put(persist.SenderKey{Group: "g", Sender: "888_1:5", Key: []byte("another's")}))
		for n := range page + 10 {
			batch.Mutations = append(batch.Mutations, persist.Events.Put(persist.Event{Seq: int64(n), Kind: "k"}))
		}
		require.NoError(t, engine.Apply(t.Context(), []persist.Batch{batch})[0])
	}
}

func contents(t *testing.T, engine persist.Scanner, account string, table *persist.Table) (rows []persist.Row) {
	t.Helper()
	require.NoError(t, eachRow(t.Context(), engine, persist.AccountScope(account), table, func(r persist.Row) error {
		rows = append(rows, r)
		return nil
	}))
	return rows
}

func backup(t *testing.T, engine *memory.Engine) []byte {
	t.Helper()
	snapshot, err := engine.Snapshot(t.Context())
	require.NoError(t, err)
	var stream bytes.Buffer
	require.NoError(t, Backup(t.Context(), snapshot, &stream))
	require.NoError(t, snapshot.Close())
	return stream.Bytes()
}

// unsealed is for backups without anything sealed.
func unsealed([]persist.DataKey) (func(persist.Scope, *persist.Table, persist.Row) (persist.Row, error), error) {
	return func(_ persist.Scope, _ *persist.Table, row persist.Row) (persist.Row, error) { return row, nil }, nil
}

func put(t *testing.T, stream []byte, target persist.Engine) (int, error) {
	t.Helper()
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(stream)), nil }
	return Restore(t.Context(), open, target, unsealed)
}

func TestEveryTableHasARule(t *testing.T) {
	for _, table := range persist.Tables() {
		require.Contains(t, rules, table, "what becomes of %s when a backup is put back?", table.Name)
	}
	require.Len(t, rules, len(persist.Tables()))
}

func TestWhatIsPutBackIsAsTheRulesSay(t *testing.T) {
	source, target := memory.Open(), memory.Open()
	fill(t, source, number, other)
	accounts, err := put(t, backup(t, source), target)
	require.NoError(t, err)
	require.Equal(t, 2, accounts)
	for _, account := range []string{number, other} {
		scope := persist.AccountScope(account)
		for _, table := range tablesOf(scope) {
			was, is := contents(t, source, account, table), contents(t, target, account, table)
			switch table {
			case persist.Accounts.Table, persist.Outbox.Table, persist.SenderKeys.Table, persist.Consumers.Table:
			case persist.SignalSessions.Table:
				require.Empty(t, is)
			default:
				require.Equal(t, was, is, table.Name)
			}
		}
		record, err := persist.Accounts.Get(t.Context(), target, scope)
		require.NoError(t, err)
		require.True(t, record.Running)
		require.NotEqual(t, "old", record.LogID)
		for _, item := range contents(t, target, account, persist.Outbox.Table) {
			decoded, err := persist.Outbox.Decode(item)
			require.NoError(t, err)
			require.Equal(t, persist.OutboxRestored, decoded.State)
		}
		var left []string
		for _, key := range contents(t, target, account, persist.SenderKeys.Table) {
			left = append(left, key[1].(string))
		}
		require.Contains(t, left, "888_1:5")
		require.NotContains(t, left, "777_1:5")
		require.NotContains(t, left, account+":5")
		generation, err := target.Acquire(t.Context(), account, 0)
		require.NoError(t, err)
		require.Greater(t, generation, uint64(43), "above the backup's, which was 42")
	}
}

func TestABackupThatWasCutOffOrChangedIsNoticedBeforeAnythingIsWritten(t *testing.T) {
	source := memory.Open()
	fill(t, source, number)
	whole := backup(t, source)
	require.NoError(t, Verify(bytes.NewReader(whole)))
	step := len(whole)/200 + 1
	for at := 0; at < len(whole); at += step {
		target := memory.Open()
		_, err := put(t, whole[:at], target)
		require.Error(t, err, "cut off at %d", at)
		changed := bytes.Clone(whole)
		changed[at] ^= 0x40
		_, err = put(t, changed, target)
		require.Error(t, err, "changed at %d", at)
		require.Empty(t, contents(t, target, number, persist.Events.Table))
	}
	_, err := put(t, append(bytes.Clone(whole), 0), memory.Open())
	require.ErrorIs(t, err, ErrDamaged)
	_, err = put(t, []byte("SQLite format 3"), memory.Open())
	require.ErrorContains(t, err, "no backup")
}

func TestAStorageWithAccountsIsNotOverwritten(t *testing.T) {
	source, target := memory.Open(), memory.Open()
	fill(t, source, number)
	require.NoError(t, enter(t.Context(), target, nil, persist.AccountEntry{Number: other}))
	_, err := put(t, backup(t, source), target)
	require.ErrorIs(t, err, ErrNotEmpty)
	require.Empty(t, contents(t, target, number, persist.Events.Table))
}

// failing fails every Apply after so many.
type failing struct {
	persist.Engine

	left *int
}

var errKilled = errors.New("killed")

func (f failing) Apply(ctx context.Context, batches []persist.Batch) []error {
	if *f.left--; *f.left < 0 {
		return []error{errKilled}
	}
	return f.Engine.Apply(ctx, batches)
}

func TestARestoreThatWasKilledIsRepeated(t *testing.T) {
	source, target := memory.Open(), memory.Open()
	fill(t, source, number, other)
	stream := backup(t, source)
	for left := 0; ; left++ {
		remaining := left
		_, err := put(t, stream, failing{target, &remaining})
		if err == nil {
			break
		}
		require.ErrorIs(t, err, errKilled)
		accounts, err := accountsOf(t.Context(), target)
		require.NoError(t, err)
		require.Empty(t, accounts, "none is entered before all are there")
	}
	accounts, err := accountsOf(t.Context(), target)
	require.NoError(t, err)
	require.Len(t, accounts, 2)
}

func sqliteAt(t *testing.T) persist.Engine {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "test.db")})
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestAMigrationTakesEverythingAlongAndComesBack(t *testing.T) {
	source, target := memory.Open(), sqliteAt(t)
	fill(t, source, number, other)
	was := map[*persist.Table][]persist.Row{}
	for _, table := range tablesOf(persist.AccountScope(number)) {
		was[table] = contents(t, source, number, table)
	}
	told := 0
	moved, err := Migrate(t.Context(), source, target, Options{Progress: func(string, int) { told++ }})
	require.NoError(t, err)
	require.Equal(t, 2, moved)
	require.Equal(t, 2, told)
	for table, rows := range was {
		require.Equal(t, rows, contents(t, target, number, table), table.Name)
	}
	for _, account := range []string{number, other} {
		record, err := persist.Accounts.Get(t.Context(), source, persist.AccountScope(account))
		require.NoError(t, err)
		require.True(t, record.Moved())
	}
	before, err := source.Acquire(t.Context(), number, 0)
	require.NoError(t, err)
	after, err := target.Acquire(t.Context(), number, 0)
	require.NoError(t, err)
	require.GreaterOrEqual(t, after, before-1)

	_, err = Migrate(t.Context(), source, target, Options{})
	require.NoError(t, err, "nothing is left to do")
	_, err = Migrate(t.Context(), source, memory.Open(), Options{})
	require.ErrorContains(t, err, "moved to another storage before")

	_, err = Migrate(t.Context(), target, source, Options{})
	require.NoError(t, err, "and back")
	for table, rows := range was {
		require.Equal(t, rows, contents(t, source, number, table), table.Name)
	}
}

func TestAMigrationGoesOnWhereItWasKilled(t *testing.T) {
	source, target := memory.Open(), memory.Open()
	fill(t, source, number, other)
	was := contents(t, source, other, persist.Events.Table)
	for left := 0; ; left++ {
		remaining := left
		_, err := Migrate(t.Context(), failing{source, &remaining}, failing{target, &remaining}, Options{})
		if err == nil {
			break
		}
		require.ErrorIs(t, err, errKilled)
		require.Less(t, left, 100)
	}
	for _, account := range []string{number, other} {
		require.Equal(t, was, contents(t, target, account, persist.Events.Table))
		record, err := persist.Accounts.Get(t.Context(), target, persist.AccountScope(account))
		require.NoError(t, err)
		require.True(t, record.Running && !record.Moved())
	}
}

func TestAMigrationIntoTheAccountsOfOthersIsRefusedUnlessItIsMeant(t *testing.T) {
	source, target := memory.Open(), memory.Open()
	fill(t, source, number)
	fill(t, target, other)
	_, err := Migrate(t.Context(), source, target, Options{})
	require.ErrorContains(t, err, "which the source has not")
	require.Empty(t, contents(t, target, number, persist.Events.Table))
	_, err = Migrate(t.Context(), source, target, Options{Others: true})
	require.NoError(t, err)

	again := memory.Open()
	fill(t, again, number)
	generation, err := again.Acquire(t.Context(), number, 0)
	require.NoError(t, err)
	change := persist.Batch{
		Scope: persist.AccountScope(number), Generation: generation,
		Mutations: []persist.Mutation{persist.Counters.Put(persist.Counter{Name: "mine", Value: 1})},
	}
	require.NoError(t, again.Apply(t.Context(), []persist.Batch{change})[0])
	_, err = Migrate(t.Context(), again, target, Options{Others: true})
	require.ErrorContains(t, err, "another account of this number")
}

// lossy forgets a row of whatever is written.
type lossy struct{ persist.Engine }

func (l lossy) Apply(ctx context.Context, batches []persist.Batch) []error {
	if batches[0].Scope.IsAccount() {
		batches[0].Mutations = batches[0].Mutations[1:]
	}
	return l.Engine.Apply(ctx, batches)
}

func TestAMigrationThatLostARowIsNoticed(t *testing.T) {
	source, target := memory.Open(), memory.Open()
	fill(t, source, number)
	_, err := Migrate(t.Context(), source, lossy{target}, Options{})
	require.ErrorContains(t, err, "differs")
	record, err := persist.Accounts.Get(t.Context(), source, persist.AccountScope(number))
	require.NoError(t, err)
	require.False(t, record.Moved())
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(magic))
	source := memory.Open()
	snapshot, _ := source.Snapshot(context.Background())
	var stream bytes.Buffer
	_ = Backup(context.Background(), snapshot, &stream)
	f.Add(stream.Bytes())
	f.Fuzz(func(_ *testing.T, content []byte) { _ = Verify(bytes.NewReader(content)) })
}

func TestWhatBelongsToNoAccountGoesAlong(t *testing.T) {
	source := memory.Open()
	fill(t, source, number)
	hook := persist.Webhook{ID: "W", Version: 1, Tenant: "acme", URL: "https://example.com/", Secret: "whsec_x"}
	for version := range int64(3) { // as one that was changed
		hook.Version = version + 1
		batch := persist.Batch{Scope: persist.SystemScope(), Mutations: []persist.Mutation{persist.Webhooks.Put(hook)}}
		require.Equal(t, []error{nil}, source.Apply(t.Context(), []persist.Batch{batch}))
	}
	restored, moved := memory.Open(), memory.Open()
	_, err := put(t, backup(t, source), restored)
	require.NoError(t, err)
	_, err = Migrate(t.Context(), source, moved, Options{})
	require.NoError(t, err)
	hook.Version = 1
	for _, engine := range []persist.Engine{restored, moved} {
		got, err := persist.Webhooks.Get(t.Context(), engine, persist.SystemScope(), "W")
		require.NoError(t, err)
		require.Equal(t, hook.Secret, got.Secret)
		require.Equal(t, hook.Version, got.Version)
	}
}

func TestConsumersGoOnInTheLogUnderItsNewName(t *testing.T) {
	source, target := memory.Open(), memory.Open()
	fill(t, source, number)
	generation, err := source.Acquire(t.Context(), number, 0)
	require.NoError(t, err)
	scope := persist.AccountScope(number)
	require.Equal(t, []error{nil}, source.Apply(t.Context(), []persist.Batch{{Scope: scope, Generation: generation, Mutations: []persist.Mutation{
		persist.Consumers.Put(persist.Consumer{ID: "c", LogID: "old", Seq: 7}),
	}}}))
	_, err = put(t, backup(t, source), target)
	require.NoError(t, err)
	record, err := persist.Accounts.Get(t.Context(), target, scope)
	require.NoError(t, err)
	consumer, err := persist.Consumers.Get(t.Context(), target, scope, "c")
	require.NoError(t, err)
	require.Equal(t, record.LogID, consumer.LogID)
	require.EqualValues(t, 7, consumer.Seq)
}
