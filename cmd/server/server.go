package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	driver "github.com/redis/go-redis/v9"
	"go.mau.fi/whatsmeow/store"
	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/fetch"
	"whatsapp-web-server/actors/media"
	"whatsapp-web-server/actors/sink"
	"whatsapp-web-server/actors/webhook"
	"whatsapp-web-server/configs"
	"whatsapp-web-server/httpapi"
	"whatsapp-web-server/httpapi/admin"
	"whatsapp-web-server/httpapi/internode"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
	"whatsapp-web-server/supervisor"
	"whatsapp-web-server/supervisor/access"
	"whatsapp-web-server/supervisor/notice"
	"whatsapp-web-server/supervisor/ownership"
)

const (
	// drainTimeout is how long stopping may take: under the 30 s after which
	// container platforms kill.
	drainTimeout = 25 * time.Second
	// streamsTimeout is the part of it that is kept for clients of streams to leave.
	streamsTimeout = 3 * time.Second
)

// Server is the whole process, put together. End-to-end tests boot this same
// thing.
type Server struct {
	log         *zap.Logger
	metrics     *admin.Metrics
	ready       readiness
	observatory *observatory // nil if nobody may look
	engine      persist.Engine
	committer   *journal.Committer
	keys        *access.Store
	network     *actors.Network
	history     *actors.HistoryBudget
	budget      *actors.ConnectBudget
	runtime     *actors.Runtime
	feed        *actors.Feed        // of this node's accounts
	everywhere  *httpapi.Everywhere // of all nodes'; nil if there is only this one
	owner       ownership.Owner
	nodes       *internode.Listener // nil if there are no other nodes, as are client, shared and board
	client      *internode.Client
	shared      driver.UniversalClient
	board       *notice.Board
	accounts    *supervisor.Supervisor
	webhooks    *webhook.Service
	sinks       []*sink.Sink
	edge        *httpapi.Server
	listener    net.Listener
	streams     net.Listener // nil if WebSockets have no port of their own
}

// Open builds everything, brings up the accounts that should run, and listens.
// On an error nothing is left behind.
func Open(ctx context.Context, config configs.Config) (server *Server, err error) {
	s := &Server{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	for _, step := range []func(context.Context, configs.Config) error{
		s.openLog, s.openObservatory, s.openStorage, s.openKeys, s.openNetwork, s.openCluster, s.bootAccounts, s.openWebhooks, s.openSinks, s.listen,
	} {
		if err := step(ctx, config); err != nil {
			return nil, err
		}
	}
	s.ready.accounts.Store(s.accounts)
	return s, nil
}

// Address is where REST is served.
func (s *Server) Address() string { return s.listener.Addr().String() }

// StreamAddress is where WebSockets alone are served; empty if they are not.
func (s *Server) StreamAddress() string {
	if s.streams == nil {
		return ""
	}
	return s.streams.Addr().String()
}

// Run serves until ctx ends or serving fails, then drains: no request is
// accepted any more, those underway are answered, sessions end, and what they
// wrote is flushed.
func (s *Server) Run(ctx context.Context) error {
	ctx, fail := context.WithCancel(ctx)
	defer fail()
	var serving sync.WaitGroup
	var rest, streams, nodes error
	serving.Go(func() { rest = s.edge.Serve(s.listener); fail() })
	if s.streams != nil {
		serving.Go(func() { streams = s.edge.ServeStreams(s.streams); fail() })
	}
	if s.nodes != nil {
		serving.Go(func() { nodes = s.serveNodes(ctx); fail() })
	}
	<-ctx.Done()
	closed := s.close()
	serving.Wait()
	return errors.Join(rest, streams, nodes, closed)
}

// close undoes what was opened, last first. Streams end after the accounts, so
// that their clients hear the last of them.
func (s *Server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	draining, drained := context.WithTimeout(ctx, drainTimeout-streamsTimeout)
	defer drained()
	s.ready.draining.Store(true)
	var failures []error
	if s.edge != nil {
		failures = append(failures, s.edge.Shutdown(draining))
	}
	for _, listener := range []net.Listener{s.listener, s.streams} {
		if listener != nil {
			_ = listener.Close() // ends a Serve that began after Shutdown
		}
	}
	if s.webhooks != nil {
		failures = append(failures, s.webhooks.Stop(draining)) // what comes after is posted at the next start
	}
	failures = append(failures, s.stopSinks(draining)) // while accounts can still keep how far they are
	if s.accounts != nil {
		failures = append(failures, s.accounts.Drain(draining))
	}
	if s.edge != nil {
		s.closeStreams(ctx)
	}
	failures = append(failures, s.leaveNodes(ctx))
	if s.budget != nil {
		failures = append(failures, s.budget.Stop(ctx))
	}
	if s.committer != nil {
		failures = append(failures, s.committer.Close(ctx))
	}
	if s.owner != nil {
		failures = append(failures, s.owner.Close(ctx))
	}
	if s.network != nil {
		s.network.Close()
	}
	if s.keys != nil {
		s.keys.Close()
	}
	if s.board != nil {
		failures = append(failures, s.board.Close(), s.shared.Close())
	}
	if s.engine != nil {
		failures = append(failures, s.engine.Close())
	}
	if s.observatory != nil {
		failures = append(failures, s.observatory.close())
	}
	return errors.Join(failures...)
}

// closeStreams sends clients away. That one of them takes nothing any more is no
// failure of the server.
func (s *Server) closeStreams(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, streamsTimeout)
	defer cancel()
	if err := s.edge.CloseStreams(ctx); err != nil {
		s.log.Warn("clients did not leave", zap.Error(err))
	}
}

func (s *Server) openLog(_ context.Context, config configs.Config) (err error) {
	s.log, err = newLog(config)
	return err
}

// underTest is for tests that end the process around a commit.
var underTest = func(engine persist.Engine) persist.Engine { return engine }

func (s *Server) openStorage(ctx context.Context, config configs.Config) (err error) {
	if s.engine, err = openEngine(ctx, config, s.log); err != nil {
		return err
	}
	s.committer = journal.NewCommitter(underTest(s.engine), journal.Options{OnCommit: s.metrics.Committed})
	return nil
}

func (s *Server) openKeys(ctx context.Context, config configs.Config) error {
	others, err := s.openOthers(ctx, config)
	if err != nil {
		return err
	}
	if s.keys, err = access.Open(ctx, s.engine, s.log, others); err != nil {
		return err
	}
	s.hear(keysChanged, s.keys.Refresh)
	return nil
}

func (s *Server) openNetwork(_ context.Context, config configs.Config) (err error) {
	settings := actors.NetworkConfig{Endpoint: config.WhatsApp.Endpoint}
	if settings.Endpoint != "" {
		settings.NoiseRootKey = config.WhatsApp.NoiseRootKey.String()
	}
	if path := config.WhatsApp.EndpointCAFile; path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read certificates of the endpoint: %w", err)
		}
		settings.CA = x509.NewCertPool()
		settings.CA.AppendCertsFromPEM(pem)
	}
	s.network, err = actors.NewNetwork(settings)
	return err
}

func (s *Server) bootAccounts(ctx context.Context, config configs.Config) (err error) {
	s.runtime = actors.NewRuntime()
	pace := actors.DefaultBudgetConfig()
	pace.Rate, pace.Burst = config.WhatsApp.ConnectsPerSecond, config.WhatsApp.ConnectBurst
	pace.Version, pace.Log = store.WAVersionContainer(config.WhatsApp.ClientVersion), s.log
	if pace.Version.IsZero() {
		pace.Latest = s.network.VersionLookup()
	}
	if s.budget, err = actors.NewConnectBudget(s.runtime, pace, nil); err != nil {
		return fmt.Errorf("open connect budget: %w", err)
	}
	if config.Cluster.Enabled() {
		s.everywhere = httpapi.NewEverywhere()
	}
	s.feed, s.history = actors.NewFeed(), actors.NewHistoryBudget(actors.DefaultHistoryMemory)
	node := s.node(config)
	if node.FFmpeg, err = media.NewFFmpeg(config.Media.FFmpeg); err != nil {
		return fmt.Errorf("FFMPEG: %w", err)
	}
	if node.Crash, err = readLastCrash(crashLog(config)); err != nil {
		return err
	}
	if s.accounts, err = supervisor.Start(supervisor.Config{
		Runtime: s.runtime, Engine: s.engine, Node: node, Owner: s.owner, Survey: survey(config), Log: s.log,
	}); err != nil {
		return err
	}
	s.metrics.Read(vitals, s.vitals)
	return s.accounts.Boot(ctx, s.network.Name())
}

func (s *Server) openWebhooks(ctx context.Context, config configs.Config) (err error) {
	s.webhooks, err = webhook.Start(ctx, s.runtime, webhook.Config{
		Engine: s.engine, Source: followed{events{s.accounts, s.feed}}, Tenant: s.accounts.Tenant,
		Covers: func(patterns []string, account string) bool {
			return access.Principal{Accounts: patterns}.Covers(account)
		},
		Poster: fetch.NewPoster(config.OutboundAllow()), Observe: s.metrics.Posted, Tell: s.tell(webhooksChanged), Review: review(config), Log: s.log,
	})
	if err != nil {
		return err
	}
	s.hear(webhooksChanged, s.webhooks.Refresh)
	return nil
}

func (s *Server) node(config configs.Config) *actors.Node {
	reconnect := actors.DefaultReconnectConfig()
	reconnect.FastAttempts = config.WhatsApp.MaxReconnectAttempts
	return &actors.Node{
		Engine: s.engine, Committer: s.committer, Network: s.network, Budget: s.budget, History: s.history,
		Fetch:     fetch.New(config.OutboundAllow()),
		Reconnect: reconnect, SessionTimeout: config.WhatsApp.SessionTimeout.Duration(),
		Device: actors.DeviceConfig{
			Name: config.WhatsApp.BrowserName, Version: config.WhatsApp.BrowserVersion,
		},
		Retention: actors.Retention{Count: config.Events.RetentionCount, Age: config.Events.RetentionAge},
		Publish:   s.publish,
		Log:       s.log,
	}
}

// publish counts an event and hands it to who listens.
func (s *Server) publish(event actors.Event) {
	s.metrics.Told(event)
	s.feed.Publish(event)
	if s.everywhere != nil {
		s.everywhere.Publish(event)
	}
}

func (s *Server) listen(ctx context.Context, config configs.Config) (err error) {
	s.edge = httpapi.New(httpapi.Config{
		APIKey: config.HTTP.APIKey.Reveal(), AllowUnauthenticated: config.HTTP.AllowUnauthenticated,
		CORSOrigins: config.HTTP.CORSOrigins, Keys: s.keys, Observer: s.metrics, Webhooks: s.webhooks, Cluster: s.cluster(), Elsewhere: s.elsewhere(),
		Backup: func(ctx context.Context) (func(context.Context, io.Writer) error, error) {
			return beginBackup(ctx, s.engine)
		},
	}, accounts{s.accounts, s.webhooks}, s.events(), s.log)
	if s.listener, err = bind(ctx, config.HTTP.Host, config.HTTP.Port); err != nil {
		return fmt.Errorf("listen for REST: %w", err)
	}
	if !config.HTTP.WebSocketEnabled {
		return nil
	}
	if s.streams, err = bind(ctx, config.HTTP.Host, config.HTTP.WebSocketPort); err != nil {
		return fmt.Errorf("listen for WebSockets: %w", err)
	}
	return nil
}

func bind(ctx context.Context, host string, port int) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}
