package redislease

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// connections bounds those to each server for questions, beats apart.
	connections = 16
	// beatConnections are one that beats, and another if that one is stuck.
	beatConnections = 2
)

// errURL says nothing of the URL: what cannot be read may be a password.
var errURL = errors.New("the URL is not one of redis://[user][:password]@host:port[/database][?master_name=NAME][&addr=host:port], where special characters in user and password are percent-encoded")

// connect makes both clients.
func (l *Lease) connect(ctx context.Context) (err error) {
	if l.registry, err = Dial(ctx, l.config.URL, connections, callTimeout); err != nil {
		return err
	}
	l.beats, err = Dial(ctx, l.config.URL, beatConnections, l.beatTimeout())
	if err != nil {
		return errors.Join(err, l.registry.Close())
	}
	if err := verify(ctx, l.registry); err != nil {
		return errors.Join(err, l.disconnect())
	}
	return nil
}

func (l *Lease) disconnect() error { return errors.Join(l.registry.Close(), l.beats.Close()) }

// Dial makes a client of what a URL names, as in [Config], with so many connections to
// each server, and so much patience for each step of an exchange. It sends nothing
// twice. The server has to answer now.
func Dial(ctx context.Context, address string, connections int, patience time.Duration) (driver.UniversalClient, error) {
	options, err := parse(address)
	if err != nil {
		return nil, err
	}
	logging.Disable() // whatever it tells is in an error too
	options.PoolSize = connections
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = callTimeout, callTimeout, callTimeout, callTimeout
	if err := findMode(ctx, options); err != nil {
		return nil, err
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = patience, patience, patience, patience
	return driver.NewUniversalClient(options), nil
}

// parse reads the URL of a server, of nodes of a cluster, or of sentinels.
func parse(text string) (*driver.UniversalOptions, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errURL
	}
	options := &driver.UniversalOptions{
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		ContextTimeoutEnabled:    true,
		MaxRetries:               -1, // none
		DialerRetries:            1,
		PipelinePoolSize:         -1, // none of its own
	}
	switch query := u.Query(); {
	case query.Has("master_name"):
		failover, err := driver.ParseFailoverURL(text)
		if err != nil {
			return nil, errURL
		}
		options.MasterName, options.Addrs, options.DB = failover.MasterName, failover.SentinelAddrs, failover.DB
		options.Username, options.Password, options.TLSConfig = failover.Username, failover.Password, failover.TLSConfig
		options.SentinelUsername, options.SentinelPassword = failover.SentinelUsername, failover.SentinelPassword
	case query.Has("addr"):
		cluster, err := driver.ParseClusterURL(text)
		if err != nil {
			return nil, errURL
		}
		options.IsClusterMode, options.Addrs = true, cluster.Addrs
		options.Username, options.Password, options.TLSConfig = cluster.Username, cluster.Password, cluster.TLSConfig
	default:
		single, err := driver.ParseURL(text)
		if err != nil || single.Network == "unix" {
			return nil, errURL
		}
		options.Addrs, options.DB = []string{single.Addr}, single.DB
		options.Username, options.Password, options.TLSConfig = single.Username, single.Password, single.TLSConfig
	}
	return options, nil
}

// findMode asks a server that was named alone whether it is one of a cluster.
func findMode(ctx context.Context, options *driver.UniversalOptions) error {
	if options.MasterName != "" || options.IsClusterMode {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	alone := driver.NewUniversalClient(options)
	defer alone.Close()
	text, err := alone.Info(ctx, "server").Result()
	if err != nil {
		return fmt.Errorf("redis at %s: %w", options.Addrs[0], unavailable(err))
	}
	switch field(text, "redis_mode") { // or "standalone"
	case "cluster":
		options.IsClusterMode = true
		if options.DB != 0 {
			return fmt.Errorf("%s is a node of a cluster, which has no database %d, only 0", options.Addrs[0], options.DB)
		}
	case "sentinel":
		return fmt.Errorf("%s is a sentinel: add ?master_name=NAME to its URL", options.Addrs[0])
	}
	return nil
}

// verify refuses servers that remove keys for want of memory: an account whose record
// is gone looks free, while its owner lives.
func verify(ctx context.Context, client driver.UniversalClient) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if cluster, is := client.(*driver.ClusterClient); is {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, server *driver.Client) error {
			return verifyServer(ctx, server)
		})
	}
	return verifyServer(ctx, client)
}

func verifyServer(ctx context.Context, server driver.Cmdable) error {
	text, err := server.Info(ctx, "memory").Result()
	if err != nil {
		return unavailable(err)
	}
	policy := field(text, "maxmemory_policy") // "" where a service doesn't tell
	if field(text, "maxmemory") != "0" && policy != "" && policy != "noeviction" {
		return fmt.Errorf("redis would forget who owns an account when its memory is full: maxmemory-policy is %q, set it to noeviction", policy)
	}
	return nil
}

// field is the value of a field in the reply to INFO.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
