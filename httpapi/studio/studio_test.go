package studio_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/httpapi/studio"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/persist/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const number = "31600000001"

type opener func(context.Context) (persist.Engine, error)

// kept is an engine that stays open when it is closed.
type kept struct{ persist.Engine }

func (kept) Close() error { return nil }

func onlyInMemory() opener { return held(memory.Open()) }

func held(engine persist.Engine) opener {
	return func(context.Context) (persist.Engine, error) { return kept{engine}, nil }
}

func inAFile(path string) opener {
	return func(ctx context.Context) (persist.Engine, error) {
		engine, err := sqlite.Open(ctx, sqlite.Config{Path: path})
		if err != nil {
			return nil, err
		}
		return engine, engine.Migrate(ctx)
	}
}

// each runs a test on two storages.
func each(t *testing.T, test func(t *testing.T, open opener)) {
	t.Run("memory", func(t *testing.T) { test(t, onlyInMemory()) })
	t.Run("sqlite", func(t *testing.T) {
		engine, err := inAFile(filepath.Join(t.TempDir(), "test.db"))(t.Context())
		require.NoError(t, err)
		defer func() { require.NoError(t, engine.Close()) }()
		test(t, held(engine))
	})
}

// store writes records of the account and enters it in the index.
func store(t *testing.T, open opener, account string, mutations ...persist.Mutation) {
	t.Helper()
	engine, err := open(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, engine.Close()) }()
	scope := persist.AccountScope(account)
	generation, err := engine.Acquire(t.Context(), account, 0)
	require.NoError(t, err)
	entry := persist.AccountIndex.Put(persist.AccountEntry{Number: account, Version: 1, CreatedAt: time.UnixMilli(1_700_000_000_000)})
	for _, err := range engine.Apply(t.Context(), []persist.Batch{
		{Scope: persist.SystemScope(), Mutations: []persist.Mutation{entry}},
		{Scope: scope, Generation: generation, Mutations: mutations},
	}) {
		require.NoError(t, err)
	}
}

// show asks for a page, whose status is this.
func show(t *testing.T, open opener, status int, path string) string {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.Host = "localhost:8084"
	answer := httptest.NewRecorder()
	studio.New("memory", open).ServeHTTP(answer, request)
	require.Equal(t, status, answer.Code, answer.Body)
	return answer.Body.String()
}

func TestAccountsAreListedWithWhatIsKnownOfThem(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		require.Contains(t, show(t, open, http.StatusOK, "/"), "There are no accounts yet.")
		store(t, open, number, persist.Accounts.Put(persist.Account{PushName: "Ann <b>", State: "logged-out", JID: number + ":3@s.whatsapp.net"}))
		store(t, open, "4917")
		page := show(t, open, http.StatusOK, "/")
		for _, part := range []string{`href="/account/` + number, "Ann &lt;b&gt;", "logged-out", ":3@s.whatsapp.net", "2023-11-14", `href="/account/4917`} {
			require.Contains(t, page, part)
		}
		page = show(t, open, http.StatusOK, "/?search=49")
		require.Contains(t, page, `href="/account/4917`)
		require.NotContains(t, page, number)
		require.Contains(t, show(t, open, http.StatusOK, "/?search=7"), "No number begins with “7”.")
	})
}

func TestTablesAreCounted(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		var mutations []persist.Mutation
		for i := range 1234 {
			mutations = append(mutations, persist.Contacts.Put(persist.Contact{JID: fmt.Sprintf("%d@c.us", i)}))
		}
		store(t, open, number, append(mutations, persist.Accounts.Put(persist.Account{}))...)
		page := show(t, open, http.StatusOK, "/account/"+number)
		for table, rows := range map[string]string{"accounts": "1", "contacts": "1234", "messages": "0"} {
			require.Regexp(t, "/"+table+`">[^<]*</a></th><td class="number">`+rows+"<", page)
		}
		require.NotContains(t, page, "account_index", "which belongs to no account")
		require.Regexp(t, `/account_index">[^<]*</a></th><td class="number">1<`, show(t, open, http.StatusOK, "/system/-"))
	})
}

var nextPage = regexp.MustCompile(`rel="next" href="([^"]+)"`)

// walk goes from page to page and returns all cells that pattern matches.
func walk(t *testing.T, open opener, path, query string, cells *regexp.Regexp) (found []string) {
	t.Helper()
	for range 20 {
		page := show(t, open, http.StatusOK, path+query)
		for _, match := range cells.FindAllStringSubmatch(page, -1) {
			found = append(found, match[1])
		}
		next := nextPage.FindStringSubmatch(page)
		if next == nil {
			return found
		}
		query = html.UnescapeString(next[1])
	}
	require.Fail(t, "the pages have no end")
	return nil
}

func TestRowsAreReadPageByPageEachOnce(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		var mutations []persist.Mutation
		var all, ones []string
		for i := range 230 {
			id := fmt.Sprintf("M%03d", i)
			chat := fmt.Sprintf("%d@c.us", i%2)
			mutations = append(mutations, persist.Messages.Put(persist.Message{Chat: chat, Sender: "x", ID: id, Seq: int64(230 - i)}))
			if all = append(all, id); i%2 == 1 {
				ones = append(ones, id)
			}
		}
		store(t, open, number, mutations...)
		ids := regexp.MustCompile(`<td>(M\d+)</td>`)
		path := "/account/" + number + "/messages"
		require.ElementsMatch(t, all, walk(t, open, path, "", ids))
		require.Equal(t, all, walk(t, open, path, "?index=by_id", ids))
		require.Equal(t, ones, walk(t, open, path, "?search=1@c.us", ids), "all rows whose first column is just that")
		require.Equal(t, ones, walk(t, open, path, "?search=1@", ids))
		require.Equal(t, all[100:200], walk(t, open, path, "?index=by_id&search=M1", ids))
		require.Equal(t, all[123:124], walk(t, open, path, "?index=by_id&search=M123", ids))
		require.Contains(t, show(t, open, http.StatusOK, path+"?search=zzz"), "No chat begins with “zzz”.")
	})
}

func TestNumbersAndBytesAreFoundToo(t *testing.T) {
	open := onlyInMemory()
	store(t, open, number,
		persist.PreKeys.Put(persist.PreKey{ID: 7}), persist.PreKeys.Put(persist.PreKey{ID: 70}),
		persist.DecryptedEvents.Put(persist.DecryptedEvent{Hash: [32]byte{0xAB, 0xCD}}))
	keys := show(t, open, http.StatusOK, "/account/"+number+"/signal_prekeys?search=7")
	require.Contains(t, keys, "<td>7</td>")
	require.NotContains(t, keys, "<td>70</td>")
	require.Contains(t, show(t, open, http.StatusOK, "/account/"+number+"/decrypted_events?search=abcd"), "<td>abcd000")
	require.Contains(t, show(t, open, http.StatusOK, "/account/"+number+"/decrypted_events?search=no-digits"), "No hash begins with")
}

func TestTimesCanBeReadAndLongTextsUnfolded(t *testing.T) {
	open := onlyInMemory()
	long := strings.Repeat("é", 200)
	store(t, open, number, persist.Contacts.Put(persist.Contact{JID: "a@c.us", PushName: long}),
		persist.Messages.Put(persist.Message{Chat: "a@c.us", Sender: "b", ID: "c", Seq: 41, Timestamp: time.UnixMilli(1_700_000_000_123)}))
	messages := show(t, open, http.StatusOK, "/account/"+number+"/messages")
	require.Contains(t, messages, `<td title="1700000000123">2023-11-14 22:13:20.123</td>`)
	require.Contains(t, messages, "<td>41</td>")
	contacts := show(t, open, http.StatusOK, "/account/"+number+"/contacts")
	require.Contains(t, contacts, "<summary>"+long[:2*80]+"…</summary>"+long)
}

func TestNoSecretIsShown(t *testing.T) {
	open := onlyInMemory()
	hush := []byte("hush-hush")
	mutations := []persist.Mutation{}
	for _, table := range persist.Tables() {
		if table.Level != "account" {
			continue
		}
		row := make(persist.Row, len(table.Columns))
		for i, column := range table.Columns {
			switch masked := column.Secrecy == persist.Secret || i >= table.KeyColumns; {
			case column.Type == persist.Integer:
				row[i] = int64(0)
			case column.Type == persist.Blob && masked:
				row[i] = hush
			case column.Type == persist.Blob:
				row[i] = []byte("id")
			case column.Secrecy == persist.Secret:
				row[i] = string(hush)
			default:
				row[i] = "shown"
			}
		}
		mutations = append(mutations, persist.Mutation{Table: table, Row: row})
	}
	store(t, open, number, mutations...)
	for _, m := range mutations {
		page := show(t, open, http.StatusOK, "/account/"+number+"/"+m.Table.Name)
		require.NotContains(t, page, "hush", m.Table.Name)
		require.NotContains(t, page, fmt.Sprintf("%x", hush), m.Table.Name)
		if bytes.Contains(fmt.Append(nil, m.Row...), hush) {
			require.Regexp(t, "9 (bytes|characters)", page, m.Table.Name)
		}
	}
}

func TestOnlyRequestsToThisMachineAreAnswered(t *testing.T) {
	for host, want := range map[string]int{
		"localhost:8084": http.StatusOK, "127.0.0.1:8084": http.StatusOK, "[::1]:8084": http.StatusOK, "localhost": http.StatusOK,
		"evil.example:8084": http.StatusForbidden, "localhost.evil.example": http.StatusForbidden, "10.0.0.1:8084": http.StatusForbidden, "": http.StatusForbidden,
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		request.Host = host
		answer := httptest.NewRecorder()
		studio.New("memory", onlyInMemory()).ServeHTTP(answer, request)
		require.Equal(t, want, answer.Code, host)
	}
}

func TestPagesMayNotLoadAnythingFromElsewhereAndChangeNothing(t *testing.T) {
	server := httptest.NewServer(studio.New("memory", onlyInMemory()))
	defer server.Close()
	answer, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Contains(t, answer.Header.Get("Content-Security-Policy"), "default-src 'none'")
	page, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NotRegexp(t, `(?:src|href)="(?:https?:)?//`, string(page))
	require.NotContains(t, string(page), "<script")

	refused, err := server.Client().Post(server.URL, "text/plain", nil)
	require.NoError(t, err)
	require.NoError(t, refused.Body.Close())
	require.Equal(t, http.StatusMethodNotAllowed, refused.StatusCode)
}

func TestWhatIsNotThereIsSaidSo(t *testing.T) {
	open := onlyInMemory()
	for _, path := range []string{
		"/account/1/nonsense", "/account/1/account_index", "/system/-/messages", "/system/x", "/tenant/x",
		"/account/1/messages?after=zz", "/account/1/messages?after=00", "/nowhere",
	} {
		show(t, open, http.StatusNotFound, path)
	}
}

func TestAStorageInUseIsSaidSoUntilItIsFree(t *testing.T) {
	open := inAFile(filepath.Join(t.TempDir(), "test.db"))
	owner, err := open(t.Context())
	require.NoError(t, err)
	require.Contains(t, show(t, open, http.StatusServiceUnavailable, "/"), "in use by another process")
	require.NoError(t, owner.Close())
	show(t, open, http.StatusOK, "/")
	owner, err = open(t.Context())
	require.NoError(t, err, "a page leaves the storage to others")
	require.NoError(t, owner.Close())
}
