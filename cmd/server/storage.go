package main

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/engines"
)

// storage is where config says that the records are.
func storage(config configs.Config) engines.Config {
	return engines.Config{
		Type:       config.Storage.Type,
		SQLitePath: config.Storage.SQLitePath,
		FilePath:   config.Storage.FilePath,
		Redis:      engines.Server{URL: config.Redis.Address().Reveal(), AllowLoss: config.Redis.AllowLoss},
		Postgres:   engines.Server{URL: config.Postgres.Address().Reveal(), AllowLoss: config.Postgres.AllowLoss},
		MongoDB:    engines.Server{URL: config.MongoDB.Address().Reveal(), AllowLoss: config.MongoDB.AllowLoss},
		MayUpgrade: mayUpgrade(config),
	}
}

// openEngine opens the storage that config names, up to date and sealed. What is
// kept nowhere is not sealed either.
func openEngine(ctx context.Context, config configs.Config, log *zap.Logger) (persist.Engine, error) {
	engine, err := engines.Open(ctx, storage(config))
	if err != nil || config.Storage.Type == configs.MemoryStorage {
		return engine, err
	}
	sealed, err := openVault(ctx, engine, config, log)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return sealed, nil
}
