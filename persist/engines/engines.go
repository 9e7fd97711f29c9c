// Package engines opens a storage engine by its name.
package engines

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/bolt"
	"whatsapp-web-server/persist/memory"
	"whatsapp-web-server/persist/mongo"
	"whatsapp-web-server/persist/postgres"
	"whatsapp-web-server/persist/redis"
	"whatsapp-web-server/persist/sqlite"
)

// Config chooses the engine and says where its data are.
type Config struct {
	// Type is the engine's name: one of [Types].
	Type string
	// SQLitePath is the data file of "sqlite".
	SQLitePath string
	// FilePath is the folder of "file".
	FilePath string

	Redis, Postgres, MongoDB Server

	// MayUpgrade is asked before the schema of data that others may use is brought from
	// one version to a later one; an error keeps it as it is, and is what Open fails
	// with. Nil allows all.
	MayUpgrade func(ctx context.Context, from, to int) error
}

// Server says where the server of an engine is.
type Server struct {
	// URL may carry a password, and is in no error.
	URL string
	// AllowLoss permits settings that lose writes at a power failure.
	AllowLoss bool
}

// opener opens an engine without migrating it.
type opener func(ctx context.Context, config Config) (persist.Engine, error)

// openers is every engine there is, by name.
var openers = map[string]opener{
	"file": func(ctx context.Context, c Config) (persist.Engine, error) {
		return bolt.Open(ctx, bolt.Config{Folder: c.FilePath})
	},
	"memory": func(context.Context, Config) (persist.Engine, error) { return memory.Open(), nil },
	"mongodb": func(ctx context.Context, c Config) (persist.Engine, error) {
		return mongo.Open(ctx, mongo.Config{URL: c.MongoDB.URL, AllowLoss: c.MongoDB.AllowLoss})
	},
	"postgres": func(ctx context.Context, c Config) (persist.Engine, error) {
		return postgres.Open(ctx, postgres.Config{URL: c.Postgres.URL, AllowLoss: c.Postgres.AllowLoss})
	},
	"redis": func(ctx context.Context, c Config) (persist.Engine, error) {
		return redis.Open(ctx, redis.Config{URL: c.Redis.URL, AllowLoss: c.Redis.AllowLoss})
	},
	"sqlite": func(ctx context.Context, c Config) (persist.Engine, error) {
		return sqlite.Open(ctx, sqlite.Config{Path: c.SQLitePath})
	},
}

// Types lists the names of the engines, sorted.
func Types() []string { return slices.Sorted(maps.Keys(openers)) }

// Open opens the engine that config names and brings its schema up to date.
// The caller closes it.
func Open(ctx context.Context, config Config) (persist.Engine, error) {
	open, ok := openers[config.Type]
	if !ok {
		return nil, fmt.Errorf("unknown storage %q; known are %s", config.Type, strings.Join(Types(), ", "))
	}
	engine, err := open(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open storage: %w", err)
	}
	if err := migrate(ctx, engine, config.MayUpgrade); err != nil {
		return nil, errors.Join(fmt.Errorf("open storage: %w", err), engine.Close())
	}
	return engine, nil
}

func migrate(ctx context.Context, engine persist.Engine, may func(ctx context.Context, from, to int) error) error {
	versioned, shared := engine.(persist.Versioned)
	if shared && may != nil {
		stored, known, err := versioned.Schema(ctx)
		if err == nil && stored != 0 && stored < known {
			err = may(ctx, stored, known)
		}
		if err != nil {
			return err
		}
	}
	return engine.Migrate(ctx)
}
