package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/httpapi/internode"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/supervisor"
	"whatsapp-web-server/supervisor/access"
	"whatsapp-web-server/supervisor/ownership"
)

const clusterSecret = "0123456789abcdef0123456789abcdef"

// register is who owns what, as all nodes have it.
type register struct {
	mu      sync.Mutex
	nodes   []ownership.Node
	owners  map[string]string // account → session
	tenants map[string]string
	asked   int
	away    bool
}

func newRegister() *register {
	return &register{owners: make(map[string]string), tenants: make(map[string]string)}
}

func (r *register) own(account, session string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owners[account] = session
	if _, known := r.tenants[account]; !known {
		r.tenants[account] = ""
	}
}

func (r *register) locate(account string) (ownership.Node, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if r.away {
		return ownership.Node{}, false, ownership.ErrUnavailable
	}
	i := slices.IndexFunc(r.nodes, func(node ownership.Node) bool { return node.Session == r.owners[account] })
	if i < 0 {
		return ownership.Node{}, false, nil
	}
	return r.nodes[i], true, nil
}

// leased is a node's part in the register.
type leased struct {
	ownership.Owner

	*register
	self ownership.Node
}

func (l leased) Self() ownership.Node { return l.self }

func (l leased) Nodes() []ownership.Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.nodes)
}

func (l leased) Locate(_ context.Context, account string) (ownership.Node, bool, error) {
	return l.locate(account)
}

// member is what the edge of a node knows of the others.
type member struct {
	*internode.Directory
	*internode.Client

	*register
	cordoned, drained atomic.Bool
}

func (m *member) Owner(_ context.Context, account string) (string, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	tenant, exists := m.tenants[account]
	return tenant, exists, nil
}

func (m *member) Cordon(_ context.Context, cordoned bool) error {
	m.cordoned.Store(cordoned)
	return nil
}

func (m *member) Drain(context.Context) error {
	m.drained.Store(true)
	return nil
}

// branch is a node of a cluster: an edge, whose accounts are those that the register
// says it owns.
type branch struct {
	*edge
	*office
	node     ownership.Node
	member   *member
	observed *counted
	stop     func()
}

// resident gives an office those accounts that its node owns.
type resident struct {
	*office
	*register
	session string
}

func (r resident) lives(account string) bool {
	r.register.mu.Lock()
	defer r.register.mu.Unlock()
	return r.owners[account] == r.session
}

func (r resident) Tenant(account string) (string, bool) {
	r.register.mu.Lock()
	defer r.register.mu.Unlock()
	return r.tenants[account], r.owners[account] == r.session
}

// counted counts the requests of each operation.
type counted struct {
	unobserved
	mu    sync.Mutex
	names []string
}

func (c *counted) Answered(operation string, _ int, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names = append(c.names, operation)
}

func (c *counted) times(operation string) (times int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.names {
		if name == operation {
			times++
		}
	}
	return times
}

func identity(t testing.TB, secret string) *internode.Identity {
	t.Helper()
	made, err := internode.FromSecret(secret)
	require.NoError(t, err)
	return made
}

// join adds a node to the register, with an edge that is asked by its administrator.
func join(t *testing.T, all *register, name string, config Config, asked *office) *branch {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	b, server := found(t, all, name, config, asked, zap.New(core))
	b.edge = serveEdge(t, server, logs)
	return b
}

// found adds a node to the register whose edge is asked by other nodes alone.
func found(t testing.TB, all *register, name string, config Config, asked *office, log *zap.Logger) (*branch, *Server) {
	t.Helper()
	known := identity(t, clusterSecret)
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	node := ownership.Node{Session: "session-of-" + name, Name: name, Address: inner.Addr().String(), Weight: 1, Since: noon}
	all.mu.Lock()
	all.nodes = append(all.nodes, node)
	all.mu.Unlock()
	here := resident{asked, all, node.Session}
	m := &member{
		Directory: internode.NewDirectory(leased{register: all, self: node}, here.lives), Client: internode.NewClient(known), register: all,
	}
	observed := &counted{}
	config.Cluster, config.Observer = m, observed
	server := New(config, here, newNewsroom(account), log)
	served := make(chan error, 1)
	go func() { served <- server.ServeNodes(internode.NewListener(inner, known, log)) }()
	stop := sync.OnceFunc(func() {
		m.Client.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.ShutdownNodes(ctx)
		require.NoError(t, <-served)
	})
	t.Cleanup(stop)
	return &branch{office: asked, node: node, member: m, observed: observed, stop: stop}, server
}

const (
	remote = "31600000002"
	second = "31600000003"
)

// pair is two nodes, of which b has the account remote.
func pair(t *testing.T, config Config) (all *register, a, b *branch) {
	t.Helper()
	all = newRegister()
	a = join(t, all, "a", config, &office{status: ready(), sent: actors.Sent{MessageID: "A", Status: "sent", Timestamp: noon}})
	b = join(t, all, "b", config, &office{status: ready(), stopped: actors.Stopped{Status: ready()}, sent: actors.Sent{MessageID: "B", Status: "sent", Timestamp: noon}})
	all.own(account, a.node.Session)
	all.own(remote, b.node.Session)
	return all, a, b
}

func textTo(number string) string {
	return fmt.Sprintf(`{"accountNumber":%q,"chatId":"1234567890@c.us","message":{"text":"hello"}}`, number)
}

func TestARequestIsAnsweredByTheNodeOfItsAccount(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, Config{})
	for _, spelled := range []string{remote, "%2B" + remote} {
		a.ask(http.MethodGet, "/api/clients/"+spelled+"/status", "", "X-Request-ID", "one").granted(t, http.StatusOK)
	}
	require.Len(t, b.questions(), 4)
	sent := a.ask(http.MethodPost, "/api/messages/send?wait=1", textTo(remote), "Idempotency-Key", "k")
	require.Equal(t, "B", sent.granted(t, http.StatusCreated)["id"])
	require.Equal(t, remote, b.questions()[4])
	require.Equal(t, "k", b.questions()[5].(actors.Send).Key)
	require.Equal(t, time.Second, b.questions()[5].(actors.Send).Wait)
	require.Empty(t, a.questions())

	refused := a.ask(http.MethodPost, "/api/messages/send", strings.Replace(textTo(remote), "text", "nothing", 1)).refused(t, actors.CodeInvalidRequest)
	require.Equal(t, "message.nothing", refused.Details.Field)
	require.Equal(t, "A", a.ask(http.MethodPost, "/api/messages/send", textTo(account)).granted(t, http.StatusCreated)["id"])
	a.ask(http.MethodGet, "/api/clients/31699999999/status", "").refused(t, actors.CodeAccountNotFound)
	a.ask(http.MethodGet, "/api/clients/nobody/status", "").refused(t, actors.CodeInvalidRequest)
	a.ask(http.MethodGet, "/api/contacts?accountNumber="+remote, "").granted(t, http.StatusOK)
}

func TestWhatIsCountedIsCountedOnce(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	_, a, b := pair(t, Config{APIKey: key, Keys: store})
	bureau := &bureau{a.edge, store}
	token, _ := bureau.make(key, `{"name":"CRM","rights":["read","manage"],"rateLimit":{"perSecond":1,"burst":1000}}`)
	var left string
	for range 20 {
		answer := bureau.by(token, http.MethodGet, "/api/clients/"+remote+"/status", "")
		answer.granted(t, http.StatusOK)
		left = answer.Header.Get("Ratelimit-Remaining")
	}
	remaining, err := strconv.Atoi(left)
	require.NoError(t, err)
	require.InDelta(t, 980, remaining, 15, "one is given back each second")
	bureau.by(token, http.MethodDelete, "/api/clients/"+remote+"/disconnect", "").granted(t, http.StatusOK)
	audit := bureau.by(key, http.MethodGet, "/api/audit", "").granted(t, http.StatusOK)["entries"].([]any)
	require.Len(t, audit, 2, "the key, and the disconnect")
	require.Subset(t, audit[0], map[string]any{"target": remote, "address": "127.0.0.1"})
	require.Len(t, b.questions(), 42)
	require.Equal(t, []int{20, 1}, []int{a.observed.times("getClient"), a.observed.times("disconnectClient")})
	require.Zero(t, b.observed.times("getClient")+b.observed.times("disconnectClient"))
}

func TestTheNodeOfAnAccountHearsWhoAsks(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	all, a, b := pair(t, Config{APIKey: key, Keys: store})
	all.tenants[second] = "acme"
	all.own(second, b.node.Session)
	bureau := &bureau{a.edge, store}
	token, id := bureau.make(key, `{"tenant":"acme","name":"CRM","rights":["read","send"],"accounts":["316*","49*"]}`)
	status := func(number string) response {
		return bureau.by(token, http.MethodGet, "/api/clients/"+number+"/status", "")
	}
	status(remote).refused(t, actors.CodeAccountNotFound)
	status(second).granted(t, http.StatusOK)
	bureau.by(token, http.MethodPost, "/api/messages/send", textTo(second)).granted(t, http.StatusCreated)
	questions := b.questions()
	require.Equal(t, id, questions[len(questions)-1].(actors.Send).Principal)
	bureau.by(token, http.MethodDelete, "/api/clients/"+second, "").refused(t, actors.CodeForbidden)

	all.own(remote, "gone")
	all.own(second, "gone")
	a.member.Forget(remote)
	a.member.Forget(second)
	require.NotEmpty(t, status(second).refused(t, actors.CodeRoutingUnavailable).Message)
	status(remote).refused(t, actors.CodeAccountNotFound)
	require.Empty(t, a.questions())
}

// largeForm is a form with a file of so many bytes, whose account stands before or after it.
func largeForm(t *testing.T, number string, size int64, accountFirst bool) (body io.Reader, contentType string) {
	t.Helper()
	head, tail := &bytes.Buffer{}, &bytes.Buffer{}
	writer := multipart.NewWriter(head)
	account := func() { require.NoError(t, writer.WriteField("accountNumber", number)) }
	if accountFirst {
		account()
	}
	require.NoError(t, writer.WriteField("chatId", "1234567890@c.us"))
	require.NoError(t, writer.WriteField("message", `{"document":{"file":"file","fileName":"a.bin"}}`))
	_, err := writer.CreateFormFile("file", "a.bin")
	require.NoError(t, err)
	begun := head.Len()
	if !accountFirst {
		account()
	}
	require.NoError(t, writer.Close())
	tail.Write(head.Bytes()[begun:])
	head.Truncate(begun)
	return io.MultiReader(head, io.LimitReader(zeros{}, size), tail), writer.FormDataContentType()
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}

func TestAFileIsPassedOnAsItComes(t *testing.T) {
	_, a, b := pair(t, Config{})
	const size = 20 << 20
	for _, accountFirst := range []bool{true, false} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		body, contentType := largeForm(t, remote, size, accountFirst)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.address+"/api/messages/send", body)
		require.NoError(t, err)
		request.Header.Set("Content-Type", contentType)
		answer, err := a.unheld().client.Do(request) // which does not keep the body
		require.NoError(t, err)
		content, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		runtime.ReadMemStats(&after)
		require.Equal(t, http.StatusCreated, answer.StatusCode, "%s", content)
		questions := b.questions()
		require.EqualValues(t, size, questions[len(questions)-1].(actors.Send).Draft.(actors.File).Content.Size)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/2))
	}
	require.Empty(t, a.questions())
}

func TestWhoDoesNotHaveTheAccountSaysSoAndTheOneWhoHasItIsFound(t *testing.T) {
	t.Parallel()
	all, a, b := pair(t, Config{})
	c := join(t, all, "c", Config{}, &office{status: ready(), sent: actors.Sent{MessageID: "C", Status: "sent", Timestamp: noon}})
	status := func() response { return a.ask(http.MethodGet, "/api/clients/"+remote+"/status", "") }
	status().granted(t, http.StatusOK)
	all.own(remote, c.node.Session)
	require.Equal(t, "C", a.ask(http.MethodPost, "/api/messages/send", textTo(remote)).granted(t, http.StatusCreated)["id"])
	require.Len(t, b.questions(), 2, "before it moved")

	all.own(remote, a.node.Session)
	require.Equal(t, "A", a.ask(http.MethodPost, "/api/messages/send", textTo(remote)).granted(t, http.StatusCreated)["id"])
}

func TestTwoNodesThatTakeEachOtherForTheOwnerDoNotPassARequestRound(t *testing.T) {
	t.Parallel()
	all, a, b := pair(t, Config{})
	const third = "31600000009"
	elsewhere := ownership.Node{Session: "else", Name: "else", Address: b.node.Address}
	all.mu.Lock()
	all.nodes = append(all.nodes, elsewhere)
	all.mu.Unlock()
	all.own(third, elsewhere.Session) // has the address of b, and is not b
	answer := a.ask(http.MethodPost, "/api/messages/send", textTo(third))
	answer.refused(t, actors.CodeRoutingUnavailable)
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
	require.Empty(t, b.questions())
	require.LessOrEqual(t, all.asked, 4)
}

func TestANodeThatTakesNoConnectionWasAskedNothing(t *testing.T) {
	t.Parallel()
	all, a, b := pair(t, Config{})
	a.ask(http.MethodPost, "/api/messages/send", textTo(remote)).granted(t, http.StatusCreated)
	b.stop()
	a.member.Client.Close()
	a.ask(http.MethodPost, "/api/messages/send", textTo(remote)).refused(t, actors.CodeRoutingUnavailable)
	all.own(remote, a.node.Session)
	a.ask(http.MethodPost, "/api/messages/send", textTo(remote)).granted(t, http.StatusCreated)
}

// dying is a node that reads a request and ends, and counts how often it was asked.
func dying(t *testing.T, all *register, secret string) (address string, requests *atomic.Int32) {
	t.Helper()
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	listener, requests := internode.NewListener(inner, identity(t, secret), zap.NewNop()), &atomic.Int32{}
	t.Cleanup(func() { _ = inner.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if n, _ := conn.Read(make([]byte, 4096)); n > 0 {
					requests.Add(1)
				}
			}()
		}
	}()
	all.mu.Lock()
	defer all.mu.Unlock()
	all.nodes = append(all.nodes, ownership.Node{Session: "dying", Name: "dying", Address: inner.Addr().String()})
	return inner.Addr().String(), requests
}

func TestWhatANodeWasAskedWhenItDiedHasAnUnknownOutcomeAndIsAskedOnce(t *testing.T) {
	t.Parallel()
	all, a, _ := pair(t, Config{})
	_, requests := dying(t, all, clusterSecret)
	all.own(second, "dying")
	a.ask(http.MethodPost, "/api/messages/send", textTo(second), "Idempotency-Key", "k").refused(t, actors.CodeOutcomeUnknown)
	require.EqualValues(t, 1, requests.Load())
	a.ask(http.MethodDelete, "/api/status/"+second+"/3EB0", "", "Idempotency-Key", "k").refused(t, actors.CodeOutcomeUnknown)
	require.EqualValues(t, 2, requests.Load())
	a.ask(http.MethodGet, "/api/clients/"+second+"/status", "").refused(t, actors.CodeRoutingUnavailable)
}

func TestTheDeadlineIsPassedOn(t *testing.T) {
	t.Parallel()
	all := newRegister()
	a := join(t, all, "a", Config{RequestTimeout: time.Second}, &office{})
	b := join(t, all, "b", Config{RequestTimeout: time.Hour}, &office{hang: true})
	all.own(remote, b.node.Session)
	a.ask(http.MethodGet, "/api/clients/"+remote+"/status", "").refused(t, actors.CodeUpstreamTimeout)
	require.Len(t, b.questions(), 2)
}

func TestNobodyButANodeIsBelieved(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, Config{APIKey: key})
	told := introduce(&call{principal: access.Administrator("me")}, b.node, remote, time.Minute)
	a.ask(http.MethodGet, "/api/clients/"+account+"/status", "", headerPassedOn, told).refused(t, codeUnauthorized)
	a.ask(http.MethodGet, sharePath, "", "Authorization", "Bearer "+key).refused(t, actors.CodeNotFound)

	plain, err := new(http.Client).Get("http://" + b.node.Address + "/api/clients/" + remote + "/status")
	require.NoError(t, err)
	defer plain.Body.Close()
	require.Equal(t, http.StatusBadRequest, plain.StatusCode)
	said, err := io.ReadAll(plain.Body)
	require.NoError(t, err)
	require.Equal(t, "This port is for the nodes of the cluster, over TLS.\n", string(said))

	const wrong = "another secret of at least 32 characters"
	foreign := internode.NewClient(identity(t, wrong))
	defer foreign.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+b.node.Address+"/api/clients/"+remote+"/status", http.NoBody)
	require.NoError(t, err)
	request.Header.Set(headerPassedOn, told)
	_, err = foreign.Do(request)
	var unsent *internode.UnsentError
	require.ErrorAs(t, err, &unsent)
	require.ErrorContains(t, err, "not known as a node of this cluster: it has another CLUSTER_SECRET, or is no node")
	require.Eventually(t, func() bool {
		return b.logs.FilterMessage("a node did not know this one: it has another CLUSTER_SECRET, or is no node").Len() == 1
	}, 10*time.Second, time.Millisecond)
	require.Equal(t, 1, b.logs.FilterMessage("somebody without TLS came to the port of nodes").Len())
	require.Empty(t, b.questions())
	for _, entry := range b.logs.All() {
		require.NotContains(t, fmt.Sprint(entry), clusterSecret)
		require.NotContains(t, fmt.Sprint(entry), wrong)
	}
}

func TestANodeWithAnotherSecretIsNotAsked(t *testing.T) {
	t.Parallel()
	all, a, _ := pair(t, Config{})
	_, requests := dying(t, all, "another secret of at least 32 characters")
	all.own(second, "dying")
	a.ask(http.MethodPost, "/api/messages/send", textTo(second)).refused(t, actors.CodeRoutingUnavailable)
	require.Zero(t, requests.Load())
	require.Contains(t, fmt.Sprint(a.logs.FilterMessage("request failed").All()[0].ContextMap()), "CLUSTER_SECRET")
}

func TestAListHasTheAccountsOfAllNodesAndNamesThoseThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	all, a, b := pair(t, Config{})
	one, two, three := ready(), ready(), ready()
	one.Account, two.Account, three.Account = "31600000001", "31600000002", "31600000003"
	a.page, b.page = ListPage{[]actors.Status{two}, 1}, ListPage{[]actors.Status{one, three}, 2}
	numbers := func(path string) (found []string, whole map[string]any) {
		whole = a.ask(http.MethodGet, path, "").granted(t, http.StatusOK)
		for _, client := range whole["clients"].([]any) {
			found = append(found, client.(map[string]any)["clientId"].(string))
		}
		return found, whole
	}
	found, whole := numbers("/api/clients/status?state=ready")
	require.Equal(t, []string{"31600000001", "31600000002", "31600000003"}, found)
	require.NotContains(t, whole, "partial")
	require.EqualValues(t, 3, whole["pagination"].(map[string]any)["total"])
	require.Equal(t, ListQuery{Limit: 50, State: "ready"}, b.questions()[1])
	found, whole = numbers("/api/clients/status?limit=1&offset=1")
	require.Equal(t, []string{"31600000002"}, found)
	require.Equal(t, true, whole["pagination"].(map[string]any)["hasMore"])

	dying(t, all, clusterSecret)
	found, whole = numbers("/api/clients/status")
	require.Len(t, found, 3)
	require.Equal(t, []any{"dying"}, whole["partial"])

	state := a.ask(http.MethodGet, "/api/cluster", "").granted(t, http.StatusOK)
	require.Equal(t, []any{"dying"}, state["partial"])
	nodes := state["nodes"].([]any)
	require.Subset(t, nodes[0], map[string]any{"name": "a", "self": true, "accounts": 1.0, "session": a.node.Session})
	require.Subset(t, nodes[1], map[string]any{"name": "b", "self": false, "accounts": 2.0})
	require.Subset(t, nodes[2], map[string]any{"name": "dying", "accounts": nil})
}

func TestANodeIsCordonedAndDrainedThroughAnyOther(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, Config{})
	a.ask(http.MethodPost, "/api/cluster/nodes/b/cordon", "").granted(t, http.StatusOK)
	require.True(t, b.member.cordoned.Load())
	a.ask(http.MethodPost, "/api/cluster/nodes/"+b.node.Session+"/uncordon", "").granted(t, http.StatusOK)
	require.False(t, b.member.cordoned.Load())
	a.ask(http.MethodPost, "/api/cluster/nodes/b/drain", "").granted(t, http.StatusOK)
	a.ask(http.MethodPost, "/api/cluster/nodes/a/drain", "").granted(t, http.StatusOK)
	require.True(t, b.member.drained.Load() && a.member.drained.Load())
	a.ask(http.MethodPost, "/api/cluster/nodes/c/drain", "").refused(t, actors.CodeNotFound)
}

func TestAnAccountIsCreatedWhereItBelongs(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, Config{})
	homes := map[string]int{}
	for i := range 20 {
		number := fmt.Sprint(49300000000 + i)
		a.ask(http.MethodPost, "/api/clients/initialize", `{"deviceName":"x","accountNumber":"`+number+`"}`).granted(t, http.StatusOK)
		home, _ := ownership.Place(a.member.Nodes(), number)
		homes[home.Name]++
	}
	require.Len(t, a.questions(), 2*homes["a"])
	require.Len(t, b.questions(), 2*homes["b"])
	require.NotZero(t, homes["a"]*homes["b"])
}

func TestABatchGoesToTheNodesOfItsAccounts(t *testing.T) {
	t.Parallel()
	all, a, b := pair(t, Config{})
	_, _ = dying(t, all, clusterSecret)
	all.own(second, "dying")
	body := `{"messages":[` + textTo(account) + `,` + strings.Replace(textTo(remote), "{", `{"idempotencyKey":"k",`, 1) + `,` + textTo(second) + `,` + textTo("31699999999") + `]}`
	reply := a.ask(http.MethodPost, "/api/messages/batch", body).granted(t, http.StatusOK)
	require.EqualValues(t, 2, reply["accepted"])
	results := reply["results"].([]any)
	require.Equal(t, "A", results[0].(map[string]any)["data"].(map[string]any)["id"])
	require.Equal(t, "B", results[1].(map[string]any)["data"].(map[string]any)["id"])
	require.Equal(t, "outcome_unknown", results[2].(map[string]any)["error"].(map[string]any)["code"])
	require.Equal(t, "account_not_found", results[3].(map[string]any)["error"].(map[string]any)["code"])
	single := b.questions()[1].(actors.Send)
	require.Equal(t, "k", single.Key)
	require.Equal(t, actors.LaneBulk, single.Delivery.Lane)
	a.ask(http.MethodPost, "/api/messages/send?wait=0", strings.Replace(textTo(remote), "{", `{"lane":"bulk",`, 1)).granted(t, http.StatusCreated)
	require.Equal(t, single.RequestHash, b.questions()[3].(actors.Send).RequestHash)
}

// What sockets and assistants ask for has no HTTP of its own.
func TestAnOperationWithoutHTTPIsAnsweredByTheNodeOfItsAccount(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, Config{})
	asked := &call{id: "one", principal: access.Administrator("me"), log: zap.NewNop()}
	run := func(operation string, arguments map[string]json.RawMessage) Outcome {
		return a.server.Run(asked.within(t.Context()), operation, arguments)
	}
	outcome := run("getClient", map[string]json.RawMessage{"accountNumber": json.RawMessage(`"+31 600000002"`)})
	require.Equal(t, http.StatusOK, outcome.Status)
	require.Contains(t, string(outcome.Body), `"success":true`)
	require.Equal(t, []any{remote, actors.GetStatus{}}, b.questions())

	arguments := map[string]json.RawMessage{"wait": json.RawMessage("3"), "idempotencyKey": json.RawMessage(`"k"`)}
	require.NoError(t, json.Unmarshal([]byte(textTo(remote)), &arguments))
	require.Equal(t, http.StatusCreated, run("sendMessage", arguments).Status)
	sent := b.questions()[3].(actors.Send)
	require.Equal(t, "k", sent.Key)
	require.Equal(t, 3*time.Second, sent.Wait)
	require.Equal(t, "me", sent.Principal)
	require.Empty(t, a.questions())
	require.Equal(t, []int{1, 1}, []int{a.observed.times("getClient"), a.observed.times("sendMessage")})
}

func TestADownloadIsPassedOnAsItComes(t *testing.T) {
	const size = 20 << 20
	file, err := media.Store(io.LimitReader(zeros{}, size), size)
	require.NoError(t, err)
	_, a, b := pair(t, Config{})
	b.performed = file
	b.messages.Messages = []supervisor.Message{{Record: persist.Message{Status: "received"}, Media: &persist.Media{MIMEType: "image/png", DirectPath: "/v/1"}}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.address+"/api/messages/"+remote+"/1234567890@c.us/3EB0/media", http.NoBody)
	require.NoError(t, err)
	request.Header.Set("Range", "bytes=1-")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	answer, err := a.unheld().client.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.Equal(t, http.StatusPartialContent, answer.StatusCode)
	require.EqualValues(t, size-1, n)
	require.Equal(t, fmt.Sprintf("bytes 1-%d/%d", size-1, size), answer.Header.Get("Content-Range"))
	require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/2))
}

func TestWithoutTheRegistryTheLastKnownOwnerIsAsked(t *testing.T) {
	t.Parallel()
	all, a, _ := pair(t, Config{})
	status := func() response { return a.ask(http.MethodGet, "/api/clients/"+remote+"/status", "") }
	status().granted(t, http.StatusOK)
	all.mu.Lock()
	all.away = true
	all.mu.Unlock()
	status().granted(t, http.StatusOK)
	a.member.Forget(remote)
	status().refused(t, actors.CodeRoutingUnavailable)
}

// enter opens a socket with a ticket.
func (b *branch) enter(ticket string) (status int) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	socket, answer, err := websocket.Dial(ctx, "ws://"+b.address+"/ws?ticket="+ticket, nil)
	if err == nil {
		b.t.Cleanup(func() { _ = socket.CloseNow() })
	}
	require.NotNil(b.t, answer, err)
	return answer.StatusCode
}

func TestATicketOpensOneSocketOnAnyNode(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	_, a, b := pair(t, Config{APIKey: key, Keys: store})
	bureau := &bureau{a.edge, store}
	token, id := bureau.make(key, `{"name":"page","rights":["read"]}`)
	ticket := func(by string) string {
		return bureau.by(by, http.MethodPost, "/api/ws-tickets", "").granted(t, http.StatusCreated)["ticket"].(string)
	}
	for _, by := range []string{key, token} {
		for name, order := range map[string][]*branch{"elsewhere": {b, a}, "twice elsewhere": {b, b}, "here": {a, b}} {
			text := ticket(by)
			require.Equal(t, http.StatusSwitchingProtocols, order[0].enter(text), name)
			require.Equal(t, http.StatusUnauthorized, order[1].enter(text), name)
		}
	}
	late := ticket(token)
	require.NoError(t, store.Revoke(t.Context(), access.Administrator("test"), id))
	require.Equal(t, http.StatusUnauthorized, b.enter(late), "its key is over")
	for _, wrong := range []string{a.node.Session + ".made-up", "session-of-nobody.made-up", a.node.Session + "."} {
		require.Equal(t, http.StatusUnauthorized, b.enter(wrong), wrong)
	}
	for _, base := range []*branch{a, b} {
		base.ask(http.MethodPost, ticketPath, "", "Authorization", "Bearer "+key, headerTicket, "x").refused(t, actors.CodeNotFound)
	}

	lost := ticket(key)
	a.stop()
	require.Equal(t, http.StatusServiceUnavailable, b.enter(lost), "nobody knows")
}

func TestATicketIsUsedOnceThoughAllNodesAreAskedAtOnce(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t, Config{})
	text := a.ask(http.MethodPost, "/api/ws-tickets", "").granted(t, http.StatusCreated)["ticket"].(string)
	var opened atomic.Int64
	var entering sync.WaitGroup
	for i := range 8 {
		entering.Go(func() {
			if []*branch{a, b}[i%2].enter(text) == http.StatusSwitchingProtocols {
				opened.Add(1)
			}
		})
	}
	entering.Wait()
	require.Equal(t, int64(1), opened.Load())
}
