package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/supervisor/access"
)

// operator is who makes and revokes keys on the machine itself.
var operator = access.Administrator("cli")

// keys manages keys in the storage, where there is no key yet to ask the server with.
// A storage that one process alone may own wants the server stopped; in one that
// servers share, they see it within seconds.
func keys(ctx context.Context, config configs.Config, arguments []string) error {
	actions := map[string]func(context.Context, configs.Config, []string) error{
		"create": createKey, "list": listKeys, "revoke": revokeKey,
	}
	if len(arguments) > 0 && actions[arguments[0]] != nil {
		return actions[arguments[0]](ctx, config, arguments[1:])
	}
	flags := flag.NewFlagSet("keys", flag.ContinueOnError)
	if err := parse(flags, arguments, "create|list|revoke"); err != nil {
		return err
	}
	return &usageError{fmt.Sprintf("server keys: takes create, list or revoke, not %q", arguments[0])}
}

func createKey(ctx context.Context, config configs.Config, arguments []string) error {
	flags := flag.NewFlagSet("keys create", flag.ContinueOnError)
	tenant := flags.String("tenant", "", "whose accounts it is for; empty is the installation's own")
	name := flags.String("name", "", "what it is for")
	rights := flags.String("rights", "read,send", "what it may do: read, send, manage, admin")
	accounts := flags.String("accounts", "", "account numbers that it is for, or beginnings followed by *, separated by commas; empty is all")
	addresses := flags.String("addresses", "", "networks that it may be used from, separated by commas; empty is anywhere")
	expires := flags.Duration("expires", 0, "after how long it ends, such as 720h; 0 is never")
	perSecond := flags.Int64("per-second", 0, "how many requests it may make; 0 is no bound")
	burst := flags.Int64("burst", 0, "how many of them at once; 0 is as many")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	spec := access.Spec{
		Name: name, Rights: new([]access.Right), Accounts: new(listed(*accounts)), Addresses: new(listed(*addresses)),
		PerSecond: perSecond, Burst: burst,
	}
	for _, right := range listed(*rights) {
		*spec.Rights = append(*spec.Rights, access.Right(right))
	}
	if *expires != 0 {
		spec.ExpiresAt = new(time.Now().Add(*expires))
	}
	return withKeys(ctx, config, "createKey", func(store *access.Store) (target string, err error) {
		key, token, err := store.Create(ctx, operator, *tenant, spec)
		if err != nil {
			return "", err
		}
		fmt.Printf("%s\n\nThis is key %s. It is not shown again.\n", token, key.ID)
		return key.ID, nil
	})
}

func listed(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func listKeys(ctx context.Context, config configs.Config, arguments []string) error {
	if err := parse(flag.NewFlagSet("keys list", flag.ContinueOnError), arguments); err != nil {
		return err
	}
	return withKeys(ctx, config, "", func(store *access.Store) (string, error) {
		table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tTENANT\tNAME\tRIGHTS\tACCOUNTS\tEXPIRES\tLAST USED")
		for _, key := range store.Keys(operator) {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", key.ID, cmp.Or(key.Tenant, "-"), key.Name,
				strings.Join(key.Rights, ","), cmp.Or(strings.Join(key.Accounts, ","), "all"), day(key.ExpiresAt), day(key.LastUsedAt))
		}
		return "", table.Flush()
	})
}

func day(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.Format(time.DateOnly)
}

func revokeKey(ctx context.Context, config configs.Config, arguments []string) error {
	flags := flag.NewFlagSet("keys revoke", flag.ContinueOnError)
	if err := parse(flags, arguments, "ID"); err != nil {
		return err
	}
	return withKeys(ctx, config, "revokeKey", func(store *access.Store) (string, error) {
		if err := store.Revoke(ctx, operator, flags.Arg(0)); err != nil {
			return "", err
		}
		fmt.Printf("Key %s opens nothing any more.\n", flags.Arg(0))
		return flags.Arg(0), nil
	})
}

// withKeys opens the storage for one action, and notes it in the audit log if it has a
// name there.
func withKeys(ctx context.Context, config configs.Config, what string, do func(*access.Store) (target string, err error)) (err error) {
	if config.Storage.Type == configs.MemoryStorage {
		return &usageError{"server keys: the memory storage is the running server's own; make keys over its API"}
	}
	log, err := newLog(config)
	if err != nil {
		return err
	}
	engine, err := openEngine(ctx, config, log)
	if err != nil {
		return fmt.Errorf("open storage (where one process alone may own it, stop the server, or make keys over its API): %w", err)
	}
	defer closeEngine(engine, &err)
	store, err := access.Open(ctx, engine, log, access.Others{})
	if err != nil {
		return err
	}
	defer store.Close()
	target, err := do(store)
	if err != nil || what == "" {
		return err
	}
	return errors.Join(err, store.Record(ctx, persist.AuditEntry{Who: operator.ID, What: what, Target: target, Outcome: "ok"}))
}
