package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/supervisor/access"
)

func newStore(t *testing.T) *access.Store {
	t.Helper()
	store, err := access.Open(t.Context(), memory.Open(), zap.NewNop(), access.Others{})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	return store
}

// bureau is a server with keys, asked by its administrator.
type bureau struct {
	*edge
	store *access.Store
}

func openBureau(t *testing.T, accounts Accounts) *bureau {
	t.Helper()
	store := newStore(t)
	return &bureau{boot(t, Config{APIKey: key, Keys: store}, accounts), store}
}

// by asks with a token.
func (b *bureau) by(token, method, path, body string) response {
	b.t.Helper()
	return b.ask(method, path, body, "Authorization", "Bearer "+token, "Content-Type", "application/json")
}

// make makes a key and returns its token and id.
func (b *bureau) make(by, body string) (token, id string) {
	b.t.Helper()
	data := b.by(by, http.MethodPost, "/api/keys", body).granted(b.t, http.StatusCreated)
	return data["token"].(string), data["key"].(map[string]any)["id"].(string)
}

// anywhere is behind the door, and there is nothing.
const anywhere = "/api/nowhere"

func TestAKeyIsMadeChangedRotatedAndRevoked(t *testing.T) {
	t.Parallel()
	b := openBureau(t, &office{status: ready()})
	body := `{"tenant":"acme","name":"CRM","rights":["read","send"],"accounts":["31*"],"addresses":["127.0.0.0/8"],` +
		`"rateLimit":{"perSecond":50,"burst":100},"expiresAt":"2100-01-01T00:00:00Z"}`
	made := b.by(key, http.MethodPost, "/api/keys", body).granted(t, http.StatusCreated)
	token, shown := made["token"].(string), made["key"].(map[string]any)
	id := shown["id"].(string)
	require.Subset(t, shown, map[string]any{
		"tenant": "acme", "name": "CRM", "rights": []any{"read", "send"}, "accounts": []any{"31*"}, "addresses": []any{"127.0.0.0/8"},
		"rateLimit": map[string]any{"perSecond": 50.0, "burst": 100.0}, "expiresAt": "2100-01-01T00:00:00Z", "createdBy": principalKey,
	})
	answer := b.by(key, http.MethodGet, "/api/keys/"+id, "")
	require.Equal(t, shown, answer.granted(t, http.StatusOK))
	list := b.by(key, http.MethodGet, "/api/keys?limit=1", "").granted(t, http.StatusOK)
	require.Equal(t, []any{shown}, list["keys"])
	require.NotContains(t, string(answer.body), token[len(token)-20:])

	b.by(token, http.MethodGet, "/api/clients/"+account+"/status", "").refused(t, actors.CodeAccountNotFound) // the office's are the installation's
	changed := b.by(key, http.MethodPut, "/api/keys/"+id, `{"expiresAt":"","rateLimit":{"perSecond":0},"rights":["manage"]}`).granted(t, http.StatusOK)
	require.NotContains(t, changed, "expiresAt")
	require.NotContains(t, changed, "rateLimit")
	require.Equal(t, "CRM", changed["name"])
	b.by(token, http.MethodGet, "/api/clients/"+account+"/status", "").refused(t, actors.CodeForbidden)

	again := b.by(key, http.MethodPost, "/api/keys/"+id+"/rotate", "").granted(t, http.StatusOK)["token"].(string)
	b.by(token, http.MethodGet, anywhere, "").refused(t, codeUnauthorized)
	b.by(again, http.MethodGet, anywhere, "").refused(t, actors.CodeNotFound)
	b.by(key, http.MethodDelete, "/api/keys/"+id, "").granted(t, http.StatusOK)
	b.by(again, http.MethodGet, anywhere, "").refused(t, codeUnauthorized)
	b.by(key, http.MethodGet, "/api/keys/"+id, "").refused(t, actors.CodeNotFound)
	for _, entry := range b.logs.All() {
		require.NotContains(t, fmt.Sprint(entry), token)
		require.NotContains(t, fmt.Sprint(entry), again)
	}
}

func TestAKeyThatIsWrongIsRefusedByTheNameOfTheField(t *testing.T) {
	t.Parallel()
	b := openBureau(t, &office{})
	for field, bodies := range map[string][]string{
		"name":                {`{"rights":["read"]}`, `{"name":"","rights":["read"]}`},
		"rights":              {`{"name":"x"}`, `{"name":"x","rights":[]}`},
		"rights[0]":           {`{"name":"x","rights":["root"]}`},
		"accounts":            {`{"name":"x","rights":["read"],"accounts":["4 9"]}`},
		"addresses":           {`{"name":"x","rights":["read"],"addresses":["10.0.0.0/40"]}`},
		"expiresAt":           {`{"name":"x","rights":["read"],"expiresAt":"tomorrow"}`, `{"name":"x","rights":["read"],"expiresAt":"2020-01-01T00:00:00Z"}`},
		"rateLimit.perSecond": {`{"name":"x","rights":["read"],"rateLimit":{"perSecond":-1}}`},
		"rateLimit.burst":     {`{"name":"x","rights":["read"],"rateLimit":{"perSecond":0,"burst":4}}`},
		"tenant":              {`{"name":"x","rights":["read"],"tenant":"A B"}`},
		"secret":              {`{"name":"x","rights":["read"],"secret":"mine"}`},
	} {
		for _, body := range bodies {
			problem := b.by(key, http.MethodPost, "/api/keys", body).refused(t, actors.CodeInvalidRequest)
			require.Equal(t, field, problem.Details.Field, body)
		}
	}
	require.Empty(t, b.store.Keys(access.Administrator("test")))
}

func TestAnAdministratorOfATenantStaysInIt(t *testing.T) {
	t.Parallel()
	b := openBureau(t, &office{})
	admin, _ := b.make(key, `{"tenant":"acme","name":"boss","rights":["admin"]}`)
	_, other := b.make(key, `{"tenant":"other","name":"theirs","rights":["read"]}`)
	reader, own := b.make(admin, `{"name":"desk","rights":["read"]}`)
	require.Equal(t, "acme", b.by(admin, http.MethodGet, "/api/keys/"+own, "").granted(t, http.StatusOK)["tenant"])
	problem := b.by(admin, http.MethodPost, "/api/keys", `{"tenant":"other","name":"x","rights":["read"]}`).refused(t, actors.CodeForbidden)
	require.Equal(t, "tenant", problem.Details.Field)
	b.by(admin, http.MethodPost, "/api/keys", `{"tenant":"","name":"x","rights":["admin"]}`).refused(t, actors.CodeForbidden)
	for _, id := range []string{other, "01kb4xk3n2v7m8q9r0s1t2w3y4"} { // the same, whether there is one or not
		require.Equal(t, "there is no such key", b.by(admin, http.MethodGet, "/api/keys/"+id, "").refused(t, actors.CodeNotFound).Message)
		b.by(admin, http.MethodPut, "/api/keys/"+id, `{"name":"mine"}`).refused(t, actors.CodeNotFound)
		b.by(admin, http.MethodDelete, "/api/keys/"+id, "").refused(t, actors.CodeNotFound)
	}
	b.by(reader, http.MethodGet, "/api/keys", "").refused(t, actors.CodeForbidden)
	b.by(admin, http.MethodGet, "/api/backup", "").refused(t, actors.CodeForbidden)

	heard := string(b.by(admin, http.MethodGet, "/api/audit?limit=200", "").body)
	require.Contains(t, heard, own)
	require.NotContains(t, heard, other+`","outcome":"ok"`)
	require.NotContains(t, heard, `"who":"`+principalKey)
	all := string(b.by(key, http.MethodGet, "/api/audit?limit=200", "").body)
	require.Contains(t, all, other)
}

func TestWhoHasDoneWhatIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	b := openBureau(t, &office{status: ready()})
	_, id := b.make(key, `{"name":"desk","rights":["read"]}`)
	b.by(key, http.MethodPost, "/api/clients/initialize", `{"accountNumber":"`+account+`"}`).granted(t, http.StatusOK)
	b.by(key, http.MethodGet, "/api/keys/nothing", "").refused(t, actors.CodeNotFound)
	var list struct{ Data auditList }
	require.NoError(t, json.Unmarshal(b.by(key, http.MethodGet, "/api/audit?limit=2", "").body, &list))
	require.True(t, list.Data.Pagination.HasMore)
	var rest struct{ Data auditList }
	require.NoError(t, json.Unmarshal(b.by(key, http.MethodGet, "/api/audit?limit=1&cursor="+list.Data.Pagination.NextCursor, "").body, &rest))
	entries := slices.Concat(list.Data.Entries, rest.Data.Entries)
	for i, want := range []auditEntry{
		{What: "getKey", Target: "nothing", Outcome: "404"}, {What: "initializeClient", Target: account, Outcome: "ok"}, {What: "createKey", Target: id, Outcome: "ok"},
	} {
		got := entries[i]
		require.NotNil(t, got.At)
		got.At, want.Who, want.Address = nil, principalKey, "127.0.0.1"
		require.Equal(t, want, got)
	}
}

func TestARateIsBoundedAndTold(t *testing.T) {
	t.Parallel()
	b := openBureau(t, &office{})
	token, _ := b.make(key, `{"name":"slow","rights":["read"],"rateLimit":{"perSecond":1,"burst":2}}`)
	for _, remaining := range []string{"1", "0"} {
		answer := b.by(token, http.MethodGet, "/api/clients/status", "")
		answer.granted(t, http.StatusOK)
		require.Equal(t, []string{"2", remaining}, []string{answer.Header.Get("Ratelimit-Limit"), answer.Header.Get("Ratelimit-Remaining")})
	}
	answer := b.by(token, http.MethodGet, "/api/clients/status", "")
	answer.refused(t, actors.CodeRateLimited)
	require.Equal(t, "1", answer.Header.Get("Retry-After"))
	require.Equal(t, "0", answer.Header.Get("Ratelimit-Remaining"))
	require.NotEmpty(t, answer.Header.Get("Ratelimit-Reset"))
	require.Empty(t, b.by(key, http.MethodGet, "/api/clients/status", "").Header.Get("Ratelimit-Limit"))
}

func TestAKeyIsOnlyForItsAddressesAndRights(t *testing.T) {
	t.Parallel()
	b := openBureau(t, &office{})
	away, _ := b.make(key, `{"name":"away","rights":["read"],"addresses":["192.0.2.0/24"]}`)
	b.by(away, http.MethodGet, "/api/clients/status", "").refused(t, actors.CodeForbidden)
	sender, _ := b.make(key, `{"name":"sender","rights":["send"]}`)
	b.by(sender, http.MethodGet, "/api/clients/status", "").refused(t, actors.CodeForbidden)
	require.Equal(t, http.StatusForbidden, b.ask(http.MethodGet, "/ws", "", "Authorization", "Bearer "+sender, "Connection", "Upgrade",
		"Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").StatusCode)
}

func TestAProxyNeedsAnAdministrator(t *testing.T) {
	t.Parallel()
	asked := &office{}
	b := openBureau(t, asked)
	token, _ := b.make(key, `{"name":"manager","rights":["manage"]}`)
	for method, path := range map[string]string{http.MethodPost: "/api/clients/initialize", http.MethodPut: "/api/clients/" + account + "/settings"} {
		body := `{"proxy":"http://10.0.0.1:8080"}`
		if method == http.MethodPost {
			body = `{"accountNumber":"` + account + `","proxy":"http://10.0.0.1:8080"}`
		}
		require.Equal(t, "proxy", b.by(token, method, path, body).refused(t, actors.CodeForbidden).Details.Field)
	}
	require.Empty(t, asked.questions())
	b.by(token, http.MethodPut, "/api/clients/"+account+"/settings", `{"autoRead":true}`).granted(t, http.StatusOK)
}

func TestIdempotencyKeysBelongToTheKey(t *testing.T) {
	t.Parallel()
	asked := &office{sent: actors.Sent{MessageID: "3EB0", Status: "sent"}}
	b := openBureau(t, asked)
	token, id := b.make(key, `{"name":"sender","rights":["send"]}`)
	b.by(token, http.MethodPost, "/api/messages/send", textMessage)
	command := asked.questions()[1].(actors.Send)
	require.Equal(t, id, command.Principal)
}

func TestGuessingTheAPIKeyIsSlow(t *testing.T) {
	t.Parallel()
	b := openBureau(t, &office{})
	for range triesBurst {
		b.by("guess", http.MethodGet, anywhere, "").refused(t, codeUnauthorized)
	}
	answer := b.by("guess", http.MethodGet, anywhere, "")
	answer.refused(t, actors.CodeRateLimited)
	require.Equal(t, "5", answer.Header.Get("Retry-After"))
	b.by(key, http.MethodGet, anywhere, "").refused(t, actors.CodeRateLimited)
}

func TestOthersWhoGuessDoNotShutOut(t *testing.T) {
	t.Parallel()
	b := openBureau(t, &office{})
	token, _ := b.make(key, `{"name":"desk","rights":["read"]}`)
	for range triesBurst + 1 {
		b.by("wak_x_guess", http.MethodGet, anywhere, "")
	}
	b.by("guess", http.MethodGet, anywhere, "").refused(t, actors.CodeRateLimited)
	for _, known := range []string{token, key} {
		b.by(known, http.MethodGet, anywhere, "").refused(t, actors.CodeNotFound)
	}
}

func TestAKeyWorksWhereNoAPIKeyIsSet(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	b := &bureau{boot(t, Config{Keys: store}, &office{}), store}
	_, token, err := store.Create(t.Context(), access.Administrator("test"), "", access.Spec{Name: new("r"), Rights: &[]access.Right{access.Read}})
	require.NoError(t, err)
	b.by(token, http.MethodGet, "/api/keys", "").refused(t, actors.CodeForbidden)
	b.by(token+"x", http.MethodGet, "/api/keys", "").refused(t, codeUnauthorized)
	b.ask(http.MethodGet, "/api/keys", "").granted(t, http.StatusOK)
}

func TestSocketsOfAKeyThatIsOverAreClosed(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	station := broadcast(t, Config{APIKey: key, Keys: store}, newNewsroom(account))
	b := &bureau{station.edge, store}
	for name, test := range map[string]struct{ method, path, body string }{
		"revoked": {http.MethodDelete, "", ""},
		"changed": {http.MethodPut, "", `{"rights":["send"]}`},
		"rotated": {http.MethodPost, "/rotate", ""},
	} {
		token, id := b.make(key, `{"name":"socket","rights":["read"]}`)
		socket := station.tune("", "Authorization", "Bearer "+token)
		socket.settle()
		b.by(key, test.method, "/api/keys/"+id+test.path, test.body).granted(t, http.StatusOK)
		require.Equal(t, websocket.StatusPolicyViolation, socket.ended().Code, name)
	}
	admin := station.tune("", "Authorization", "Bearer "+key)
	admin.settle()
	token, _ := b.make(key, `{"name":"renamed","rights":["read"]}`)
	require.True(t, strings.HasPrefix(token, "wak_"))
}
