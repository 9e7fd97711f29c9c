package redis

import (
	"context"
	_ "embed" // the scripts
	"strings"

	driver "github.com/redis/go-redis/v9"
)

// script is a Lua program that the server keeps under its digest.
type script struct{ source, digest string }

func newScript(source string) script { return script{source, driver.NewScript(source).Hash()} }

var (
	//go:embed scripts/apply.lua
	applySource string
	//go:embed scripts/scan.lua
	scanSource string
	//go:embed scripts/acquire.lua
	acquireSource string
	//go:embed scripts/delete.lua
	deleteSource string

	applyScript   = newScript(applySource)
	scanScript    = newScript(scanSource)
	acquireScript = newScript(acquireSource)
	deleteScript  = newScript(deleteSource)
)

// call is one run of a script.
type call struct {
	script    script
	keys      []string
	arguments []any
}

// byDigest is the command that runs a script which the server knows.
func (c *call) byDigest(ctx context.Context) *driver.Cmd {
	return c.command(ctx, "EVALSHA", c.script.digest)
}

// bySource is the one that runs any, and makes the server know it.
func (c *call) bySource(ctx context.Context) *driver.Cmd {
	return c.command(ctx, "EVAL", c.script.source)
}

func (c *call) command(ctx context.Context, name, script string) *driver.Cmd {
	arguments := make([]any, 0, 3+len(c.keys)+len(c.arguments))
	arguments = append(arguments, name, script, len(c.keys))
	for _, key := range c.keys {
		arguments = append(arguments, key)
	}
	return driver.NewCmd(ctx, append(arguments, c.arguments...)...)
}

// run sends calls in one round trip, and again those whose script was unknown:
// they have done nothing. Each has its own answer.
func (db *DB) run(ctx context.Context, calls []*call) []*driver.Cmd {
	commands := make([]*driver.Cmd, len(calls))
	for i, c := range calls {
		commands[i] = c.byDigest(ctx)
	}
	db.send(ctx, commands)
	var again []*driver.Cmd
	for i, c := range calls {
		if isUnknownScript(commands[i].Err()) {
			commands[i] = c.bySource(ctx)
			again = append(again, commands[i])
		}
	}
	db.send(ctx, again)
	return commands
}

func (db *DB) runOne(ctx context.Context, c *call) *driver.Cmd {
	return db.run(ctx, []*call{c})[0]
}

// isUnknownScript tells that the server was started anew since.
func isUnknownScript(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT ")
}

// send has the commands done, each at most once. A server alone does several as
// one transaction, so that it flushes its file once.
func (db *DB) send(ctx context.Context, commands []*driver.Cmd) {
	switch {
	case len(commands) == 0:
		return
	case len(commands) == 1:
		if err := db.client.Process(ctx, once{commands[0]}); err != nil {
			commands[0].SetErr(err)
		}
		return
	}
	pipe := db.client.TxPipeline()
	if db.cluster {
		pipe = db.client.Pipeline()
	}
	for _, command := range commands {
		if err := pipe.Process(ctx, once{command}); err != nil {
			command.SetErr(err)
		}
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
}
