package main

import (
	"whatsapp-web-server/configs"
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
	}
}
