package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/supervisor/ownership/redislease"
)

// olderNodesError says that the schema is in use as it is.
type olderNodesError struct {
	from, to int
	nodes    []string
}

func (e *olderNodesError) Error() string {
	return fmt.Sprintf("the storage's schema would go from version %d to %d, and nodes of an earlier program still use it: stop %s first, "+
		"and start all of them with this program", e.from, e.to, strings.Join(e.nodes, ", "))
}

// mayUpgrade keeps the schema as it is for as long as nodes live that know no later one;
// nil where there are no other nodes.
func mayUpgrade(config configs.Config) func(ctx context.Context, from, to int) error {
	if !config.Cluster.Enabled() {
		return nil
	}
	return func(ctx context.Context, from, to int) error {
		living, err := redislease.Living(ctx, config.Cluster.Registry(&config.Redis).Reveal(), "")
		if err != nil {
			return fmt.Errorf("the storage's schema would go from version %d to %d, and nobody tells whether nodes of an earlier program use it: %w", from, to, err)
		}
		older := &olderNodesError{from: from, to: to}
		for _, node := range living {
			if node.Schema < to {
				older.nodes = append(older.nodes, node.Name)
			}
		}
		if len(older.nodes) > 0 {
			return older
		}
		return nil
	}
}

// schemaOf is the version of the schema that this program uses; 0 if the engine has none.
func schemaOf(ctx context.Context, engine persist.Engine) (int, error) {
	for {
		if versioned, ok := engine.(persist.Versioned); ok {
			_, known, err := versioned.Schema(ctx)
			return known, err
		}
		sealed, ok := engine.(interface{ Unwrap() persist.Engine })
		if !ok {
			return 0, errors.New("the storage is not one that nodes can share")
		}
		engine = sealed.Unwrap()
	}
}

// version is this program's, as far as it was built with one.
func version() string {
	info, known := debug.ReadBuildInfo()
	if !known || info.Main.Version == "(devel)" {
		return ""
	}
	return info.Main.Version
}
