package redislease

import (
	"context"
	_ "embed" // the scripts
	"fmt"

	driver "github.com/redis/go-redis/v9"

	"whatsapp-web-server/supervisor/ownership"
)

var (
	//go:embed scripts/common.lua
	commonSource string
	//go:embed scripts/join.lua
	joinSource string
	//go:embed scripts/beat.lua
	beatSource string
	//go:embed scripts/living.lua
	livingSource string
	//go:embed scripts/amend.lua
	amendSource string
	//go:embed scripts/leave.lua
	leaveSource string
	//go:embed scripts/enlist.lua
	enlistSource string
	//go:embed scripts/strike.lua
	strikeSource string
	//go:embed scripts/release.lua
	releaseSource string
	//go:embed scripts/orphans.lua
	orphansSource string

	//go:embed scripts/take.lua
	takeSource string
	//go:embed scripts/confirm.lua
	confirmSource string
	//go:embed scripts/give.lua
	giveSource string

	// Those over the nodes touch the slot of the nodes alone.
	joinScript    = overNodes(joinSource)
	beatScript    = overNodes(beatSource)
	livingScript  = overNodes(livingSource)
	amendScript   = overNodes(amendSource)
	leaveScript   = overNodes(leaveSource)
	enlistScript  = overNodes(enlistSource)
	strikeScript  = overNodes(strikeSource)
	releaseScript = overNodes(releaseSource)
	orphansScript = overNodes(orphansSource)
	// These touch the slot of one account.
	takeScript    = driver.NewScript(takeSource)
	confirmScript = driver.NewScript(confirmSource)
	giveScript    = driver.NewScript(giveSource)
)

func overNodes(source string) *driver.Script { return driver.NewScript(commonSource + source) }

// nodesKey begins the keys of nodes.
func (l *Lease) nodesKey() string { return nodesKey(l.config.Prefix) }

func nodesKey(prefix string) string { return prefix + "{nodes}:" }

// recordKey is where it stands who owns an account.
func (l *Lease) recordKey(account string) string { return l.config.Prefix + "{" + account + "}:owner" }

// ask runs a script over the nodes.
func (l *Lease) ask(ctx context.Context, script *driver.Script, arguments ...any) *driver.Cmd {
	return script.Run(ctx, l.registry, []string{l.nodesKey()}, arguments...)
}

// askRecord runs a script over an account's record.
func (l *Lease) askRecord(ctx context.Context, script *driver.Script, account string, arguments ...any) *driver.Cmd {
	return script.Run(ctx, l.registry, []string{l.recordKey(account)}, arguments...)
}

// unavailable is what the registry's silence, or its refusal, is to the caller.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ownership.ErrUnavailable, err)
}
