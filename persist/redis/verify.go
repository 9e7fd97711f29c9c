package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	driver "github.com/redis/go-redis/v9"
)

// safe are the settings without which Redis loses what it has acknowledged.
var safe = []struct{ name, value, otherwise string }{
	{"appendonly", "yes", "what was written since the last snapshot is lost when the server stops"},
	{"appendfsync", "always", "the last writes are lost at a power failure"},
	{"no-appendfsync-on-rewrite", "no", "writes are lost at a power failure while the file is rewritten"},
	{"maxmemory-policy", "noeviction", "records are removed when memory is short"},
}

// allowance is how to start all the same.
const allowance = "set REDIS_ALLOW_LOSS=true to accept that"

// verify looks at every server that takes writes.
func (db *DB) verify(ctx context.Context) error {
	if !db.cluster {
		return db.verifyServer(ctx, db.client)
	}
	var mu sync.Mutex
	var problems []error
	err := db.client.(*driver.ClusterClient).ForEachMaster(ctx, func(ctx context.Context, server *driver.Client) error {
		if err := db.verifyServer(ctx, server); err != nil {
			mu.Lock()
			defer mu.Unlock()
			problems = append(problems, fmt.Errorf("%s: %w", server.Options().Addr, err))
		}
		return nil
	})
	return errors.Join(append(problems, err)...)
}

// verifyServer refuses a replica, which takes no writes, and settings that lose
// them.
func (db *DB) verifyServer(ctx context.Context, server driver.Cmdable) error {
	replication, err := server.Info(ctx, "replication").Result()
	if err != nil {
		return err
	}
	if role := infoField(replication, "role"); role != "master" {
		return fmt.Errorf("this is a replica (%s): give the address of its primary", role)
	}
	if db.allowLoss {
		return nil
	}
	return verifySettings(ctx, server)
}

func verifySettings(ctx context.Context, server driver.Cmdable) error {
	values := make([]*driver.MapStringStringCmd, len(safe))
	_, err := server.Pipelined(ctx, func(pipe driver.Pipeliner) error {
		for i, setting := range safe {
			values[i] = pipe.ConfigGet(ctx, setting.name)
		}
		return nil
	})
	if isForbidden(err) {
		return fmt.Errorf("the server does not let its settings be read (CONFIG GET: %w), so they may lose acknowledged writes; %s", err, allowance)
	}
	if err != nil {
		return err
	}
	var problems []string
	for i, setting := range safe {
		if value := values[i].Val()[setting.name]; value != setting.value {
			problems = append(problems, fmt.Sprintf("%s is %q, not %q: %s", setting.name, value, setting.value, setting.otherwise))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("its settings lose acknowledged writes (%s); change them, or %s", strings.Join(slices.Compact(problems), "; "), allowance)
}

// isForbidden tells that the server has no such command, or not for this user.
func isForbidden(err error) bool {
	_, said := errors.AsType[driver.Error](err)
	return said && (strings.HasPrefix(err.Error(), "NOPERM") || strings.HasPrefix(err.Error(), "ERR unknown command"))
}
