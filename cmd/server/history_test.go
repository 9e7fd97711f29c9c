package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// dialogue is an account that is linked, and somebody to write with.
type dialogue struct {
	t        *testing.T
	database string
	world    *simulator.Simulator
	base     string
	stop     func()
	own, ann *simulator.Phone
}

func correspond(t *testing.T, environment ...string) *dialogue {
	t.Helper()
	world := simulatortest.Start(t)
	own, err := world.AddPhone(account, "Desk")
	require.NoError(t, err)
	ann, err := world.AddPhone(friend, "Ann Jansen")
	require.NoError(t, err)
	c := &dialogue{t: t, database: filepath.Join(t.TempDir(), "whatsapp.db"), world: world, own: own, ann: ann}
	c.base, c.stop = boot(t, c.database, append(world.Env(), environment...)...)
	t.Cleanup(func() { c.stop() })
	link(t, c.base, own)
	return c
}

func (c *dialogue) get(path string) map[string]any {
	c.t.Helper()
	return call(c.t, http.MethodGet, c.base+path, "")
}

// list is the objects of a list.
func (c *dialogue) list(path, of string) []map[string]any {
	c.t.Helper()
	var found []map[string]any
	for _, item := range c.get(path)[of].([]any) {
		found = append(found, item.(map[string]any))
	}
	return found
}

func (c *dialogue) send(to, text string) string {
	c.t.Helper()
	sent := call(c.t, http.MethodPost, c.base+"/api/messages/send",
		`{"accountNumber":"`+account+`","chatId":"`+to+`","message":{"text":"`+text+`"}}`)
	require.Equal(c.t, "sent", sent["status"])
	require.Equal(c.t, friend+"@c.us", sent["chatId"])
	return sent["id"].(string)
}

// hear sends from the friend's phone and waits until the account has it.
func (c *dialogue) hear(text string, mode types.AddressingMode) string {
	c.t.Helper()
	id, err := c.ann.SendTextAs(c.t.Context(), account, text, mode)
	require.NoError(c.t, err)
	c.eventually(func() bool {
		data, ok := try(c.t, http.MethodGet, c.base+messages+"?limit=1", "")
		return ok && data["messages"].([]any)[0].(map[string]any)["id"] == id
	})
	return id
}

func (c *dialogue) eventually(condition func() bool) {
	c.t.Helper()
	require.Eventually(c.t, condition, 20*time.Second, 20*time.Millisecond)
}

const (
	conversations = "/api/conversations/" + account
	messages      = "/api/messages/" + account + "/" + friend
	contacts      = "/api/contacts/" + account
)

func TestACorrespondenceIsReadBackWhateverAddressWasUsed(t *testing.T) {
	c := correspond(t)
	lid := c.ann.LID().String()
	heard := []string{c.hear("by number", types.AddressingModePN), c.hear("by LID", types.AddressingModeLID)}
	require.Equal(t, 2.0, c.list(conversations, "conversations")[0]["unreadCount"])
	require.Less(t, c.get("/api/clients/" + account + "/status")["lag"], 20.0)
	sent := []string{c.send(friend+"@c.us", "to the number"), c.send(lid, "to the LID"), c.send(friend+"@s.whatsapp.net", "again")}
	c.eventually(func() bool { // until then receipts may come between two reads
		return !slices.ContainsFunc(c.list(messages, "messages"), func(m map[string]any) bool { return m["status"] == "sent" })
	})
	person := map[string]any{"number": friend, "lid": lid, "name": "Ann Jansen"}

	list := c.get(conversations)
	require.Equal(t, 1.0, list["pagination"].(map[string]any)["total"])
	chat := list["conversations"].([]any)[0].(map[string]any)
	require.Equal(t, friend+"@c.us", chat["chatId"])
	require.Equal(t, person, chat["person"])
	require.Equal(t, 0.0, chat["unreadCount"], "answered")
	require.Equal(t, sent[2], chat["lastMessage"].(map[string]any)["id"])
	require.Equal(t, c.get("/api/conversations?accountNumber="+account), list)

	whole := c.get(messages)
	for _, address := range []string{friend + "@c.us", friend + "%40s.whatsapp.net", lid, c.ann.LID().User + "%40lid"} {
		require.Equal(t, whole, c.get("/api/messages/"+account+"/"+address), address)
		require.Equal(t, friend+"@c.us", c.get(conversations + "/" + address)["chatId"], address)
	}
	var ids, bodies []string
	for _, message := range c.list(messages, "messages") {
		ids, bodies = append(ids, message["id"].(string)), append(bodies, message["body"].(string))
		if message["fromMe"].(bool) {
			require.Equal(t, account+"@c.us", message["from"])
			continue
		}
		require.Equal(t, friend+"@c.us", message["from"])
		require.Equal(t, person, message["sender"])
		require.Equal(t, "received", message["status"])
	}
	require.ElementsMatch(t, append(heard, sent...), ids)
	require.ElementsMatch(t, []string{"by number", "by LID", "to the number", "to the LID", "again"}, bodies)
}

func TestReceiptsAreReadBack(t *testing.T) {
	c := correspond(t)
	id := c.send(friend, "hello")
	received(t, c.ann, 0)
	require.NoError(t, c.ann.MarkRead(t.Context(), account, id))
	var message map[string]any
	c.eventually(func() bool {
		message = c.list(messages, "messages")[0]
		return message["status"] == "read"
	})
	receipt := message["receipts"].([]any)[0].(map[string]any)
	require.Equal(t, friend, receipt["recipient"].(map[string]any)["number"])
	require.NotEmpty(t, receipt["readAt"])

	heard := c.hear("hi", types.AddressingModeLID)
	require.Equal(t, 1.0, c.get(conversations + "/" + friend)["unreadCount"])
	require.NoError(t, c.own.MarkRead(t.Context(), friend, heard))
	c.eventually(func() bool { return c.get(conversations + "/" + friend)["unreadCount"] == 0.0 })
}

func TestPagingSeesEveryOldMessageOnceWhileOthersArrive(t *testing.T) {
	c := correspond(t)
	var want []string
	for i := range 12 {
		want = append(want, c.send(friend, fmt.Sprint("old ", i)))
	}
	var old []string
	for path := messages + "?limit=3"; path != ""; {
		c.hear("new", types.AddressingModeLID)
		page := c.get(path)
		for _, message := range page["messages"].([]any) {
			if m := message.(map[string]any); m["fromMe"].(bool) {
				old = append(old, m["id"].(string))
			}
		}
		path = ""
		if next, more := page["pagination"].(map[string]any)["nextCursor"]; more {
			path = messages + "?limit=3&cursor=" + next.(string)
		}
	}
	slices.Reverse(old)
	require.Equal(t, want, old)

	before := c.list(messages+"?limit=2&before="+want[5], "messages")
	require.Equal(t, want[4], before[0]["id"])
	require.Equal(t, want[3], before[1]["id"])
}

func TestContactsAreFoundByNameAndNumber(t *testing.T) {
	c := correspond(t)
	c.hear("hello", types.AddressingModeLID)
	c.eventually(func() bool { return len(c.list(contacts+"?search=ann", "contacts")) == 1 })
	for _, search := range []string{"ANN", "jans", "J%C3%A1nsen%20ann", friend, "%2B31%206%2000000002"} {
		found := c.list(contacts+"?search="+search, "contacts")
		require.Len(t, found, 1, search)
		require.Equal(t, friend+"@c.us", found[0]["id"])
		require.Equal(t, c.ann.LID().String(), found[0]["lid"])
		require.Equal(t, "Ann Jansen", found[0]["name"])
	}
	require.Empty(t, c.list(contacts+"?search=ansen", "contacts"))
	all := c.get("/api/contacts?accountNumber=" + account)
	require.Equal(t, float64(len(all["contacts"].([]any))), all["pagination"].(map[string]any)["total"])
}

func TestWhatIsStoredIsReadableWhileTheSessionIsStopped(t *testing.T) {
	c := correspond(t)
	id := c.send(friend, "hello")
	call(t, http.MethodDelete, c.base+"/api/clients/"+account+"/disconnect", "")
	require.Equal(t, id, c.list(messages, "messages")[0]["id"])

	c.stop()
	c.base, c.stop = boot(t, c.database, c.world.Env()...)
	require.Equal(t, "stopped", c.get("/api/clients/" + account + "/status")["state"])
	require.Equal(t, id, c.list(messages, "messages")[0]["id"])
	require.Len(t, c.list(conversations, "conversations"), 1)
}

func TestWhatIsNotThereIsSaidByItsCode(t *testing.T) {
	c := correspond(t)
	c.send(friend, "hello")
	for path, code := range map[string]string{
		"/api/conversations/31699999999":                 "account_not_found",
		"/api/messages/31699999999/" + friend:            "account_not_found",
		"/api/contacts/31699999999":                      "account_not_found",
		conversations + "/31699999999":                   "chat_not_found",
		"/api/messages/" + account + "/31699999999@c.us": "chat_not_found",
		"/api/messages/" + account + "/12036304@g.us":    "chat_not_found",
		messages + "?before=nothing":                     "message_not_found",
		messages + "?cursor=nonsense":                    "invalid_request",
		conversations + "?cursor=nonsense":               "invalid_request",
	} {
		problem, ok := try(t, http.MethodGet, c.base+path, "")
		require.False(t, ok, path)
		require.Equal(t, code, problem["code"], path)
	}
}

func TestMessagesAreSearchedWhereverTheyCameFrom(t *testing.T) {
	c := correspond(t)
	heard := c.hear("An invoice for Jörg", types.AddressingModeLID)
	sent := c.send(friend, "INVOICES are paid")
	c.send(friend, "nothing of the kind")
	search := "/api/messages/" + account + "/search?q="
	require.ElementsMatch(t, []any{heard, sent}, []any{
		c.list(search+"invo", "messages")[0]["id"], c.list(search+"invo", "messages")[1]["id"],
	})
	require.Equal(t, heard, c.list(search+"jorg%20invoice&chat="+c.ann.LID().String(), "messages")[0]["id"])
	require.Equal(t, c.list(search+"jorg", "messages")[0], c.get(messages+"/"+heard))
	require.Empty(t, c.list(search+"voice", "messages"))

	_, err := c.ann.SendDraft(t.Context(), simulator.Draft{To: account, DraftContent: simulator.DraftContent{Revoke: heard}})
	require.NoError(t, err)
	c.eventually(func() bool { return len(c.list(search+"jorg", "messages")) == 0 })
}
