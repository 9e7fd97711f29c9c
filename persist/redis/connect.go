package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// dialTimeout bounds each attempt to connect.
	dialTimeout = 5 * time.Second
	// connections bounds those to each server. A commit needs one.
	connections = 16
	// few is how many mutations are left to scripts: below, a second round trip takes
	// longer than they do.
	few = 16
)

// connect finds out whether the server is alone or one of a cluster.
func connect(ctx context.Context, config Config) (*DB, error) {
	options, err := parse(config.URL)
	if err != nil {
		return nil, err
	}
	logging.Disable() // whatever it tells is in an error too
	db := &DB{address: options.Addr, prefix: cmp.Or(config.Prefix, "wa:"), allowLoss: config.AllowLoss, few: few}
	alone := driver.NewClient(options)
	mode, err := serverMode(ctx, alone)
	switch {
	case err != nil:
		err = db.failed(ctx, "connect", err)
	case mode == "cluster" && options.DB != 0:
		err = fmt.Errorf("%s is a node of a cluster, which has no database %d, only 0", db.address, options.DB)
	case mode == "cluster":
		db.cluster = true
		db.client = driver.NewClusterClient(clusterOptions(options))
		return db, alone.Close()
	case mode == "sentinel":
		err = fmt.Errorf("%s is a sentinel: give the address of the Redis server itself", db.address)
	}
	if err != nil {
		return nil, errors.Join(err, alone.Close())
	}
	db.client = alone
	return db, nil
}

// parse says nothing of the URL in its error: what cannot be read may be a
// password.
func parse(url string) (*driver.Options, error) {
	options, err := driver.ParseURL(url)
	if err != nil || options.Network == "unix" {
		return nil, errors.New("the URL is not one of redis://[user][:password]@host:port/database, where special characters in user and password are percent-encoded")
	}
	options.Protocol = 2
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	options.ContextTimeoutEnabled = true
	options.MaxRetries = -1 // none
	options.DialTimeout, options.DialerRetries = dialTimeout, 1
	options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = callTimeout, callTimeout, callTimeout
	options.PoolSize = connections
	return options, nil
}

func clusterOptions(options *driver.Options) *driver.ClusterOptions {
	return &driver.ClusterOptions{
		Addrs:    []string{options.Addr},
		Username: options.Username, Password: options.Password, TLSConfig: options.TLSConfig,
		Protocol: options.Protocol, DisableIdentity: options.DisableIdentity,
		MaintNotificationsConfig: options.MaintNotificationsConfig,
		ContextTimeoutEnabled:    options.ContextTimeoutEnabled,
		DialTimeout:              options.DialTimeout, DialerRetries: options.DialerRetries,
		ReadTimeout: options.ReadTimeout, WriteTimeout: options.WriteTimeout, PoolTimeout: options.PoolTimeout,
		PoolSize: options.PoolSize,
	}
}

// serverMode is "standalone", "cluster" or "sentinel".
func serverMode(ctx context.Context, client *driver.Client) (string, error) {
	text, err := client.Info(ctx, "server").Result()
	return infoField(text, "redis_mode"), err
}

// infoField returns the value of a field in the reply to INFO.
func infoField(text, name string) string {
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// once is a command that is never sent again for want of an answer, which a
// cluster's client would do.
type once struct{ *driver.Cmd }

// NoRetry implements [driver.Cmder].
func (once) NoRetry() bool { return true }

// write sends a command that changes something.
func (db *DB) write(ctx context.Context, arguments ...any) *driver.Cmd {
	command := driver.NewCmd(ctx, arguments...)
	if err := db.client.Process(ctx, once{command}); err != nil {
		command.SetErr(err)
	}
	return command
}
