package redislease

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	driver "github.com/redis/go-redis/v9"

	"whatsapp-web-server/supervisor/ownership"
)

// Config says where the registry is, and who joins it.
type Config struct {
	// URL is redis://[user][:password]@host:port[/database], or rediss:// for TLS: a
	// server, or any node of a cluster. With ?master_name=NAME it names a sentinel of
	// that master; &addr=host:port adds others, of a cluster too.
	URL string
	// Prefix begins every key; clusters that share a Redis differ in it. Default
	// "wa:cluster:".
	Prefix string
	// Node tells the others who this is. Session and Since are set with each lease. One
	// of weight 0 gets no accounts.
	Node ownership.Node
	// TTL is how long others wait for a node that is silent. Default 15 s. A tenth of it
	// is the time between beats, so how late others may hear. A fifth, or 3 s if that is
	// less, is how long before the others a node takes its own lease for ended.
	TTL time.Duration
	// Changed is called after the lease was lost or has begun anew, nodes came, went or
	// changed, or accounts became orphans. It may be nil, and must not block: the lease
	// waits for it.
	Changed func()
	// Wall tells the time of day. Default [time.Now].
	Wall func() time.Time
}

const (
	defaultTTL    = 15 * time.Second
	defaultPrefix = "wa:cluster:"
	// maxMargin is how long before the others at most a node takes its lease for
	// ended: it needs that to disconnect.
	maxMargin = 3 * time.Second
	// callTimeout bounds each question to the registry but beats.
	callTimeout = 5 * time.Second
)

// Lease implements [ownership.Owner] over Redis.
type Lease struct {
	config   Config
	registry driver.UniversalClient
	beats    driver.UniversalClient // beats wait for nothing else

	// joining is held while a session begins or its record changes, with both
	// exchanges.
	joining sync.Mutex
	term    atomic.Pointer[term]
	// sessions are those of this process, the present one first. The others are over,
	// whatever the registry still says.
	sessions atomic.Pointer[[]string]
	nodes    atomic.Pointer[[]ownership.Node]
	// changes is how many the registry has told, and known the nodes as of then, by
	// their sessions; only the loop uses them.
	changes string
	known   map[string]ownership.Node

	stop    func()
	done    chan struct{}
	closing sync.Once
}

var _ ownership.Owner = (*Lease)(nil)

// Open joins the registry. It fails if that does not answer, or if this machine's
// clock differs from Redis's by more than 2 s.
func Open(ctx context.Context, config Config) (*Lease, error) {
	config.Prefix = cmp.Or(config.Prefix, defaultPrefix)
	config.TTL = cmp.Or(config.TTL, defaultTTL)
	if config.Wall == nil {
		config.Wall = time.Now
	}
	if w := config.Node.Weight; w < 0 || math.IsNaN(w) || math.IsInf(w, 0) {
		return nil, fmt.Errorf("join the cluster: the node's weight is %g, not a number from 0 on", w)
	}
	l := &Lease{config: config, done: make(chan struct{})}
	l.nodes.Store(new([]ownership.Node))
	if err := l.connect(ctx); err != nil {
		return nil, fmt.Errorf("join the cluster: %w", err)
	}
	if err := l.join(ctx, true); err != nil {
		return nil, errors.Join(fmt.Errorf("join the cluster: %w", err), l.disconnect())
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	go l.run(background)
	return l, nil
}

// margin is what this node's end of the lease is before the others'.
func (l *Lease) margin() time.Duration { return min(l.config.TTL/5, maxMargin) }

// interval is the time between beats.
func (l *Lease) interval() time.Duration { return l.config.TTL / 10 }

func (l *Lease) now() instant {
	return instant{monotonic: time.Now(), wall: l.config.Wall().Round(0)}
}

// Self implements [ownership.Owner].
func (l *Lease) Self() ownership.Node { return *l.term.Load().node.Load() }

// Valid implements [ownership.Owner].
func (l *Lease) Valid(session string) error {
	if t := l.term.Load(); t.session() == session && t.valid() {
		return nil
	}
	return ownership.ErrLost
}

// Nodes implements [ownership.Owner].
func (l *Lease) Nodes() []ownership.Node { return slices.Clone(*l.nodes.Load()) }

// Close implements [ownership.Owner].
func (l *Lease) Close(ctx context.Context) (err error) {
	l.closing.Do(func() { err = l.close(ctx) })
	return err
}

func (l *Lease) close(ctx context.Context) error {
	l.stop()
	<-l.done
	t := l.term.Load()
	if t.over.Swap(true) {
		return l.disconnect()
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := l.ask(ctx, leaveScript, t.session()).Err()
	return errors.Join(unavailable(err), l.disconnect())
}
