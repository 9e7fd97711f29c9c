// Command loadtest plays one of the scenarios of loadtest/k6 against a real server
// on a simulated WhatsApp. It starts both, links accounts, runs the program that
// plays the scenario, asks the simulator's referee, and stops everything:
//
//	loadtest --scenario mixed --accounts 20 -- k6 run
//
// What follows -- gets the path of the scenario as its last argument and, in the
// variable TARGET, that of a file that says whom to ask; loadtest/k6/lib/config.js
// describes it. The exit status is 0 if every threshold holds and the referee has
// seen nothing that must not be, and 1 otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"whatsapp-web-server/loadtest/gateway"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

// options are what to play, how hard, and with what.
type options struct {
	scenario string
	accounts int
	duration time.Duration
	rate     int
	p95      time.Duration
	report   string
	server   string
	player   []string

	environment []string
}

// scenarios are those of loadtest/k6.
var scenarios = []string{"send", "read", "subscribe", "mixed"}

// maxAccounts is how many numbers there are.
const maxAccounts = 10_000

func parse(args []string, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.scenario, "scenario", "mixed", "send, read, subscribe or mixed")
	flags.IntVar(&o.accounts, "accounts", 20, "how many accounts are linked")
	flags.DurationVar(&o.duration, "duration", 30*time.Second, "how long it is played")
	flags.IntVar(&o.rate, "rate", 20, "requests of each sort a second, over all accounts")
	flags.DurationVar(&o.p95, "p95", 2*time.Second, "what 95 of 100 have to be faster than; 0 asks for no speed")
	flags.StringVar(&o.report, "report", "loadtest/k6/report", "the `folder` for the report")
	flags.StringVar(&o.server, "server", "", "use this `binary` of the server instead of building one")
	flags.Func("env", "a `VARIABLE=value` for the server, such as STORAGE_TYPE=file; may be repeated", func(variable string) error {
		o.environment = append(o.environment, variable)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	o.player = flags.Args()
	return o, o.check()
}

func (o options) check() error {
	var errs []error
	if !slices.Contains(scenarios, o.scenario) {
		errs = append(errs, fmt.Errorf("--scenario %q: expected one of %s", o.scenario, strings.Join(scenarios, ", ")))
	}
	if o.accounts < 1 || o.accounts > maxAccounts {
		errs = append(errs, fmt.Errorf("--accounts %d: expected 1 to %d", o.accounts, maxAccounts))
	}
	if o.duration < time.Second {
		errs = append(errs, fmt.Errorf("--duration %s: expected at least a second", o.duration))
	}
	if o.rate < 1 {
		errs = append(errs, fmt.Errorf("--rate %d: expected at least 1", o.rate))
	}
	if o.p95 < 0 {
		errs = append(errs, fmt.Errorf("--p95 %s: expected no less than 0", o.p95))
	}
	if len(o.player) == 0 {
		errs = append(errs, errors.New("what plays the scenario is missing, such as -- k6 run"))
	}
	return errors.Join(errs...)
}

// run plays a scenario in a folder that is gone afterwards.
func run(ctx context.Context, args []string, out *os.File) (err error) {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "whatsapp-loadtest-")
	if err != nil {
		return fmt.Errorf("make a folder for the server: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if o.server == "" {
		fmt.Fprintln(out, "Building the server.")
		if o.server, err = gateway.Build(ctx, folder); err != nil {
			return err
		}
	}
	stage, err := openStage(ctx, folder, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.close(err != nil, out)) }()
	began := time.Now()
	if err := stage.linkAll(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "Linked %d accounts in %s. Playing %s for %s.\n", o.accounts, time.Since(began).Round(time.Millisecond), o.scenario, o.duration)
	http.DefaultClient.CloseIdleConnections() // the server would hang up on them meanwhile
	target, err := stage.describe(filepath.Join(folder, "target.json"))
	if err != nil {
		return err
	}
	return errors.Join(play(ctx, o, target, out), stage.judge())
}
