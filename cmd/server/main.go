// Command server runs WhatsApp accounts and offers them over REST and
// WebSocket. It is configured by the environment and a .env file in its folder;
// .env.example documents every variable. Named by a first argument, it does
// something else instead: `server help` lists the commands.
//
// It exits with 0 after SIGINT or SIGTERM, with 2 when the arguments, the
// configuration or the storage are not what it can start with, and with 1 when it
// fails later.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/transfer"
	"whatsapp-web-server/persist/vault"
	"whatsapp-web-server/supervisor"
)

// ballast counts as living memory and is never touched, so that it takes none.
// Garbage is collected once there is as much of it as lives: without the ballast,
// of a server with few accounts, all the time. This much more may be resident.
const ballast = 64 << 20

// exitMisconfigured says that starting again without a change is of no use.
const exitMisconfigured = 2

func main() {
	held := make([]byte, ballast)
	defer runtime.KeepAlive(held)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := execute(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitCode(err)) //nolint:gocritic // nothing is left to stop
	}
}

func serve(ctx context.Context) error {
	config, err := configs.Load(os.Environ(), ".env")
	if err != nil {
		return err
	}
	if err := recordCrashes(crashLog(config)); err != nil {
		return err
	}
	server, err := Open(ctx, config)
	if err != nil {
		return err
	}
	fmt.Printf("REST API on http://%s/api (specification: /openapi.json)\n", server.Address())
	fmt.Printf("Events on ws://%s\n", cmp.Or(server.StreamAddress(), server.Address()+"/ws"))
	return server.Run(ctx)
}

func exitCode(err error) int {
	_, invalid := errors.AsType[*configs.InvalidError](err)
	_, foreign := errors.AsType[*supervisor.ForeignNetworkError](err)
	_, misused := errors.AsType[*usageError](err)
	_, locked := errors.AsType[*vault.KeyError](err)
	_, used := errors.AsType[*olderNodesError](err)
	unfit := errors.Is(err, transfer.ErrNotEmpty) || errors.Is(err, transfer.ErrDamaged)
	if unfit || invalid || foreign || misused || locked || used || errors.Is(err, persist.ErrSchemaTooNew) {
		return exitMisconfigured
	}
	return 1
}
