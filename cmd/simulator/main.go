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
	"time"

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
	c, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if c.record == "" {
		return serveFrom(ctx, c.options, out)
	}
	file, err := os.OpenFile(c.record, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	c.options.Record = file
	return errors.Join(serveFrom(ctx, c.options, out), file.Close())
}

// serveFrom serves from the state directory, which it makes and removes if none was named.
func serveFrom(ctx context.Context, options simulator.Options, out io.Writer) (err error) {
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

// command is what the arguments ask for.
type command struct {
	options simulator.Options
	record  string // a file, or empty
}

func parse(args []string, out io.Writer) (c command, err error) {
	o := &c.options
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:4433", "loopback `address` of the simulated service")
	flags.StringVar(&o.Control, "control", "127.0.0.1:4480", "loopback `address` of the control API")
	flags.StringVar(&o.StateDir, "state-dir", "", "`directory` for ca.pem and simulator.env (default a temporary one)")
	flags.BoolVar(&o.Plain, "plain", false, "serve ws:// without TLS")
	flags.Int64Var(&o.Seed, "seed", 0, "`seed` of the dice that faults with a probability throw")
	flags.IntVar(&o.PreKeyCount, "prekey-count", 0, "`number` of prekeys that a new device is said to have, 0 to 4; above 0, whatsmeow uploads 50 instead of 812")
	flags.DurationVar(&o.HandshakeDelay, "handshake-delay", 0, "`time` of silence after the handshake")
	flags.DurationVar(&o.CloseGrace, "close-grace", 100*time.Millisecond, "`time` between a stream error or failure and the close")
	flags.StringVar(&c.record, "record", "", "`file` for a transcript of all stanzas and messages, replaced if there is one")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	switch {
	case flags.NArg() > 0:
		return c, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.CloseGrace < 0:
		return c, fmt.Errorf("close-grace %v: want none or a positive one", o.CloseGrace)
	case o.CloseGrace == 0:
		o.CloseGrace = -1 // as the options have it
	}
	return c, nil
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
	if err := os.WriteFile(unfinished, []byte(strings.Join(env, "\n")+"\n"), 0o600); err != nil {
		return "", err
	}
	return file, os.Rename(unfinished, file)
}
