package browser

import (
	"context"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"whatsapp-web-server/httpapi/studio"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

// shared is an engine that stays open for the next page.
type shared struct{ persist.Engine }

func (shared) Close() error { return nil }

// studioWith serves a studio on a storage in which one account has many messages.
func studioWith(t *testing.T, messages int) (url string) {
	t.Helper()
	engine := memory.Open()
	generation, err := engine.Acquire(t.Context(), alice, 0)
	require.NoError(t, err)
	mutations := []persist.Mutation{
		persist.Accounts.Put(persist.Account{PushName: "Alice", JID: alice + ":7@s.whatsapp.net", State: "logged-out"}),
		persist.AuthSessions.Put(persist.AuthSession{State: `{"noiseKey":"hush"}`}),
		persist.SignalSessions.Put(persist.SignalSession{Address: bob + ":0", Session: []byte("hush")}),
	}
	for i := range messages {
		key := persist.Message{Chat: bob + "@c.us", Sender: bob + "@c.us", ID: "3EB0" + strconv.Itoa(1000+i), Seq: int64(i), Timestamp: time.UnixMilli(1_790_000_000_000)}
		mutations = append(mutations, persist.Messages.Put(key))
	}
	entry := persist.AccountIndex.Put(persist.AccountEntry{Number: alice, Version: 1, CreatedAt: time.UnixMilli(1_780_000_000_000)})
	for _, err := range engine.Apply(t.Context(), []persist.Batch{
		{Scope: persist.SystemScope(), Mutations: []persist.Mutation{entry}},
		{Scope: persist.AccountScope(alice), Generation: generation, Mutations: mutations},
	}) {
		require.NoError(t, err)
	}
	server := httptest.NewServer(studio.New("memory", func(context.Context) (persist.Engine, error) { return shared{engine}, nil }))
	t.Cleanup(server.Close)
	return server.URL
}

func TestTheStudioLeadsFromAnAccountToItsRows(t *testing.T) {
	page := open(t, studioWith(t, 60))
	require.Contains(t, page.sees("tbody tr"), "Alice")
	page.press(`//a[.="` + alice + `"]`)
	require.Equal(t, "60", page.sees(`//tr[th/a[.="messages"]]/td`))
	page.press(`//a[.="messages"]`)
	page.sees(`//td[.="3EB01000"]`)
	page.press(`[rel="next"]`)
	page.sees(`//td[.="3EB01059"]`)

	page.does(chromedp.SetValue("select", "by_id"), chromedp.SendKeys(`[type="search"]`, "3EB01044"), chromedp.Click("button"))
	page.sees(`//tbody[count(tr) = 1]//td[.="3EB01044"]`)

	page.press(`//a[.="` + alice + `"]`)
	page.press(`//a[.="auth_sessions"]`)
	require.Contains(t, page.sees("tbody"), "19 characters")
	for _, width := range []int64{390, 1440} {
		page.does(chromedp.EmulateViewport(width, 800))
		require.LessOrEqual(t, evaluate[int64](page, "document.documentElement.scrollWidth"), width)
	}
}
