package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/fetch"
	"whatsapp-web-server/actors/webhook"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

// everyone manages the webhooks of all.
var everyone = webhook.Caller{Everyone: true}

// webhooks brings up the endpoints of a node; end stops them as a restart would.
func (h *house) webhooks(t testing.TB, changes ...func(*webhook.Config)) (service *webhook.Service, end func()) {
	t.Helper()
	config := webhook.Config{
		Engine: h.engine, Source: newsroom{h, h.feed}, Log: zap.NewNop(),
		Tenant: func(account string) (string, bool) { return "", slices.Contains(h.Numbers(), account) },
		Covers: func(patterns []string, account string) bool {
			return len(patterns) == 0 || slices.Contains(patterns, account)
		},
		Poster: fetch.NewPoster([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}),
	}
	for _, change := range changes {
		change(&config)
	}
	service, err := webhook.Start(t.Context(), actors.NewRuntime(), config)
	require.NoError(t, err)
	end = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, service.Stop(ctx))
	})
	t.Cleanup(end)
	return service, end
}

// post is one request that a receiver got.
type post struct {
	id, signature, extra string
	frame                actors.Frame
	account              string
	seq                  int64
}

// receiver is an endpoint's server.
type receiver struct {
	*httptest.Server

	mu      sync.Mutex
	secrets []string
	posts   []post
	answer  func(post, int) int // the status of the n-th request; nil: 200
	wrong   error
}

func receive(t *testing.T, answer func(p post, n int) int) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	p := post{id: request.Header.Get("Webhook-Id"), signature: request.Header.Get("Webhook-Signature"), extra: request.Header.Get("X-Extra")}
	if err == nil {
		err = json.Unmarshal(body, &p.frame)
	}
	var data struct {
		ClientID string `json:"clientId"`
	}
	_ = json.Unmarshal(p.frame.Data, &data)
	cursor, _ := actors.ParseCursor(p.id)
	p.account, p.seq = data.ClientID, cursor.Seq
	for _, secret := range r.secrets {
		verifier, bad := standardwebhooks.NewWebhook(secret)
		if bad == nil {
			bad = verifier.Verify(body, request.Header)
		}
		if bad != nil {
			err = bad
		}
	}
	if err != nil {
		r.wrong = err
	}
	status := http.StatusOK
	if r.answer != nil {
		status = r.answer(p, len(r.posts))
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	r.posts = append(r.posts, p)
	w.WriteHeader(status)
}

func (r *receiver) got(account string) (posts []post) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.posts {
		if account == "" || p.account == account {
			posts = append(posts, p)
		}
	}
	return posts
}

func (r *receiver) sequences(account string) (all []int64) {
	for _, p := range r.got(account) {
		all = append(all, p.seq)
	}
	return all
}

// upTo is sequences without what may have happened after an event.
func (r *receiver) upTo(account string, last int64) []int64 {
	return slices.DeleteFunc(r.sequences(account), func(seq int64) bool { return seq > last })
}

// await returns once an account's event of this sequence has come.
func (r *receiver) await(t *testing.T, account string, seq int64) {
	t.Helper()
	require.Eventually(t, func() bool { return slices.Contains(r.sequences(account), seq) }, 30*time.Second, 2*time.Millisecond, "event %d", seq)
	r.mu.Lock()
	defer r.mu.Unlock()
	require.NoError(t, r.wrong)
}

func create(t *testing.T, s *webhook.Service, url string, change func(*webhook.Draft)) persist.Webhook {
	t.Helper()
	draft := webhook.Draft{URL: url}
	if change != nil {
		change(&draft)
	}
	hook, err := s.Create(t.Context(), everyone, draft)
	require.NoError(t, err)
	return hook
}

func TestAWebhookGetsTheSignedEventsOfEachAccountInOrder(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	to := receive(t, nil)
	hook := create(t, service, to.URL, func(d *webhook.Draft) { d.Headers = map[string]string{"x-extra": "hush"} })
	to.mu.Lock()
	to.secrets = []string{hook.Secret}
	to.mu.Unlock()
	require.True(t, strings.HasPrefix(hook.Secret, "whsec_"))
	for _, account := range []string{number, other} {
		head := h.happen(t, account, 5)
		to.await(t, account, head.Seq)
		require.Equal(t, sequence(1, head.Seq), to.upTo(account, head.Seq))
	}
	told := slices.DeleteFunc(h.durable(), func(e actors.Event) bool { return e.Account != number })
	for i, p := range to.got(number) {
		event := told[i]
		require.Equal(t, event.Cursor.String(), p.id)
		require.Equal(t, p.id, p.frame.ID)
		require.Equal(t, "hush", p.extra)
		want, err := json.Marshal(actors.FrameOf(event))
		require.NoError(t, err)
		got, err := json.Marshal(p.frame)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got))
	}
}

func TestAWebhookThatWasDownGetsWhatItMissedAlsoAfterARestart(t *testing.T) {
	h := open(t, memory.Open())
	service, end := h.webhooks(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	create(t, service, "http://"+address, nil)
	h.happen(t, number, 5)
	end()
	head := h.happen(t, number, 5)
	h.webhooks(t)
	to := &receiver{}
	listener, err = net.Listen("tcp", address)
	require.NoError(t, err)
	to.Server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: to, ReadHeaderTimeout: time.Minute}}
	to.Start()
	t.Cleanup(to.Close)
	to.await(t, number, head.Seq)
	require.Equal(t, sequence(1, head.Seq), to.upTo(number, head.Seq))
}

func TestInStrictOrderOthersOfTheAccountWaitBehindAnEventThatIsRefused(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	refused := 0
	to := receive(t, func(p post, _ int) int {
		if p.account == number && p.seq == 2 && refused < 2 {
			refused++
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	})
	hook := create(t, service, to.URL, nil)
	first, second := h.happen(t, number, 3), h.happen(t, other, 3)
	to.await(t, other, second.Seq)
	to.await(t, number, first.Seq)
	require.Equal(t, append([]int64{1, 2, 2}, sequence(2, first.Seq)...), to.upTo(number, first.Seq))
	recent, health, err := service.Attempts(t.Context(), everyone, hook.ID)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(recent), int(first.Seq+second.Seq))
	require.Zero(t, health.Failures)
	require.Equal(t, "status_500", health.Reason)
}

func TestInRelaxedOrderAnEventThatIsRefusedIsPutAsideAndComesAgain(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	refused := 0
	to := receive(t, func(p post, _ int) int {
		if p.seq == 2 && refused < 2 {
			refused++
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	create(t, service, to.URL, func(d *webhook.Draft) { d.Order = webhook.Relaxed })
	head := h.happen(t, number, 3)
	to.await(t, number, head.Seq)
	require.Eventually(t, func() bool {
		tries := 0
		for _, seq := range to.sequences(number) {
			if seq == 2 {
				tries++
			}
		}
		return tries == 3
	}, 30*time.Second, 5*time.Millisecond)
	require.Eventually(t, func() bool { return len(h.deliveries(t)) == 0 }, 10*time.Second, 5*time.Millisecond)
	require.ElementsMatch(t, append(sequence(1, head.Seq), 2, 2), to.upTo(number, head.Seq))
}

func (h *house) deliveries(t *testing.T) []persist.WebhookDelivery {
	t.Helper()
	rows, err := persist.Deliveries.Scan(t.Context(), h.engine, persist.Query{Scope: persist.AccountScope(number), Limit: 1000})
	require.NoError(t, err)
	return rows
}

func TestAnEventThatIsRefusedForADayIsADeadLetterAndIsRedrivenUnderItsID(t *testing.T) {
	h := open(t, memory.Open())
	service, end := h.webhooks(t)
	var mu sync.Mutex
	well := false
	to := receive(t, func(p post, _ int) int {
		mu.Lock()
		defer mu.Unlock()
		if p.seq == 2 && !well {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	hook := create(t, service, to.URL, nil)
	head := h.happen(t, number, 3)
	require.Eventually(t, func() bool { return len(h.deliveries(t)) == 1 }, 10*time.Second, 2*time.Millisecond)
	end()
	row := h.deliveries(t)[0]
	require.Equal(t, persist.DeliveryHolds, row.State)
	row.FirstAt = row.FirstAt.Add(-25 * time.Hour)
	require.NoError(t, h.Keep(t.Context(), number, actors.Keep{Mutations: []persist.Mutation{persist.Deliveries.Put(row)}}))

	service, _ = h.webhooks(t)
	to.await(t, number, head.Seq) // the queue goes on
	dead, next, err := service.DeadLetters(t.Context(), everyone, hook.ID, "", "", 10)
	require.NoError(t, err)
	require.Empty(t, next)
	require.Len(t, dead, 1)
	require.Equal(t, int64(2), dead[0].Seq)
	require.Equal(t, "status_500", dead[0].Failure)

	mu.Lock()
	well = true
	mu.Unlock()
	none, _, err := service.Redrive(t.Context(), everyone, hook.ID, webhook.Range{To: dead[0].At})
	require.NoError(t, err)
	require.Zero(t, none)
	tries := func() (n int) {
		for _, p := range to.got(number) {
			if p.id == (actors.Cursor{Log: head.Log, Seq: 2}).String() {
				n++
			}
		}
		return n
	}
	before := tries()
	again, more, err := service.Redrive(t.Context(), everyone, hook.ID, webhook.Range{Account: number, After: actors.Cursor{Log: head.Log, Seq: 1}})
	require.NoError(t, err)
	require.Equal(t, 1, again)
	require.False(t, more)
	require.Eventually(t, func() bool { return tries() == before+1 }, 10*time.Second, 2*time.Millisecond)
	require.Eventually(t, func() bool { return len(h.deliveries(t)) == 0 }, 10*time.Second, 2*time.Millisecond)
}

func TestWhatAnEndpointHasTakenIsDeliveredAgainUnderItsID(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	to := receive(t, nil)
	hook := create(t, service, to.URL, nil)
	head := h.happen(t, number, 5)
	to.await(t, number, head.Seq)
	cursor := func(seq int64) actors.Cursor { return actors.Cursor{Log: head.Log, Seq: seq} }
	require.Eventually(t, func() bool { // that it is done with them is stored
		at, err := h.Place(t.Context(), number, "webhook/"+hook.ID)
		return err == nil && at.Seq >= head.Seq
	}, 10*time.Second, 2*time.Millisecond)
	times := func(seq int64) (n int) {
		for _, p := range to.got(number) {
			if p.id == cursor(seq).String() {
				n++
			}
		}
		return n
	}
	n, last, more, err := service.Replay(t.Context(), everyone, hook.ID, webhook.Range{Account: number, After: cursor(1), Until: cursor(3)})
	require.NoError(t, err)
	require.Equal(t, []any{2, cursor(3), false}, []any{n, last, more})
	require.Eventually(t, func() bool { return times(2) == 2 && times(3) == 2 && len(h.deliveries(t)) == 0 }, 10*time.Second, 2*time.Millisecond)
	n, _, _, err = service.Replay(t.Context(), everyone, hook.ID, webhook.Range{Account: number, From: hook.CreatedAt})
	require.NoError(t, err)
	require.Equal(t, len(slices.Compact(slices.Sorted(slices.Values(to.sequences(number))))), n, "all that there was")
	require.Eventually(t, func() bool { return times(head.Seq) == 2 && len(h.deliveries(t)) == 0 }, 10*time.Second, 2*time.Millisecond)
	for field, which := range map[string]webhook.Range{"accountNumber": {From: hook.CreatedAt}, "from": {Account: number}} {
		_, _, _, err := service.Replay(t.Context(), everyone, hook.ID, which)
		refusal, refused := errors.AsType[*actors.Error](err)
		require.True(t, refused)
		require.Equal(t, field, refusal.Field)
	}
}

func TestAWebhookTellsHowManyEventsItHasMissed(t *testing.T) {
	h := open(t, memory.Open())
	service, end := h.webhooks(t)
	to := receive(t, nil)
	hook := create(t, service, to.URL, nil)
	seen := h.happen(t, number, 2)
	to.await(t, number, seen.Seq)
	end()
	require.Zero(t, service.HealthOf(hook.ID).Missed)
	h.happen(t, number, 3)
	h.prune(t, seen.Seq+2)
	service, _ = h.webhooks(t)
	require.Eventually(t, func() bool { return service.HealthOf(hook.ID).Missed == 2 }, 20*time.Second, 2*time.Millisecond)
	require.WithinDuration(t, time.Now(), service.HealthOf(hook.ID).LastMissed, time.Minute)
	to.await(t, number, seen.Seq+3)
}

func TestDeadLettersAreListedPageByPage(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	for _, account := range []string{number, other} {
		h.happen(t, account, 1)
	}
	hook := create(t, service, receive(t, nil).URL, nil)
	var want []string
	for _, account := range []string{number, other} {
		var rows []persist.Mutation
		for seq := range int64(5) {
			rows = append(rows, persist.Deliveries.Put(persist.WebhookDelivery{
				Webhook: hook.ID, LogID: "LOG", Seq: seq, State: persist.DeliveryDead, Kind: "call", Data: "{}", NextAt: time.UnixMilli(1000 * (seq/2 + 1)),
			}))
			want = append(want, account+actors.Cursor{Log: "LOG", Seq: seq}.String())
		}
		require.NoError(t, h.Keep(t.Context(), account, actors.Keep{Mutations: rows}))
	}
	for _, limit := range []int{1, 2, 3, 5, 7, 10, 11} {
		var got []string
		for cursor := ""; ; {
			page, next, err := service.DeadLetters(t.Context(), everyone, hook.ID, "", cursor, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page), limit)
			for _, letter := range page {
				got = append(got, letter.Account+letter.Event().Cursor.String())
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		require.Equal(t, want, got, "pages of %d", limit)
	}
	_, _, err := service.DeadLetters(t.Context(), everyone, hook.ID, "", "nonsense", 10)
	require.Equal(t, actors.CodeInvalidRequest, actors.CodeOf(err))
}

func TestARotatedSecretSignsBesideTheOldOne(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	to := receive(t, nil)
	hook := create(t, service, to.URL, nil)
	rotated, err := service.Rotate(t.Context(), everyone, hook.ID)
	require.NoError(t, err)
	require.NotEqual(t, hook.Secret, rotated.Secret)
	require.WithinDuration(t, time.Now().Add(24*time.Hour), rotated.OldSecretUntil, time.Minute)
	to.mu.Lock()
	to.secrets = []string{hook.Secret, rotated.Secret} // both verify
	to.mu.Unlock()
	head := h.happen(t, number, 1)
	to.await(t, number, head.Seq)
	require.Len(t, strings.Fields(to.got(number)[0].signature), 2)
}

func TestAPausedWebhookGoesOnWhereItWas(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	to := receive(t, nil)
	hook := create(t, service, to.URL, nil)
	first := h.happen(t, number, 1)
	to.await(t, number, first.Seq)
	_, err := service.Pause(t.Context(), everyone, hook.ID)
	require.NoError(t, err)
	head := h.happen(t, number, 2)
	tested, err := service.Test(t.Context(), everyone, hook.ID)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, tested.Status)
	_, err = service.Resume(t.Context(), everyone, hook.ID)
	require.NoError(t, err)
	to.await(t, number, head.Seq)
	require.Equal(t, sequence(1, head.Seq), to.upTo(number, head.Seq))
}

func TestAnEndpointThatIsGoneIsPausedAndLosesNothing(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	to := receive(t, func(_ post, n int) int {
		if n == 0 {
			return http.StatusGone
		}
		return http.StatusOK
	})
	hook := create(t, service, to.URL, nil)
	head := h.happen(t, number, 2)
	require.Eventually(t, func() bool {
		now, err := service.Get(t.Context(), everyone, hook.ID)
		return err == nil && now.Paused && now.PausedReason == "gone"
	}, 10*time.Second, 2*time.Millisecond)
	require.Len(t, to.got(number), 1)
	_, err := service.Resume(t.Context(), everyone, hook.ID)
	require.NoError(t, err)
	to.await(t, number, head.Seq)
	require.Equal(t, append([]int64{1}, sequence(1, head.Seq)...), to.upTo(number, head.Seq))
}

func TestAnEndpointThatAsksForAPauseIsLeftAloneForSoLong(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	var asked time.Time
	to := receive(t, func(_ post, n int) int {
		if n == 0 {
			asked = time.Now()
			return http.StatusTooManyRequests
		}
		return http.StatusOK
	})
	create(t, service, to.URL, nil)
	head, beside := h.happen(t, number, 1), h.happen(t, other, 1)
	to.await(t, number, head.Seq)
	require.GreaterOrEqual(t, time.Since(asked), time.Second)
	to.await(t, other, beside.Seq)
}

func TestADeadEndpointCostsAnotherNothing(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })
	for range 5 {
		create(t, service, "http://"+silent.Addr().String(), nil)
	}
	to := receive(t, nil)
	create(t, service, to.URL, nil)
	begun := time.Now()
	head := h.happen(t, number, 10)
	to.await(t, number, head.Seq)
	require.Less(t, time.Since(begun), 5*time.Second)
}

func TestADeletedWebhookLeavesNothingBehind(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	to := receive(t, func(post, int) int { return http.StatusInternalServerError })
	hook := create(t, service, to.URL, nil)
	h.happen(t, number, 1)
	require.Eventually(t, func() bool { return len(h.deliveries(t)) == 1 }, 10*time.Second, 2*time.Millisecond)
	require.NoError(t, service.Delete(t.Context(), everyone, hook.ID))
	require.Eventually(t, func() bool {
		at, err := h.Place(t.Context(), number, "webhook/"+hook.ID)
		return err == nil && at.Log == "" && len(h.deliveries(t)) == 0
	}, 10*time.Second, 2*time.Millisecond)
	_, err := service.Get(t.Context(), everyone, hook.ID)
	require.Equal(t, actors.CodeNotFound, actors.CodeOf(err))
}

func TestWebhooksAreRefusedWhereTheyMayNotLead(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	for _, url := range []string{
		"", "example.com", "ftp://example.com/", "https://", "http://10.0.0.1/", "https://10.0.0.1/x", "https://169.254.169.254/latest",
		"https://[::1]/", "http://1.1.1.1/", "https://user:hush@1.1.1.1/", "http://user@127.0.0.1/",
	} {
		_, err := service.Create(t.Context(), everyone, webhook.Draft{URL: url})
		require.Equal(t, actors.CodeURLNotAllowed, actors.CodeOf(err), url)
		require.NotContains(t, err.Error(), "hush")
	}
	for field, draft := range map[string]webhook.Draft{
		"events": {Kinds: []string{"message", "nothing"}}, "order": {Order: "random"}, "concurrency": {Concurrency: 33},
		"headers": {Headers: map[string]string{"Webhook-Id": "x"}}, "accounts": {Account: number, Accounts: []string{"31*"}},
		"accountNumber": {Account: number},
	} {
		draft.URL = "https://1.1.1.1/"
		_, err := service.Create(t.Context(), everyone, draft)
		var refusal *actors.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, field, refusal.Field)
	}
	_, err := service.Create(t.Context(), everyone, webhook.Draft{URL: "https://1.1.1.1/", Kinds: []string{"qr"}})
	require.ErrorContains(t, err, "qr is not kept")
	hooks, _, err := service.List(t.Context(), everyone, "", 10)
	require.NoError(t, err)
	require.Empty(t, hooks, "nothing half done")
}

func TestWebhooksOfOthersAreNotThere(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	h.happen(t, number, 1)
	url := receive(t, nil).URL
	all := create(t, service, url, nil)
	one := create(t, service, url, func(d *webhook.Draft) { d.Account = number })
	acme := webhook.Caller{Tenant: "acme"}
	theirs, err := service.Create(t.Context(), acme, webhook.Draft{URL: url})
	require.NoError(t, err)
	_, err = service.Create(t.Context(), acme, webhook.Draft{URL: url, Account: number})
	require.Equal(t, actors.CodeAccountNotFound, actors.CodeOf(err))
	for _, test := range []struct {
		caller webhook.Caller
		sees   []string
	}{
		{everyone, []string{all.ID, one.ID, theirs.ID}},
		{acme, []string{theirs.ID}},
		{webhook.Caller{}, []string{one.ID}},
		{webhook.Caller{Accounts: []string{number}}, []string{one.ID}},
		{webhook.Caller{Accounts: []string{other}}, nil},
		{webhook.Caller{Tenant: "acme", Accounts: []string{number}}, nil},
	} {
		hooks, _, err := service.List(t.Context(), test.caller, "", 10)
		require.NoError(t, err)
		var ids []string
		for _, hook := range hooks {
			ids = append(ids, hook.ID)
		}
		require.Equal(t, test.sees, ids)
		for _, id := range []string{all.ID, one.ID, theirs.ID} {
			if !slices.Contains(test.sees, id) {
				require.Equal(t, actors.CodeNotFound, actors.CodeOf(service.Delete(t.Context(), test.caller, id)))
			}
		}
	}
}

func TestAnAccountsOwnWebhookEndsWithIt(t *testing.T) {
	h := open(t, memory.Open())
	service, _ := h.webhooks(t)
	to := receive(t, nil)
	since := time.Now()
	head := h.happen(t, number, 1)
	secret, err := service.SetOwn(t.Context(), number, to.URL, since)
	require.NoError(t, err)
	require.NotEmpty(t, secret)
	to.await(t, number, head.Seq) // also what came just before
	again, err := service.SetOwn(t.Context(), number, to.URL+"/other", time.Now())
	require.NoError(t, err)
	require.Empty(t, again, "the secret stays and is not told again")
	hook, err := service.Own(t.Context(), number)
	require.NoError(t, err)
	require.Equal(t, to.URL+"/other", hook.URL)
	require.NoError(t, service.Forget(t.Context(), number))
	hook, err = service.Own(t.Context(), number)
	require.NoError(t, err)
	require.Nil(t, hook)
}
