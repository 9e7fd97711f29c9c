package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/transfer"
)

// migrate moves all accounts from one storage to another. Where they are is said by
// the usual variables, since arguments can be seen by everyone on the machine.
func migrate(ctx context.Context, config configs.Config, arguments []string) error {
	flags := flag.NewFlagSet("migrate", flag.ContinueOnError)
	from := flags.String("from", config.Storage.Type, "the storage type that the accounts are in; sqlite:PATH and file:PATH say where, too")
	to := flags.String("to", "", "the storage type that they go to, in the same form")
	toEnv := flags.String("to-env", "", "a file with the variables of the target, instead of those that are set")
	others := flags.Bool("others", false, "permit accounts in the target that the source does not have")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	source, err := at(config, *from)
	if err != nil {
		return err
	}
	if *toEnv != "" {
		if config, err = configs.Load(nil, *toEnv); err != nil {
			return err
		}
	}
	target, err := at(config, *to)
	if err != nil {
		return err
	}
	log, err := newLog(source)
	if err != nil {
		return err
	}
	moved, err := migrateBetween(ctx, source, target, *others, log)
	if err != nil {
		return err
	}
	fmt.Printf("%d accounts are in the %s storage now, and marked as moved where they were.\n", moved, target.Storage.Type)
	return nil
}

// at is config with a storage as the arguments name it.
func at(config configs.Config, where string) (configs.Config, error) {
	name, path, _ := strings.Cut(where, ":")
	config.Storage.Type = name
	switch {
	case path == "":
	case name == configs.SQLiteStorage:
		config.Storage.SQLitePath = path
	case name == configs.FileStorage:
		config.Storage.FilePath = path
	default:
		return config, &usageError{fmt.Sprintf("server migrate: where %s is, is said by variables", name)}
	}
	if err := config.Validate(); err != nil {
		return config, fmt.Errorf("server migrate: storage %q: %w", name, err)
	}
	return config, nil
}

func migrateBetween(ctx context.Context, source, target configs.Config, others bool, log *zap.Logger) (moved int, err error) {
	from, err := openEngine(ctx, source, log)
	if err != nil {
		return 0, fmt.Errorf("open source: %w", err)
	}
	defer closeEngine(from, &err)
	into, err := openEngine(ctx, target, log)
	if err != nil {
		return 0, fmt.Errorf("open target: %w", err)
	}
	defer closeEngine(into, &err)
	return transfer.Migrate(ctx, from, into, transfer.Options{Others: others, Progress: func(account string, rows int) {
		fmt.Printf("%s: %d rows\n", account, rows)
	}})
}

func closeEngine(engine persist.Engine, err *error) { *err = errors.Join(*err, engine.Close()) }
