package httpapi

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor/access"
)

func (s *station) ticket() string {
	s.t.Helper()
	answer := s.ask(http.MethodPost, "/api/ws-tickets", "", "Authorization", "Bearer "+key)
	require.Equal(s.t, http.StatusCreated, answer.StatusCode)
	var issued success[issuedTicket]
	require.NoError(s.t, json.Unmarshal(answer.body, &issued))
	require.WithinDuration(s.t, time.Now().Add(ticketLife), issued.Data.ExpiresAt, ticketLife)
	return issued.Data.Ticket
}

func TestATicketOpensOneSocket(t *testing.T) {
	t.Parallel()
	station := broadcast(t, Config{APIKey: key}, newNewsroom(account))
	for _, url := range []string{"ws://" + station.streams + "/", "ws://" + station.address + "/ws"} {
		ticket := station.ticket()
		listening, _, err := station.dial(url + "?ticket=" + ticket + "&accountNumber=" + account)
		require.NoError(t, err)
		listening.settle()
		_, answer, err := station.dial(url + "?ticket=" + ticket)
		require.Error(t, err)
		require.Equal(t, http.StatusUnauthorized, answer.StatusCode, "it was used")
	}
}

func TestATicketHearsAllAccountsAsItsKeyDoes(t *testing.T) {
	t.Parallel()
	station := broadcast(t, Config{APIKey: key}, newNewsroom(account))
	listening := station.tune("?ticket=" + station.ticket())
	listening.settle()
	listening.say(`{"action":"subscribe","accounts":{"` + account + `":"latest"}}`)
	listening.expect("subscribed")
}

func TestATicketThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	station := broadcast(t, Config{APIKey: key}, newNewsroom(account))
	station.ask(http.MethodPost, "/api/ws-tickets", "").refused(t, codeUnauthorized)
	for _, query := range []string{"?ticket=", "?ticket=made-up", "?ticket"} {
		station.knock("/", query).refused(t, codeUnauthorized)
	}
	old := station.ticket()
	station.server.tickets.now = func() time.Time { return time.Now().Add(ticketLife) }
	station.knock("/", "?ticket="+old).refused(t, codeUnauthorized)
	station.server.tickets.now = time.Now
	fresh := station.ticket()
	station.ask(http.MethodGet, "/api/clients/status?ticket="+fresh, "").refused(t, codeUnauthorized)
}

func TestAKeyInTheURLIsRefusedByName(t *testing.T) {
	t.Parallel()
	station := broadcast(t, Config{APIKey: key}, newNewsroom(account))
	for _, name := range []string{"key", "token", "apiKey", "APIKEY", "access_token"} {
		problem := station.knock("/", "?"+name+"="+key).refused(t, actors.CodeInvalidRequest)
		require.Equal(t, name, problem.Details.Field)
		require.NotContains(t, problem.Message, key)
	}
}

func TestATicketStandsForWhoeverAskedForIt(t *testing.T) {
	t.Parallel()
	known := newTickets()
	owner := call{id: "one", principal: access.Principal{ID: "reader", Tenant: "acme", Rights: []access.Right{access.Read}}}
	issued, err := known.issue(owner)
	require.NoError(t, err)
	got, ok := known.take(issued.Ticket)
	require.True(t, ok)
	require.Equal(t, owner.principal, got.principal)
	_, ok = known.take(issued.Ticket)
	require.False(t, ok)
}

func TestATicketIsGoodWhereAndWhileItsKeyIs(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	station := broadcast(t, Config{APIKey: key, Keys: store}, newNewsroom(account))
	b := &bureau{station.edge, store}
	token, id := b.make(key, `{"name":"page","rights":["read"],"addresses":["192.0.2.0/24","127.0.0.0/8"]}`)
	ticket := func(from string) string {
		grant, err := store.Authenticate(token, netip.MustParseAddr(from))
		require.NoError(t, err)
		issued, err := station.server.tickets.issue(call{principal: grant.Principal, grant: grant, log: zap.NewNop()})
		require.NoError(t, err)
		return issued.Ticket
	}
	station.tune("?ticket=" + ticket("192.0.2.7")).settle()
	late := ticket("127.0.0.1")
	b.by(key, http.MethodPut, "/api/keys/"+id, `{"addresses":["192.0.2.0/24"]}`).granted(t, http.StatusOK)
	station.knock("/", "?ticket="+late).refused(t, codeUnauthorized)
	elsewhere := ticket("192.0.2.7")
	station.knock("/", "?ticket="+elsewhere).refused(t, actors.CodeForbidden)
	station.knock("/", "?ticket="+elsewhere).refused(t, codeUnauthorized)
}

func TestAHandshakeCountsAgainstTheRateOfItsKey(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	station := broadcast(t, Config{APIKey: key, Keys: store}, newNewsroom(account))
	b := &bureau{station.edge, store}
	for name, open := range map[string]func(token string, grant *access.Grant) (*http.Response, error){
		"key": func(token string, _ *access.Grant) (*http.Response, error) {
			_, answer, err := station.dial("ws://"+station.streams, "Authorization", "Bearer "+token)
			return answer, err
		},
		"ticket": func(_ string, grant *access.Grant) (*http.Response, error) {
			issued, err := station.server.tickets.issue(call{principal: grant.Principal, grant: grant, log: zap.NewNop()})
			require.NoError(t, err)
			_, answer, err := station.dial("ws://" + station.streams + "?ticket=" + issued.Ticket)
			return answer, err
		},
	} {
		token, _ := b.make(key, `{"name":"`+name+`","rights":["read"],"rateLimit":{"perSecond":1,"burst":1}}`)
		grant, err := store.Authenticate(token, netip.MustParseAddr("127.0.0.1"))
		require.NoError(t, err)
		answer, err := open(token, grant)
		require.NoError(t, err, name)
		for tries := 0; err == nil && tries < 20; tries++ { // a second may have gone by
			answer, err = open(token, grant)
		}
		require.Error(t, err, name)
		require.Equal(t, http.StatusTooManyRequests, answer.StatusCode, name)
		require.Equal(t, "1", answer.Header.Get("Retry-After"), name)
		require.Equal(t, "0", answer.Header.Get("Ratelimit-Remaining"), name)
	}
}

func TestTicketsAreBoundedAndMakeRoomWhenTheyExpire(t *testing.T) {
	t.Parallel()
	now, known := noon, newTickets()
	known.now = func() time.Time { return now }
	for range maxTickets {
		_, err := known.issue(call{})
		require.NoError(t, err)
	}
	_, err := known.issue(call{})
	require.Equal(t, actors.CodeRateLimited, actors.CodeOf(err))
	now = now.Add(ticketLife)
	_, err = known.issue(call{})
	require.NoError(t, err)
	require.Len(t, known.open, 1)
}
