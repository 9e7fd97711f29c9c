package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/httpapi"
	"whatsapp-web-server/httpapi/internode"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/supervisor"
	"whatsapp-web-server/supervisor/access"
	"whatsapp-web-server/supervisor/access/redislimit"
	"whatsapp-web-server/supervisor/notice"
	"whatsapp-web-server/supervisor/ownership"
	"whatsapp-web-server/supervisor/ownership/redislease"
)

// surveyPeriod is how often a node looks through all accounts for some that should
// live on it; of nodes that go it hears at once.
const surveyPeriod = 30 * time.Second

// openCluster joins the other nodes, if there may be some.
func (s *Server) openCluster(ctx context.Context, config configs.Config) (err error) {
	if !config.Cluster.Enabled() {
		s.owner = ownership.NewStatic("")
		return nil
	}
	identity, err := identityOf(&config.Cluster)
	if err != nil {
		return err
	}
	schema, err := schemaOf(ctx, s.engine)
	if err != nil {
		return err
	}
	inner, err := new(net.ListenConfig).Listen(ctx, "tcp", config.Cluster.Listen)
	if err != nil {
		return fmt.Errorf("listen for other nodes: %w", err)
	}
	s.nodes, s.client = internode.NewListener(inner, identity, s.log), internode.NewClient(identity)
	s.owner, err = redislease.Open(ctx, redislease.Config{
		URL: config.Cluster.Registry(&config.Redis).Reveal(), TTL: config.Cluster.Lease, Changed: s.ownersChanged,
		Node: ownership.Node{
			Name: config.Cluster.Name(), Address: config.Cluster.Advertised(inner.Addr().String()), Weight: config.Cluster.Weight,
			Version: version(), Schema: schema,
		},
	})
	if err != nil {
		s.owner = nil // not a nil *Lease
		return err
	}
	return s.meetNodes(ctx)
}

// nodesMet is how many others a node asks at its start whether they know it.
const nodesMet = 3

// meetNodes fails if others do not take this one for a node of theirs: it would have
// accounts that nobody else could ask for.
func (s *Server) meetNodes(ctx context.Context) error {
	var meeting errgroup.Group
	met, self := 0, s.owner.Self()
	for _, node := range s.owner.Nodes() {
		if node.Session == self.Session || met == nodesMet {
			continue
		}
		met++
		meeting.Go(func() error {
			if err := s.client.Meet(ctx, node.Address); err != nil {
				return fmt.Errorf("meet node %s of the cluster: %w", node.Name, err)
			}
			return nil
		})
	}
	return meeting.Wait()
}

const (
	// sharedConnections is how many requests may ask at once whether their key has its
	// rate left.
	sharedConnections = 32
	// webhooksReview is how long a change of a webhook may stay unseen, where the node was
	// not told of it.
	webhooksReview = 15 * time.Second
)

// What nodes tell each other of.
const (
	keysChanged     = "keys"
	webhooksChanged = "webhooks"
)

// openOthers has keys count alike on all nodes, if there may be other ones.
func (s *Server) openOthers(ctx context.Context, config configs.Config) (access.Others, error) {
	if !config.Cluster.Enabled() {
		return access.Others{}, nil
	}
	client, err := redislease.Dial(ctx, config.Cluster.Registry(&config.Redis).Reveal(), sharedConnections, time.Second)
	if err != nil {
		return access.Others{}, fmt.Errorf("count what keys use: %w", err)
	}
	s.shared, s.board = client, notice.Open(client, "wa:changes")
	return access.Others{Limiter: redislimit.New(client, "wa:"), Tell: s.tell(keysChanged)}, nil
}

// tell is how other nodes hear of a change; nil if there are none.
func (s *Server) tell(topic string) func() {
	if s.board == nil {
		return nil
	}
	return func() { s.board.Tell(topic) }
}

// hear has changes of other nodes looked at.
func (s *Server) hear(topic string, look func()) {
	if s.board != nil {
		s.board.Hear(topic, look)
	}
}

// review is zero for a node by itself.
func review(config configs.Config) time.Duration {
	if config.Cluster.Enabled() {
		return webhooksReview
	}
	return 0
}

func identityOf(config *configs.Cluster) (*internode.Identity, error) {
	if config.CAFile != "" {
		return internode.FromFiles(config.CAFile, config.CertFile, config.KeyFile)
	}
	return internode.FromSecret(config.Secret.Reveal())
}

// ownersChanged is told by the lease, also before there are accounts.
func (s *Server) ownersChanged() {
	if accounts := s.ready.accounts.Load(); accounts != nil {
		accounts.OwnersChanged()
	}
}

// survey is zero for a node by itself.
func survey(config configs.Config) time.Duration {
	if config.Cluster.Enabled() {
		return surveyPeriod
	}
	return 0
}

// serveNodes answers other nodes, and says if they will not find this one.
func (s *Server) serveNodes(ctx context.Context) error {
	checking, checked := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.client.Reach(checking, s.owner.Self().Address); err != nil && checking.Err() == nil {
			s.log.Error("other nodes will hardly find this one", zap.Error(err))
		}
	}()
	err := s.edge.ServeNodes(s.nodes)
	checked()
	<-done
	return err
}

// leaveNodes answers no other node any more.
func (s *Server) leaveNodes(ctx context.Context) (err error) {
	if s.nodes == nil {
		return nil
	}
	if s.edge != nil {
		err = s.edge.ShutdownNodes(ctx)
	}
	_ = s.nodes.Close() // ends a ServeNodes that began after that
	s.client.Close()
	return err
}

// cluster is what the edge knows of other nodes; nil if there are none.
func (s *Server) cluster() httpapi.Cluster {
	if s.nodes == nil {
		return nil
	}
	return nodes{internode.NewDirectory(s.owner, s.accounts.Lives), s.client, s.engine, s.accounts}
}

// nodes gives the edge the other nodes.
type nodes struct {
	*internode.Directory
	*internode.Client

	engine   persist.Engine
	accounts *supervisor.Supervisor
}

var _ httpapi.Cluster = nodes{}

// Owner implements [httpapi.Cluster].
func (n nodes) Owner(ctx context.Context, account string) (tenant string, exists bool, err error) {
	if tenant, known := n.accounts.Tenant(account); known {
		return tenant, true, nil
	}
	entry, err := persist.AccountIndex.Get(ctx, n.engine, persist.SystemScope(), account)
	if errors.Is(err, persist.ErrNotFound) {
		return "", false, nil
	}
	return entry.Tenant, err == nil, err
}

// Cordon implements [httpapi.Cluster].
func (n nodes) Cordon(ctx context.Context, cordoned bool) error {
	return n.accounts.Cordon(ctx, cordoned, false)
}

// Drain implements [httpapi.Cluster].
func (n nodes) Drain(ctx context.Context) error { return n.accounts.Cordon(ctx, true, true) }
