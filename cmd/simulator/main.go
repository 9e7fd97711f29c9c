// Command simulator runs the simulated WhatsApp service by itself, for hands, demonstrations and other people's CI. It
// is bound to loopback, as it authenticates nobody.
//
// It writes DIR/ca.pem and DIR/simulator.env; the latter holds the environment variables that point a server at it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"whatsapp-web-server/loadtest/simulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string) error {
	options, err := parse(args)
	if err != nil {
		return err
	}
	if options.Log, err = zap.NewProduction(); err != nil {
		return err
	}
	sim, err := simulator.New(options)
	if err != nil {
		return err
	}
	if err := sim.Start(); err != nil {
		return err
	}
	if err := writeEnv(options.StateDir, sim.Env()); err != nil {
		return fmt.Errorf("write simulator.env: %w (closing: %w)", err, sim.Close())
	}
	options.Log.Info("serving", zap.String("endpoint", sim.Endpoint()), zap.String("control", sim.ControlURL()), zap.String("state", options.StateDir))
	<-ctx.Done()
	return sim.Close()
}

func parse(args []string) (options simulator.Options, err error) {
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	flags.StringVar(&options.Listen, "listen", "127.0.0.1:4433", "loopback `address` of the simulated service")
	flags.StringVar(&options.Control, "control", "127.0.0.1:4480", "loopback `address` of the control API")
	flags.StringVar(&options.StateDir, "state-dir", "", "`directory` for ca.pem and simulator.env (required)")
	flags.BoolVar(&options.Plain, "plain", false, "serve ws:// without TLS")
	flags.Int64Var(&options.Seed, "seed", 0, "`seed` of the dice that faults with a probability throw")
	if err := flags.Parse(args); err != nil {
		return options, err
	}
	if options.StateDir == "" {
		return options, fmt.Errorf("--state-dir is required")
	}
	return options, os.MkdirAll(options.StateDir, 0o755)
}

func writeEnv(dir string, env []string) error {
	return os.WriteFile(filepath.Join(dir, "simulator.env"), []byte(strings.Join(env, "\n")+"\n"), 0o644)
}
