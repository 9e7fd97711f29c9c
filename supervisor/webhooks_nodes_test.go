package supervisor

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors/webhook"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

// nodePair is two nodes with a storage and an account each, which tell each other of
// webhooks.
func nodePair(t *testing.T) (houses [2]*house, services [2]*webhook.Service) {
	t.Helper()
	engine := memory.Open()
	for i := range houses {
		houses[i] = open(t, engine)
	}
	for i := range services {
		services[i], _ = houses[i].webhooks(t, func(c *webhook.Config) { c.Tell = func() { services[1-i].Refresh() } })
		houses[i].happen(t, []string{number, other}[i], 1)
	}
	return houses, services
}

func TestAWebhookMadeOnOneNodeHearsTheAccountsOfAll(t *testing.T) {
	houses, services := nodePair(t)
	to := receive(t, nil)
	hook := create(t, services[0], to.URL, nil)
	for i, account := range []string{number, other} {
		head := houses[i].happen(t, account, 3)
		to.await(t, account, head.Seq)
		got := to.upTo(account, head.Seq)
		require.Equal(t, sequence(got[0], head.Seq), got, "each event is posted by one node")
	}
	_, err := services[1].Replace(t.Context(), everyone, hook.ID, webhook.Draft{URL: to.URL, Headers: map[string]string{"x-extra": "2"}})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		houses[0].happen(t, number, 1)
		return slices.ContainsFunc(to.got(number), func(p post) bool { return p.extra == "2" })
	}, 20*time.Second, 10*time.Millisecond)
}

func TestAWebhookDeletedOnOneNodeIsGoneFromAll(t *testing.T) {
	houses, services := nodePair(t)
	to := receive(t, func(post, int) int { return http.StatusInternalServerError })
	hook := create(t, services[0], to.URL, func(d *webhook.Draft) { d.Order = webhook.Relaxed })
	places := func(account string) (count int) {
		rows, err := persist.Deliveries.Scan(t.Context(), houses[0].engine, persist.Query{Scope: persist.AccountScope(account), Limit: 10})
		require.NoError(t, err)
		places, err := persist.Consumers.Scan(t.Context(), houses[0].engine, persist.Query{Scope: persist.AccountScope(account), Limit: 10})
		require.NoError(t, err)
		return len(rows) + len(places)
	}
	for i, account := range []string{number, other} {
		require.Eventually(t, func() bool {
			houses[i].happen(t, account, 1)
			return places(account) > 0
		}, 20*time.Second, 10*time.Millisecond)
	}
	require.NoError(t, services[0].Delete(t.Context(), everyone, hook.ID))
	for _, account := range []string{number, other} {
		require.Eventually(t, func() bool { return places(account) == 0 }, 20*time.Second, 10*time.Millisecond, account)
	}
}

func TestANodeThatNobodyTellsFindsWebhooksByItself(t *testing.T) {
	engine := memory.Open()
	one, another := open(t, engine), open(t, engine)
	another.happen(t, other, 1)
	service, _ := one.webhooks(t)
	another.webhooks(t, func(c *webhook.Config) { c.Review = 50 * time.Millisecond })
	to := receive(t, nil)
	create(t, service, to.URL, nil)
	require.Eventually(t, func() bool {
		another.happen(t, other, 1)
		return len(to.got(other)) > 0
	}, 20*time.Second, 10*time.Millisecond)
	for _, account := range []string{number, other} {
		_, err := service.SetOwn(t.Context(), account, to.URL, time.Now())
		require.Equal(t, account == number, err != nil, "an account of another node can have a webhook of its own")
	}
}
