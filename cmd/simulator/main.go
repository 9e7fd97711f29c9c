// Command simulator runs the simulated WhatsApp service by itself, for hands, demonstrations and other people's CI. It
// is bound to loopback, as it authenticates nobody.
//
// It writes ca.pem and simulator.env into its state directory; the latter holds the environment variables that point a
// server at it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
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
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

// run serves until ctx ends, and tells out where.
func run(ctx context.Context, args []string, out io.Writer) error {
	options, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if options.StateDir != "" {
		return serve(ctx, options, out)
	}
	if options.StateDir, err = os.MkdirTemp("", "whatsapp-simulator-"); err != nil {
		return fmt.Errorf("make state directory: %w", err)
	}
	return errors.Join(serve(ctx, options, out), os.RemoveAll(options.StateDir))
}

func serve(ctx context.Context, options simulator.Options, out io.Writer) (err error) {
	sim, err := start(options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	file, err := writeEnv(options.StateDir, sim.Env())
	if err != nil {
		return fmt.Errorf("write the server's environment: %w", err)
	}
	fmt.Fprintf(out, "Simulated WhatsApp on %s\nControl API on %s\n", sim.Endpoint(), sim.ControlURL())
	fmt.Fprintf(out, "Look at it in a browser: %s\n", sim.ControlURL())
	// A database of its own, because a server refuses accounts of another network.
	fmt.Fprintf(out, "Start a server on it: env $(cat %s) SQLITE_DB_PATH=./db/simulator.db make run\n", file)
	<-ctx.Done()
	return nil
}

func start(options simulator.Options) (*simulator.Simulator, error) {
	var err error
	if options.Log, err = zap.NewProduction(); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	sim, err := simulator.New(options)
	if err != nil {
		return nil, err
	}
	return sim, sim.Start()
}

func parse(args []string, out io.Writer) (options simulator.Options, err error) {
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&options.Listen, "listen", "127.0.0.1:4433", "loopback `address` of the simulated service")
	flags.StringVar(&options.Control, "control", "127.0.0.1:4480", "loopback `address` of the control API")
	flags.StringVar(&options.StateDir, "state-dir", "", "`directory` for ca.pem and simulator.env (default a temporary one)")
	flags.BoolVar(&options.Plain, "plain", false, "serve ws:// without TLS")
	flags.Int64Var(&options.Seed, "seed", 0, "`seed` of the dice that faults with a probability throw")
	if err := flags.Parse(args); err != nil {
		return options, err
	}
	if flags.NArg() > 0 {
		return options, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return options, nil
}

// writeEnv writes simulator.env as a whole or not at all, since others wait for the file to read it.
func writeEnv(dir string, env []string) (file string, err error) {
	if file, err = filepath.Abs(filepath.Join(dir, "simulator.env")); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	unfinished := file + ".new"
	if err := os.WriteFile(unfinished, []byte(strings.Join(env, "\n")+"\n"), 0o600); err != nil { //nolint:gosec // where the user asked for it
		return "", err
	}
	return file, os.Rename(unfinished, file)
}
