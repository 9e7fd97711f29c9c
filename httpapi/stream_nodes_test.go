package httpapi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/httpapi/internode"
	"whatsapp-web-server/loadtest/backends"
	"whatsapp-web-server/supervisor/ownership"
)

// press is a cluster whose nodes share the logs of a newsroom.
type press struct {
	t    *testing.T
	all  *register
	logs *newsroom
}

func newPress(t *testing.T, accounts ...string) *press {
	t.Helper()
	return &press{t, newRegister(), newNewsroom(accounts...)}
}

// desk is what a node has of it: its own accounts live, and the logs of all.
type desk struct {
	*office
	*newsroom

	all        *register
	session    string
	feed       *actors.Feed
	everywhere *Everywhere

	mu    sync.Mutex
	known map[string]bool // nil: all
}

func (d *desk) lives(account string) bool {
	d.all.mu.Lock()
	defer d.all.mu.Unlock()
	return d.all.owners[account] == d.session
}

func (d *desk) Tenant(account string) (string, bool) {
	d.all.mu.Lock()
	defer d.all.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	tenant, exists := d.all.tenants[account]
	return tenant, exists && (d.known == nil || d.known[account])
}

func (d *desk) recall(_ context.Context, account string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known != nil {
		d.known[account] = true
	}
	return nil
}

func (d *desk) Numbers() []string {
	return slices.DeleteFunc(d.newsroom.Numbers(), func(account string) bool {
		_, known := d.Tenant(account)
		return !known
	})
}

func (d *desk) Status(ctx context.Context, account string) (actors.Status, error) {
	if !d.lives(account) {
		return actors.Status{}, actors.Refuse(actors.CodeRoutingUnavailable, "elsewhere")
	}
	return d.newsroom.Status(ctx, account)
}

func (d *desk) Subscribe(limits actors.FeedLimits) *actors.Subscription {
	return d.everywhere.Subscribe(limits)
}

// ownEvents are those of the node's own accounts.
type ownEvents struct{ *desk }

func (o ownEvents) Numbers() []string {
	return slices.DeleteFunc(o.desk.Numbers(), func(account string) bool { return !o.lives(account) })
}

func (o ownEvents) Subscribe(limits actors.FeedLimits) *actors.Subscription {
	return o.feed.Subscribe(limits)
}

// outlet is a node of a press.
type outlet struct {
	*station

	desk *desk
	link *backends.Link // by which the others reach it
}

// open adds a node.
func (p *press) open(name string, config Config, changes ...func(*streamLimits)) *outlet {
	p.t.Helper()
	inner, err := new(net.ListenConfig).Listen(p.t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(p.t, err)
	link := backends.StartLink(p.t, inner.Addr().String())
	node := ownership.Node{Session: "session-of-" + name, Name: name, Address: link.Address, Weight: 1}
	d := &desk{office: &office{}, newsroom: p.logs, all: p.all, session: node.Session, feed: actors.NewFeed(), everywhere: NewEverywhere()}
	known := identity(p.t, clusterSecret)
	client := internode.NewClient(known)
	config.Cluster = &member{
		Directory: internode.NewDirectory(leased{register: p.all, self: node}, d.lives), Client: client, register: p.all,
	}
	config.Elsewhere = &Elsewhere{Own: ownEvents{d}, Feed: d.everywhere, Recall: d.recall}
	o := &outlet{broadcastFor(p.t, config, d, d, changes...), d, link}
	served := make(chan error, 1)
	go func() { served <- o.server.ServeNodes(internode.NewListener(inner, known, zap.NewNop())) }()
	p.t.Cleanup(func() {
		client.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = o.server.ShutdownNodes(ctx)
		require.NoError(p.t, <-served)
	})
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	p.all.nodes = append(p.all.nodes, node)
	return o
}

// give has a node own accounts from now on.
func (o *outlet) give(accounts ...string) {
	for _, account := range accounts {
		o.desk.all.own(account, o.desk.session)
	}
}

// publish tells an event on this node.
func (o *outlet) publish(event actors.Event) {
	o.desk.feed.Publish(event)
	o.desk.everywhere.Publish(event)
}

// happens appends an event to the log of an account that lives here, and tells it.
func (o *outlet) happens(account string, kind actors.EventKind) actors.Cursor {
	o.desk.publishing.Lock()
	defer o.desk.publishing.Unlock()
	event := o.desk.append(account, kind)
	o.publish(event)
	return event.Cursor
}

// passes tells what is in no log.
func (o *outlet) passes(account string, kind actors.EventKind, n int) {
	o.publish(actors.Event{Account: account, Kind: kind, At: time.Now(), Data: fmt.Appendf(nil, `{"clientId":%q,"n":%d}`, account, n)})
}

// hears waits until this node is told what happens on another.
func (o *outlet) hears(other *outlet) {
	o.t.Helper()
	account := "of " + other.desk.session // nobody else tells of it
	feed := o.desk.everywhere.Subscribe(actors.FeedLimits{Events: 1 << 20, Bytes: 1 << 30})
	defer feed.Close()
	feed.Follow(account)
	tried, heard := 0, 0
	require.Eventually(o.t, func() bool {
		if heard == 0 {
			tried++
			other.passes(account, actors.EventPresence, tried)
		}
		for event, ok := feed.Next(); ok; event, ok = feed.Next() {
			if event.Kind == actors.EventPresence {
				_, err := fmt.Sscanf(string(event.Data), `{"clientId":"`+account+`","n":%d}`, &heard)
				require.NoError(o.t, err)
			}
		}
		return heard > 0 && heard == tried // nothing of it is still to come
	}, 20*time.Second, 10*time.Millisecond)
}

// until takes frames up to the first of a kind.
func (a *audience) until(kind string) heardFrame {
	a.t.Helper()
	for {
		if heard := a.next(); heard.Event == kind {
			return heard
		}
	}
}

// following expects events of one kind with the numbers from first to last.
func (a *audience) following(kind actors.EventKind, first, last int) {
	a.t.Helper()
	for n := first; n <= last; {
		heard := a.next()
		if heard.Event == string(kind) {
			require.Equal(a.t, n, heard.n())
			n++
		}
	}
}

func TestAClientHearsTheAccountsOfAllNodes(t *testing.T) {
	t.Parallel()
	p := newPress(t, account, remote)
	a, b := p.open("a", Config{}), p.open("b", Config{})
	a.give(account)
	b.give(remote)
	p.logs.change(remote, func(s *source) {
		s.status.Session.State, s.status.QR = actors.StatePairing, &actors.QR{Code: "2@code", ExpiresAt: noon}
	})
	a.hears(b)
	listening := a.tune("")
	listening.expect("subscribed")
	require.Equal(t, remote, listening.expect("connection-state").Data["clientId"])
	require.Equal(t, "2@code", listening.expect("qr").Data["qr"])
	require.Equal(t, account, listening.expect("connection-state").Data["clientId"])
	listening.expect("caught-up")

	first := b.happens(remote, actors.EventMessage)
	heard := listening.expect("message")
	require.Equal(t, first.String(), heard.ID)
	require.Equal(t, noon.Add(time.Second), heard.Time)
	require.Equal(t, map[string]any{"clientId": remote, "n": 1.0}, heard.Data)
	b.passes(remote, actors.EventChatPresence, 7)
	heard = listening.expect("chat-presence")
	require.Empty(t, heard.ID)
	require.Equal(t, 7, heard.n())

	for range 600 {
		b.happens(remote, actors.EventMessage)
	}
	named := a.tune("?accountNumber=" + remote + "&since=" + cursorOf(remote, 1))
	for range 100 {
		b.happens(remote, actors.EventMessage)
	}
	named.following(actors.EventMessage, 2, 701)
	listening.following(actors.EventMessage, 2, 701)
	require.Empty(t, a.logs.FilterMessage("the events of a node are not heard at the moment").All())
}

func TestEventsStayInOrderWhileTheirAccountMoves(t *testing.T) {
	t.Parallel()
	p := newPress(t, remote)
	a, b, c := p.open("a", Config{}), p.open("b", Config{}), p.open("c", Config{})
	b.give(remote)
	a.hears(b)
	a.hears(c)
	c.hears(b)
	b.hears(c)
	var all []*audience
	for _, node := range []*outlet{a, b, c} {
		all = append(all, node.tune(""), node.tune("?accountNumber="+remote))
	}
	for _, listening := range all {
		listening.settle()
	}
	const moves, each = 60, 7
	owner, other := b, c
	for range moves {
		for range each {
			owner.happens(remote, actors.EventMessage)
		}
		owner, other = other, owner
		owner.give(remote)
	}
	for _, listening := range all {
		listening.following(actors.EventMessage, 1, moves*each)
	}
	// Nothing of it comes again.
	last := owner.happens(remote, actors.EventReady)
	for _, listening := range all {
		require.Equal(t, last.String(), listening.expect("ready").ID)
	}
}

func TestWhatWasMissedWhileALinkWasCutIsReadFromTheLog(t *testing.T) {
	t.Parallel()
	p := newPress(t, remote)
	a, b := p.open("a", Config{}), p.open("b", Config{})
	b.give(remote)
	a.hears(b)
	listening := a.tune("")
	listening.settle()
	b.happens(remote, actors.EventMessage)
	listening.following(actors.EventMessage, 1, 1)
	b.link.Cut()
	for range 5 {
		b.happens(remote, actors.EventMessage)
	}
	listening.following(actors.EventMessage, 2, 6) // nobody else has told of them
	p.logs.change(remote, func(s *source) { s.status.QR = &actors.QR{Code: "2@new", ExpiresAt: noon} })
	b.link.Mend()
	require.Equal(t, "2@new", listening.until("qr").Data["qr"], "it is in no log, and still showing")
	a.hears(b)
	b.happens(remote, actors.EventMessage)
	listening.following(actors.EventMessage, 7, 7)
	require.NotEmpty(t, a.logs.FilterMessage("the events of a node are not heard at the moment").All())
}

func TestANodeThatIsHeardAtLastTellsHowFarItsLogsAre(t *testing.T) {
	t.Parallel()
	p := newPress(t, account, remote)
	a, b := p.open("a", Config{}), p.open("b", Config{})
	b.link.Cut()
	b.give(account, remote)
	p.logs.change(account, func(s *source) { s.err = actors.ErrBusy })
	p.logs.change(remote, func(s *source) { s.status.QR = &actors.QR{Code: "2@code", ExpiresAt: noon} })
	named, everyone, again := a.tune("?accountNumber="+account), a.tune("?events=qr"), a.tune("")
	named.expect("subscribed", "caught-up")
	everyone.expect("subscribed", "caught-up")
	again.expect("subscribed", "caught-up")
	b.happens(account, actors.EventMessage)
	b.link.Mend()
	require.Equal(t, 1, named.expect("message").n())
	require.Equal(t, "2@code", everyone.until("qr").Data["qr"])
	b.happens(account, actors.EventMessage)
	require.Equal(t, 2, named.expect("message").n())
	again.following(actors.EventMessage, 1, 2)
}

func TestANodeThatSaysNothingIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	quick := func(l *streamLimits) { l.nodeBeat = 200 * time.Millisecond }
	p := newPress(t, remote)
	a, b := p.open("a", Config{}, quick), p.open("b", Config{}, quick)
	b.give(remote)
	a.hears(b)
	listening := a.tune("?accountNumber=" + remote)
	listening.settle()
	b.link.Stall()
	for range 5 {
		b.happens(remote, actors.EventMessage)
	}
	listening.following(actors.EventMessage, 1, 5)
	b.link.Mend()
	a.hears(b)
	b.happens(remote, actors.EventMessage)
	listening.following(actors.EventMessage, 6, 6)
}

func TestANodeThatIsTooSlowBeginsAnewAndMissesNothing(t *testing.T) {
	t.Parallel()
	p := newPress(t, remote)
	narrow := func(l *streamLimits) { l.nodeWaiting = actors.FeedLimits{Events: 1, Bytes: 1} }
	a, b := p.open("a", Config{}), p.open("b", Config{}, narrow)
	b.give(remote)
	a.hears(b)
	listening := a.tune("?accountNumber=" + remote)
	listening.settle()
	for range 500 {
		b.happens(remote, actors.EventMessage)
	}
	listening.following(actors.EventMessage, 1, 500)
	_, slow := b.desk.feed.Listeners()
	require.NotZero(t, slow)
}

func TestANodeThatHasLostAnAccountIsNotBelieved(t *testing.T) {
	t.Parallel()
	p := newPress(t, remote)
	a, b, c := p.open("a", Config{}), p.open("b", Config{}), p.open("c", Config{})
	b.give(remote)
	a.hears(b)
	a.hears(c)
	listening := a.tune("?accountNumber=" + remote)
	listening.settle()
	b.happens(remote, actors.EventMessage)
	listening.expect("message")
	c.give(remote)
	c.happens(remote, actors.EventReady)
	listening.expect("ready")
	b.passes(remote, actors.EventConnectionState, 1)
	b.passes(remote, actors.EventChatPresence, 2)
	a.hears(b) // and so has had the others
	c.passes(remote, actors.EventChatPresence, 3)
	require.Equal(t, 3, listening.expect("chat-presence").n())
	b.give(remote)
	b.happens(remote, actors.EventReady)
	listening.expect("ready")
	b.passes(remote, actors.EventChatPresence, 4)
	require.Equal(t, 4, listening.expect("chat-presence").n())
}

func TestAnAccountThatIsNewOnAnotherNodeIsHeardByItsTenant(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	p := newPress(t, remote, second)
	a, b := p.open("a", Config{APIKey: key, Keys: store}), p.open("b", Config{})
	b.give(second)
	a.hears(b)
	a.desk.known = map[string]bool{}
	token, _ := (&bureau{a.edge, store}).make(key, `{"tenant":"acme","name":"CRM","rights":["read"]}`)
	everyone := a.tune("", "Authorization", "Bearer "+token)
	everyone.settle()
	p.all.mu.Lock()
	p.all.tenants[remote] = "acme"
	p.all.mu.Unlock()
	b.give(remote)
	b.happens(second, actors.EventMessage)
	b.happens(remote, actors.EventMessage)
	heard := everyone.expect("message")
	require.Equal(t, remote, heard.Data["clientId"])
	require.Equal(t, 1, heard.n())

	a.desk.mu.Lock()
	a.desk.known = map[string]bool{}
	a.desk.mu.Unlock()
	named := a.tune("?accountNumber="+remote+"&since="+cursorOf(remote, 0), "Authorization", "Bearer "+token)
	named.expect("subscribed", "connection-state")
	require.Equal(t, 1, named.expect("message").n())
}

func TestWhatNodesTellEachOtherIsForNodesAlone(t *testing.T) {
	t.Parallel()
	p := newPress(t, account)
	a := p.open("a", Config{APIKey: key})
	a.give(account)
	for _, path := range []string{eventsPath, statesPath + "?accounts=" + account} {
		a.ask(http.MethodGet, path, "", "Authorization", "Bearer "+key).refused(t, actors.CodeNotFound)
		_, answer, err := a.dial("ws://"+a.address+path, "Authorization", "Bearer "+key)
		require.Error(t, err)
		require.Equal(t, http.StatusNotFound, answer.StatusCode)
	}
}
