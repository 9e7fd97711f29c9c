package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

const (
	first  = "31600000001"
	second = "31600000002"
)

// installation is an engine with accounts and a vault over it.
type installation struct {
	*Vault

	t           *testing.T
	generations map[string]uint64
}

func install(t *testing.T, config Config) *installation {
	t.Helper()
	return reopen(t, memory.Open(), config)
}

func reopen(t *testing.T, engine persist.Engine, config Config) *installation {
	t.Helper()
	config.Key = operator
	v, err := Open(t.Context(), engine, config)
	require.NoError(t, err)
	return &installation{v, t, map[string]uint64{}}
}

// found adds an account.
func found(t *testing.T, engine persist.Engine, account string) {
	t.Helper()
	require.NoError(t, store(t.Context(), engine, persist.AccountIndex.Put(persist.AccountEntry{Number: account, Version: 1})))
}

// write puts records into an account, through engine.
func write(t *testing.T, engine persist.Engine, account string, mutations ...persist.Mutation) {
	t.Helper()
	generation, err := engine.Acquire(t.Context(), account, 0)
	require.NoError(t, err)
	batch := persist.Batch{Scope: persist.AccountScope(account), Generation: generation, Mutations: mutations}
	require.NoError(t, engine.Apply(t.Context(), []persist.Batch{batch})[0])
}

// raw is a row as it is stored.
func (i *installation) raw(account string, m persist.Mutation) persist.Row {
	i.t.Helper()
	row, err := i.Unwrap().Get(i.t.Context(), persist.AccountScope(account), m.Table, m.Key())
	require.NoError(i.t, err)
	return row
}

// read is a row as it was written.
func (i *installation) read(account string, m persist.Mutation) (persist.Row, error) {
	return i.Get(i.t.Context(), persist.AccountScope(account), m.Table, m.Key())
}

// example is a record of every kind of an account's with something to seal.
func example() []persist.Mutation {
	var made []persist.Mutation
	for _, table := range persist.Tables() {
		if sealable[table] == nil || table.Level != "account" {
			continue
		}
		row := make(persist.Row, len(table.Columns))
		for i, column := range table.Columns {
			plain := table.Name + "." + column.Name
			row[i] = map[persist.Type]any{persist.Text: plain, persist.Integer: int64(i), persist.Blob: []byte(plain)}[column.Type]
		}
		made = append(made, persist.Mutation{Table: table, Row: row})
	}
	return made
}

func requireSealed(t *testing.T, row persist.Row, table *persist.Table, from persist.Secrecy) {
	t.Helper()
	for i, column := range table.Columns {
		_, sealed := sealedBytes(row[i])
		require.Equal(t, column.Secrecy >= from, sealed, "%s.%s", table.Name, column.Name)
		if sealed {
			require.NotContains(t, fmt.Sprintf("%s", row[i]), table.Name+".")
		}
	}
}

func TestSecretsAreSealedAndContentIfWanted(t *testing.T) {
	for content, from := range map[bool]persist.Secrecy{false: persist.Secret, true: persist.Content} {
		i := install(t, Config{Content: content})
		for _, m := range example() {
			write(t, i, first, m)
			requireSealed(t, i.raw(first, m), m.Table, from)
			row, err := i.read(first, m)
			require.NoError(t, err)
			if m.Table.Searched > 0 && content {
				row[m.Table.Searched] = m.Row[m.Table.Searched]
			}
			require.Equal(t, m.Row, row)
		}
	}
}

func TestTheSameTwiceIsSealedDifferently(t *testing.T) {
	i, m := install(t, Config{}), persist.NCTSalts.Put(persist.NCTSalt{Salt: []byte("salt")})
	write(t, i, first, m)
	before := i.raw(first, m)
	write(t, i, first, m)
	require.NotEqual(t, before, i.raw(first, m))
}

func TestSealedContentIsFoundByNothingButComesBackWithItsWords(t *testing.T) {
	i := install(t, Config{Content: true})
	m := persist.MessageContents.Put(persist.NewMessageContent(persist.Message{Chat: "chat", Sender: "me", ID: "1"}, "Hello there"))
	write(t, i, first, m)
	require.Empty(t, i.raw(first, m)[m.Table.Searched])
	row, err := i.read(first, m)
	require.NoError(t, err)
	require.Equal(t, m.Row, row)
}

// session is a ratchet of the address.
func session(address string) persist.Mutation {
	return persist.SignalSessions.Put(persist.SignalSession{Address: address, Session: []byte("ratchet with " + address)})
}

func TestARowThatWasMovedDoesNotOpen(t *testing.T) {
	i := install(t, Config{})
	write(t, i, first, session("a"), session("b"), persist.SenderKeys.Put(persist.SenderKey{Group: "a", Sender: "b", Key: []byte("k")}))
	write(t, i, second, session("a"))
	stolen := i.raw(first, session("a"))[1]
	for name, m := range map[string]struct {
		account string
		row     persist.Mutation
	}{
		"to another account": {second, persist.Mutation{Table: persist.SignalSessions.Table, Row: persist.Row{"a", stolen}}},
		"to another key":     {first, persist.Mutation{Table: persist.SignalSessions.Table, Row: persist.Row{"b", stolen}}},
		"to another table":   {first, persist.Mutation{Table: persist.SenderKeys.Table, Row: persist.Row{"a", "b", stolen}}},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, i.Unwrap(), m.account, m.row)
			_, err := i.read(m.account, m.row)
			require.ErrorIs(t, err, persist.ErrTampered)
			_, err = i.Scan(t.Context(), persist.Query{Scope: persist.AccountScope(m.account), Table: m.row.Table, Limit: 10})
			require.ErrorIs(t, err, persist.ErrTampered)
			require.NotContains(t, err.Error(), "ratchet")
		})
	}
	row, err := i.read(first, session("a"))
	require.NoError(t, err, "what was not touched is as it was")
	require.Equal(t, session("a").Row, row)
}

func TestWhatWasChangedDoesNotOpen(t *testing.T) {
	i := install(t, Config{})
	state := persist.AuthSessions.Put(persist.AuthSession{State: `{"noise":"key"}`})
	write(t, i, first, session("a"), state)
	blob := i.raw(first, session("a"))[1].([]byte)
	text := i.raw(first, state)[0].(string)
	rapid.Check(t, func(rt *rapid.T) {
		changed := slices.Clone(blob)
		changed[rapid.IntRange(0, len(blob)-1).Draw(rt, "at")] ^= rapid.ByteRange(1, 255).Draw(rt, "by")
		cut := blob[:rapid.IntRange(1, len(blob)-1).Draw(rt, "length")]
		other := strings.Replace(text, text[20:21], rapid.StringN(1, 5, 5).Draw(rt, "text"), 1)
		for _, m := range []persist.Mutation{
			{Table: persist.SignalSessions.Table, Row: persist.Row{"a", changed}},
			{Table: persist.SignalSessions.Table, Row: persist.Row{"a", cut}},
			{Table: persist.AuthSessions.Table, Row: persist.Row{persist.Storable(other), int64(0), int64(0)}},
		} {
			if m.Row[0] == text {
				continue
			}
			write(t, i.Unwrap(), first, m)
			_, err := i.read(first, m)
			require.ErrorIs(rt, err, persist.ErrTampered)
		}
	})
}

func TestAnOpenValueInTheFirstInstallationIsRefused(t *testing.T) {
	i := install(t, Config{})
	write(t, i.Unwrap(), first, session("a"))
	_, err := i.read(first, session("a"))
	require.ErrorIs(t, err, persist.ErrTampered)
}

func TestTheFirstStartWithAKeySealsWhatIsThere(t *testing.T) {
	engine := memory.Open()
	for _, account := range []string{first, second} {
		found(t, engine, account)
		write(t, engine, account, example()...)
		for n := range 3 * rowsPage / 2 {
			write(t, engine, account, session(fmt.Sprint(n)))
		}
	}
	var told []int
	i := reopen(t, engine, Config{Progress: func(done, all int) { told = append(told, done, all) }})
	require.Equal(t, []int{1, 2, 2, 2}, told)
	for _, account := range []string{first, second} {
		for _, m := range append(example(), session("0"), session(fmt.Sprint(3*rowsPage/2-1))) {
			requireSealed(t, i.raw(account, m), m.Table, persist.Secret)
			row, err := i.read(account, m)
			require.NoError(t, err)
			require.Equal(t, m.Row, row)
		}
	}
	write(t, engine, first, session("planted"))
	_, err := i.read(first, session("planted"))
	require.ErrorIs(t, err, persist.ErrTampered, "nothing is from before any more")

	i = reopen(t, engine, Config{Progress: func(int, int) { t.Error("sealed once more") }})
	_, err = i.read(first, session("planted"))
	require.ErrorIs(t, err, persist.ErrTampered)
}

func TestSealingContentIsSwitchedOnAndOff(t *testing.T) {
	engine := memory.Open()
	m := persist.MessageContents.Put(persist.NewMessageContent(persist.Message{Chat: "chat", ID: "1"}, "hello"))
	i := reopen(t, engine, Config{})
	found(t, i, first)
	write(t, i, first, m)
	requireSealed(t, i.raw(first, m), m.Table, persist.Secret)

	i = reopen(t, engine, Config{Content: true})
	requireSealed(t, i.raw(first, m), m.Table, persist.Content)
	planted := persist.MessageContents.Put(persist.NewMessageContent(persist.Message{Chat: "chat", ID: "2"}, "planted"))
	write(t, engine, first, planted)
	_, err := i.read(first, planted)
	require.ErrorIs(t, err, persist.ErrTampered)

	i = reopen(t, engine, Config{})
	row, err := i.read(first, m)
	require.NoError(t, err, "what is sealed stays readable")
	require.Equal(t, m.Row, row)
	row, err = i.read(first, planted)
	require.NoError(t, err)
	require.Equal(t, planted.Row, row)
	require.NoError(t, Rekey(t.Context(), engine, Config{Key: operator}, nil))
	require.Equal(t, m.Row, i.raw(first, m), "and is open again, with its words, after rekeying")
}

func TestContentThatLooksSealedHarmsNobody(t *testing.T) {
	i := install(t, Config{})
	write(t, i, first, session("a"))
	sealed := sealBytes(i.ring.Load().keys[1], 1, []byte("x"), nil)
	for _, body := range []string{textBegin + textEnd, seal(i.ring.Load().keys[1], 1, "x", nil).(string), textBegin + "AAAA" + textEnd} {
		m := persist.MessageContents.Put(persist.MessageContent{Chat: "c", Body: body})
		write(t, i, first, m, persist.Messages.Put(persist.Message{Chat: "c", Raw: sealed}))
		row, err := i.read(first, m)
		require.NoError(t, err)
		require.Equal(t, body, row[bodyColumn])
		message, err := persist.Messages.Get(t.Context(), i, persist.AccountScope(first), "c", "", "")
		require.NoError(t, err)
		require.Equal(t, sealed, message.Raw)
	}
}

func TestTheWrongKeyOpensNothingAndChangesNothing(t *testing.T) {
	engine := memory.Open()
	i := reopen(t, engine, Config{})
	found(t, i, first)
	write(t, i, first, session("a"))
	before, err := records(t.Context(), engine)
	require.NoError(t, err)
	_, err = Open(t.Context(), engine, Config{Key: another})
	var wrong *KeyError
	require.ErrorAs(t, err, &wrong)
	require.ErrorAs(t, Rewrap(t.Context(), engine, Config{Key: another}, nil), &wrong)
	require.ErrorAs(t, Rekey(t.Context(), engine, Config{Key: another}, another), &wrong)
	after, err := records(t.Context(), engine)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestWhatADataKeyCoversCannotBeChanged(t *testing.T) {
	engine := memory.Open()
	reopen(t, engine, Config{})
	found, err := records(t.Context(), engine)
	require.NoError(t, err)
	found[0].Version++
	found[0].Covers = persist.Plain
	require.NoError(t, store(t.Context(), engine, persist.DataKeys.Put(found[0])))
	_, err = Open(t.Context(), engine, Config{Key: operator})
	require.Error(t, err)
}

func TestStartsAtOnceAgreeOnOneDataKey(t *testing.T) {
	engine := memory.Open()
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			v, err := Open(t.Context(), engine, Config{Key: operator})
			if err != nil {
				t.Error(err)
				return
			}
			write(t, v, fmt.Sprint(first, n), session("a"))
		})
	}
	group.Wait()
	i := reopen(t, engine, Config{})
	for n := range 8 {
		_, err := i.read(fmt.Sprint(first, n), session("a"))
		require.NoError(t, err)
	}
}

func TestADamagedAccountDoesNotKeepOthersFromBeingSealed(t *testing.T) {
	engine := memory.Open()
	for _, account := range []string{first, second} {
		found(t, engine, account)
		write(t, engine, account, session("a"))
	}
	write(t, engine, first, persist.SignalSessions.Put(persist.SignalSession{
		Address: "b", Session: sealBytes(fixed(t, engine).ring.Load().keys[7], 7, []byte("x"), nil),
	}))
	var damaged []string
	i := reopen(t, engine, Config{Damaged: func(account string, err error) {
		require.ErrorIs(t, err, persist.ErrTampered)
		damaged = append(damaged, account)
	}})
	require.Equal(t, []string{first}, damaged)
	requireSealed(t, i.raw(first, session("a")), persist.SignalSessions.Table, persist.Secret)
	requireSealed(t, i.raw(second, session("a")), persist.SignalSessions.Table, persist.Secret)
}

func TestRowsHandedInAndOutStayAsTheyAre(t *testing.T) {
	i, m := install(t, Config{}), session("a")
	write(t, i, first, m)
	require.Equal(t, session("a"), m)
	before := slices.Clone(i.raw(first, m))
	_, err := i.read(first, m)
	require.NoError(t, err)
	require.Equal(t, before, i.raw(first, m))
}

// failing fails every Apply after so many.
type failing struct {
	persist.Engine

	left int
}

var errKilled = errors.New("killed")

func (f *failing) Apply(ctx context.Context, batches []persist.Batch) []error {
	if f.left--; f.left < 0 {
		return []error{errKilled}
	}
	return f.Engine.Apply(ctx, batches)
}

func TestRekeyingGoesOnWhereItWasKilled(t *testing.T) {
	engine := memory.Open()
	i := reopen(t, engine, Config{})
	var accounts []string
	for n := range 5 {
		accounts = append(accounts, fmt.Sprint(first, n))
		found(t, i, accounts[n])
		write(t, i, accounts[n], example()...)
	}
	tables := len(example())
	old := operator
	for left := 0; ; left += tables / 2 {
		err := Rekey(t.Context(), &failing{engine, left}, Config{Key: another}, old)
		if err == nil {
			break
		}
		require.ErrorIs(t, err, errKilled)
		require.Less(t, left, tables*10, "it makes progress")
		if left > 0 {
			old = nil // only the first step needs it
			v, err := Open(t.Context(), engine, Config{Key: another})
			require.NoError(t, err, "a server can start at any time")
			for _, account := range accounts {
				_, err := v.Get(t.Context(), persist.AccountScope(account), persist.NCTSalts.Table, persist.Key{})
				require.NoError(t, err)
			}
		}
	}
	left, err := records(t.Context(), engine)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.EqualValues(t, 2, left[0].ID)
	v, err := Open(t.Context(), engine, Config{Key: another})
	require.NoError(t, err)
	now := &installation{v, t, nil}
	for _, account := range accounts {
		for _, m := range example() {
			row, err := now.read(account, m)
			require.NoError(t, err)
			require.Equal(t, m.Row, row)
			for _, at := range sealable[m.Table] {
				if sealed, ok := sealedBytes(now.raw(account, m)[at]); ok {
					require.EqualValues(t, 2, keyOf(sealed))
				}
			}
		}
	}
	_, err = Open(t.Context(), engine, Config{Key: operator})
	require.Error(t, err)
}

func TestRewrappingTouchesNoRow(t *testing.T) {
	engine := memory.Open()
	i := reopen(t, engine, Config{})
	write(t, i, first, example()...)
	var before []persist.Row
	for _, m := range example() {
		before = append(before, i.raw(first, m))
	}
	require.NoError(t, Rewrap(t.Context(), engine, Config{Key: another}, operator))
	v, err := Open(t.Context(), engine, Config{Key: another})
	require.NoError(t, err)
	for n, m := range example() {
		require.Equal(t, before[n], i.raw(first, m))
		row, err := v.Get(t.Context(), persist.AccountScope(first), m.Table, m.Key())
		require.NoError(t, err)
		require.Equal(t, m.Row, row)
	}
	_, err = Open(t.Context(), engine, Config{Key: operator})
	require.Error(t, err)
}

func TestAServerThatIsRekeyedBehindItsBackUsesTheNewDataKey(t *testing.T) {
	engine := memory.Open()
	server := reopen(t, engine, Config{})
	found(t, server, first)
	write(t, server, first, session("a"))
	generation, err := server.Acquire(t.Context(), first, 0)
	require.NoError(t, err)
	require.NoError(t, Rekey(t.Context(), engine, Config{Key: operator}, nil))
	late := persist.Batch{Scope: persist.AccountScope(first), Generation: generation, Mutations: []persist.Mutation{session("b")}}
	require.ErrorIs(t, server.Apply(t.Context(), []persist.Batch{late})[0], persist.ErrFenced)

	write(t, server, first, session("b"))
	_, err = reopen(t, engine, Config{}).read(first, session("b"))
	require.NoError(t, err)

	require.NoError(t, Rekey(t.Context(), engine, Config{Key: another}, operator))
	_, err = server.Acquire(t.Context(), first, 0)
	require.Error(t, err, "with another operator's key it has to be started anew")
}

func FuzzOpen(f *testing.F) {
	f.Add(sealBytes(fixed(f, memory.Open()).ring.Load().keys[7], 7, []byte("plain"), []byte("here")))
	f.Add([]byte(magic))
	ring := fixed(f, memory.Open()).ring.Load()
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, v := range []any{value, textBegin + string(value) + textEnd} {
			_, err := ring.open(persist.Secret, v, []byte("elsewhere"))
			require.ErrorIs(t, err, persist.ErrTampered)
		}
	})
}

func TestSecretsOfTheInstallationAreSealedAndRekeyed(t *testing.T) {
	engine := memory.Open()
	hook := persist.Webhooks.Put(persist.Webhook{ID: "W", Version: 1, URL: "https://hush.example/", Secret: "whsec_hush"})
	require.NoError(t, store(t.Context(), engine, hook)) // before there is a key
	sealedBy := func(id uint32) {
		row, err := engine.Get(t.Context(), persist.SystemScope(), persist.Webhooks.Table, persist.Webhooks.Key("W"))
		require.NoError(t, err)
		for _, at := range sealable[persist.Webhooks.Table] {
			if sealed, ok := sealedBytes(row[at]); ok {
				require.Equal(t, id, keyOf(sealed))
			} else {
				require.Empty(t, row[at])
			}
		}
	}
	reopen(t, engine, Config{})
	sealedBy(1)
	require.NoError(t, Rekey(t.Context(), engine, Config{Key: another}, operator))
	sealedBy(2)
	v, err := Open(t.Context(), engine, Config{Key: another})
	require.NoError(t, err)
	record, err := persist.Webhooks.Get(t.Context(), v, persist.SystemScope(), "W")
	require.NoError(t, err)
	require.Equal(t, "whsec_hush", record.Secret)
}
