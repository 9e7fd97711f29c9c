package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/supervisor"
)

// reading is what an office was asked to read.
type reading struct {
	chat, before, search string
	id                   string
	page                 supervisor.Page
}

func (o *office) Conversations(ctx context.Context, account string, page supervisor.Page) (supervisor.ConversationList, error) {
	return o.conversations, o.answer(ctx, account, reading{page: page})
}

func (o *office) Conversation(ctx context.Context, account, chat string) (supervisor.ConversationDetail, error) {
	return o.conversation, o.answer(ctx, account, reading{chat: chat})
}

func (o *office) Messages(ctx context.Context, account, chat, before string, page supervisor.Page) (supervisor.MessageList, error) {
	return o.messages, o.answer(ctx, account, reading{chat: chat, before: before, page: page})
}

func (o *office) Message(ctx context.Context, account, chat, id string) (supervisor.Message, error) {
	if len(o.messages.Messages) == 0 {
		return supervisor.Message{Record: persist.Message{Status: "received"}}, o.answer(ctx, account, reading{chat: chat, id: id})
	}
	return o.messages.Messages[0], o.answer(ctx, account, reading{chat: chat, id: id})
}

func (o *office) Statuses(ctx context.Context, account string, page supervisor.Page) (supervisor.MessageList, error) {
	return o.messages, o.answer(ctx, account, page)
}

func (o *office) Search(ctx context.Context, account, text, chat string, page supervisor.Page) (supervisor.MessageList, error) {
	return o.messages, o.answer(ctx, account, reading{search: text, chat: chat, page: page})
}

func (o *office) Contacts(ctx context.Context, account, search string, page supervisor.Page) (supervisor.ContactList, error) {
	return o.contacts, o.answer(ctx, account, reading{search: search, page: page})
}

const (
	conversationsPath = "/api/conversations/" + account
	messagesPath      = "/api/messages/" + account + "/1234567890@c.us"
	searchPath        = "/api/messages/" + account + "/search"
	contactsPath      = "/api/contacts/" + account
)

var (
	annie = actors.Person{Number: "1234567890", LID: "99887766554433@lid", Name: "Annie"}
	shown = map[string]any{"number": "1234567890", "lid": "99887766554433@lid", "name": "Annie"}
)

func TestListsAreAskedForAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	first := func(limit int) supervisor.Page { return supervisor.Page{Limit: limit} }
	for path, want := range map[string]reading{
		conversationsPath: {page: first(20)},
		conversationsPath + "?limit=200&offset=10000": {page: supervisor.Page{Limit: 200, Offset: 10000}},
		conversationsPath + "?cursor=abc&limit=1":     {page: supervisor.Page{Limit: 1, Cursor: "abc"}},
		"/api/conversations?accountNumber=" + account: {page: first(20)},
		messagesPath: {chat: "1234567890@c.us", page: first(20)},
		messagesPath + "?before=M1~1234567890%40c.us&limit=5":             {chat: "1234567890@c.us", before: "M1~1234567890@c.us", page: first(5)},
		messagesPath + "?cursor=abc":                                      {chat: "1234567890@c.us", page: supervisor.Page{Limit: 20, Cursor: "abc"}},
		contactsPath:                                                      {page: first(100)},
		messagesPath + "/3EB0%2F%7E1":                                     {chat: "1234567890@c.us", id: "3EB0/~1"},
		searchPath + "?q=j%C3%B6hn%20d":                                   {search: "jöhn d", page: first(20)},
		searchPath + "?q=a&chat=%2B1234567890&limit=3&cursor=abc":         {search: "a", chat: "1234567890@c.us", page: supervisor.Page{Limit: 3, Cursor: "abc"}},
		contactsPath + "?search=j%C3%B6hn%20d&limit=3":                    {search: "jöhn d", page: first(3)},
		"/api/contacts?accountNumber=%2B" + account + "&search=&offset=2": {page: supervisor.Page{Limit: 100, Offset: 2}},
	} {
		asked := &office{}
		boot(t, Config{}, asked).ask(http.MethodGet, path, "").granted(t, http.StatusOK)
		require.Equal(t, []any{account, want}, asked.questions(), path)
	}
}

func TestChatsAreReadInAllTheirSpellings(t *testing.T) {
	t.Parallel()
	for spelling, want := range map[string]string{
		"1234567890": "1234567890@c.us", "+1234567890": "1234567890@c.us", "1234567890@c.us": "1234567890@c.us",
		"1234567890%40c.us": "1234567890@c.us", "1234567890@s.whatsapp.net": "1234567890@c.us",
		"%31234567890%40s.whatsapp.net": "1234567890@c.us", "99887766554433@lid": "99887766554433@lid",
		"99887766554433%40lid": "99887766554433@lid", "12036304-12345@g.us": "12036304-12345@g.us",
	} {
		for _, root := range []string{conversationsPath, "/api/messages/" + account} {
			asked := &office{}
			boot(t, Config{}, asked).ask(http.MethodGet, root+"/"+spelling, "").granted(t, http.StatusOK)
			require.Equal(t, want, asked.questions()[1].(reading).chat, spelling)
		}
	}
}

func TestListsRefuseByNameWhatTheyDoNotUnderstand(t *testing.T) {
	t.Parallel()
	asked := &office{}
	e := boot(t, Config{}, asked)
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=201": "limit", "limit=ten": "limit", "offset=-1": "offset", "offset=10001": "offset",
		"Limit=1": "Limit", "page=2": "page", "cursor=abc&offset=1": "cursor", "cursor=" + strings.Repeat("x", 4097): "cursor",
	} {
		for _, path := range []string{conversationsPath, messagesPath, contactsPath} {
			problem := e.ask(http.MethodGet, path+"?"+query, "").refused(t, actors.CodeInvalidRequest)
			require.Equal(t, field, problem.Details.Field, path+"?"+query)
		}
	}
	for path, field := range map[string]string{
		"/api/conversations":                              "accountNumber",
		"/api/contacts":                                   "accountNumber",
		"/api/contacts?accountNumber=":                    "accountNumber",
		"/api/conversations?accountNumber=12":             "accountNumber",
		"/api/conversations/abc":                          "accountNumber",
		"/api/conversations/abc/1234567890":               "accountNumber",
		"/api/messages/12/1234567890":                     "accountNumber",
		conversationsPath + "/12":                         "chatId",
		conversationsPath + "/1234567890@example.com":     "chatId",
		conversationsPath + "/status@broadcast":           "chatId",
		conversationsPath + "/1234567890?limit=1":         "limit",
		"/api/messages/" + account + "/1234567890:7@c.us": "chatId",
		messagesPath + "?search=x":                        "search",
		messagesPath + "/" + strings.Repeat("x", 2049):    "id",
		searchPath:                                            "q",
		searchPath + "?q=":                                    "q",
		searchPath + "?q=a&limit=0":                           "limit",
		searchPath + "?q=a&chat=12":                           "chat",
		searchPath + "?q=a&before=M1":                         "before",
		searchPath + "?q=" + strings.Repeat("x", 201):         "q",
		searchPath + "?q=a&cursor=abc&offset=1":               "cursor",
		messagesPath + "?before=M1&cursor=abc":                "cursor",
		messagesPath + "?before=" + strings.Repeat("x", 1025): "before",
		contactsPath + "?before=M1":                           "before",
		contactsPath + "?search=" + strings.Repeat("x", 101):  "search",
		conversationsPath + "?accountNumber=" + account:       "accountNumber",
	} {
		problem := e.ask(http.MethodGet, path, "").refused(t, actors.CodeInvalidRequest)
		require.Equal(t, field, problem.Details.Field, path)
	}
	require.Empty(t, asked.questions())
}

func TestWhatIsNotThereIsRefusedWithItsCode(t *testing.T) {
	t.Parallel()
	for _, code := range []actors.Code{
		actors.CodeAccountNotFound, actors.CodeChatNotFound, actors.CodeMessageNotFound, actors.CodeStorageUnavailable,
	} {
		e := boot(t, Config{}, &office{err: actors.Refuse(code, "not here")}).unheld()
		for _, path := range []string{conversationsPath, conversationsPath + "/1234567890", messagesPath, contactsPath} {
			e.ask(http.MethodGet, path, "").refused(t, code)
		}
	}
}

func TestEmptyListsAreLists(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{})
	for path, list := range map[string]string{conversationsPath: "conversations", messagesPath: "messages", contactsPath: "contacts"} {
		data := e.ask(http.MethodGet, path+"?limit=7", "").granted(t, http.StatusOK)
		require.Equal(t, []any{}, data[list])
		require.Equal(t, map[string]any{"limit": 7.0, "offset": 0.0, "total": 0.0, "hasMore": false}, data["pagination"])
	}
}

func TestAPageTellsWhereTheNextBegins(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{contacts: supervisor.ContactList{Contacts: make([]supervisor.Contact, 2), Total: 9, Next: "abc"}})
	data := e.ask(http.MethodGet, contactsPath+"?limit=2", "").granted(t, http.StatusOK)
	require.Equal(t, map[string]any{"limit": 2.0, "offset": 0.0, "total": 9.0, "hasMore": true, "nextCursor": "abc"}, data["pagination"])
	data = e.ask(http.MethodGet, contactsPath+"?limit=2&search=john", "").granted(t, http.StatusOK)
	require.NotContains(t, data["pagination"], "total")
}

func TestAConversationShowsAllThatIsKnown(t *testing.T) {
	t.Parallel()
	c := supervisor.Conversation{
		ID: "1234567890@c.us", Person: annie, Setting: persist.ChatSetting{Pinned: true, MutedUntil: noon},
		Record: persist.Chat{LastMessageAt: noon, Preview: "hi", Unread: 3},
		Last:   &supervisor.LastMessage{ID: "M1", Sender: annie, Record: persist.Message{Type: "text", Status: "received", Timestamp: noon}},
	}
	want := map[string]any{
		"clientId": account, "chatId": "1234567890@c.us", "name": "Annie", "isGroup": false, "person": shown,
		"unreadCount": 3.0, "lastActivity": "2026-01-02T12:00:00Z", "pinned": true, "archived": false, "markedUnread": false,
		"mutedUntil": "2026-01-02T12:00:00Z", "lastMessage": map[string]any{
			"id": "M1", "type": "text", "body": "hi", "from": "1234567890@c.us", "fromMe": false, "sender": shown,
			"status": "received", "timestamp": "2026-01-02T12:00:00Z",
		},
	}
	asked := &office{
		conversations: supervisor.ConversationList{Conversations: []supervisor.Conversation{c}, Total: 1},
		conversation: supervisor.ConversationDetail{
			Conversation: c, Messages: 5, Participants: []supervisor.Participant{{Person: annie, Role: "member"}},
		},
	}
	e := boot(t, Config{}, asked)
	data := e.ask(http.MethodGet, conversationsPath, "").granted(t, http.StatusOK)
	require.Equal(t, []any{want}, data["conversations"])

	want["messageCount"] = 5.0
	want["participants"] = []any{map[string]any{
		"id": "1234567890@c.us", "role": "member", "number": "1234567890", "lid": "99887766554433@lid", "name": "Annie",
	}}
	data = e.ask(http.MethodGet, conversationsPath+"/1234567890", "").granted(t, http.StatusOK)
	require.Equal(t, want, data)
}

func TestAGroupWithoutMessagesIsShownWithoutThem(t *testing.T) {
	t.Parallel()
	group := supervisor.Conversation{ID: "12036304@g.us", Group: true, Record: persist.Chat{Name: "Team"}}
	e := boot(t, Config{}, &office{conversations: supervisor.ConversationList{Conversations: []supervisor.Conversation{group}}})
	data := e.ask(http.MethodGet, conversationsPath, "").granted(t, http.StatusOK)
	require.Equal(t, []any{map[string]any{
		"clientId": account, "chatId": "12036304@g.us", "name": "Team", "isGroup": true, "unreadCount": 0.0,
		"lastActivity": nil, "lastMessage": nil, "pinned": false, "archived": false, "markedUnread": false, "mutedUntil": nil,
	}}, data["conversations"])
}

func TestAMessageShowsAllThatIsKnownAndNoKeys(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{messages: supervisor.MessageList{Total: 1, Messages: []supervisor.Message{{
		ID: "M1", Chat: "1234567890@c.us", Sender: actors.Person{Number: account}, Body: "a cat",
		Record: persist.Message{
			Timestamp: noon, FromMe: true, Type: "image", Status: "read", StatusAt: noon, EditedAt: noon, Raw: []byte("raw bytes"),
		},
		Media:     &persist.Media{MIMEType: "image/png", Size: 1234, Width: 640, Height: 480, MediaKey: []byte("key"), DirectPath: "/v/secret"},
		Quote:     &supervisor.Quote{ID: "M0", Sender: annie, Type: "text", Body: "a dog?"},
		Reactions: []supervisor.Reaction{{Record: persist.MessageReaction{Emoji: "👍", Timestamp: noon}, Sender: annie}},
		Receipts:  []supervisor.Receipt{{Record: persist.UserReceipt{ReadAt: noon}, Recipient: annie}},
	}}}})
	answer := e.ask(http.MethodGet, messagesPath, "")
	at := "2026-01-02T12:00:00Z"
	require.Equal(t, []any{map[string]any{
		"clientId": account, "id": "M1", "chatId": "1234567890@c.us", "from": account + "@c.us", "fromMe": true,
		"sender": map[string]any{"number": account, "lid": nil, "name": nil}, "type": "image", "body": "a cat",
		"media":  map[string]any{"mimeType": "image/png", "size": 1234.0, "width": 640.0, "height": 480.0},
		"quote":  map[string]any{"id": "M0", "from": "1234567890@c.us", "sender": shown, "type": "text", "body": "a dog?"},
		"status": "read", "statusAt": at, "timestamp": at, "editedAt": at,
		"reactions": []any{map[string]any{"emoji": "👍", "from": "1234567890@c.us", "sender": shown, "timestamp": at}},
		"receipts":  []any{map[string]any{"recipient": shown, "readAt": at}},
	}}, answer.granted(t, http.StatusOK)["messages"])
	require.NotContains(t, string(answer.body), "secret")
}

func TestAContactShowsNullsForWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	e := boot(t, Config{}, &office{contacts: supervisor.ContactList{Contacts: []supervisor.Contact{
		{Person: annie, Names: persist.Contact{PushName: "Annie"}},
	}}})
	data := e.ask(http.MethodGet, contactsPath, "").granted(t, http.StatusOK)
	require.Equal(t, []any{map[string]any{
		"clientId": account, "id": "1234567890@c.us", "number": "1234567890", "lid": "99887766554433@lid", "name": "Annie",
		"fullName": nil, "firstName": nil, "pushName": "Annie", "businessName": nil,
		"photo":    map[string]any{"id": nil, "url": nil},
		"presence": map[string]any{"state": "unknown", "lastSeen": nil, "known": false},
	}}, data["contacts"])
}

func FuzzChatInAPathIsEitherReadOrRefused(f *testing.F) {
	for _, chat := range []string{"1234567890@c.us", "%31234567890", "%zz", "a/b", "..", "\x00", "1@lid", "é@g.us"} {
		f.Add(chat)
	}
	app := New(Config{}, &office{}, nil, zap.NewNop()).app
	f.Fuzz(func(t *testing.T, chat string) {
		target := "http://localhost" + conversationsPath + "/" + url.PathEscape(chat)
		answer, err := app.Test(httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody), -1)
		require.NoError(t, err)
		defer answer.Body.Close()
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusNotFound}, answer.StatusCode)
	})
}
