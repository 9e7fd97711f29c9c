package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"whatsapp-web-server/configs"
)

// command is something that this program does other than serving.
type command struct {
	name string
	help string // one line
	run  func(ctx context.Context, config configs.Config, arguments []string) error
}

// commands is every command there is, in the order in which help lists them.
func commands() []command {
	return []command{
		{"init", "makes the storage that is configured, or brings its schema up to date", initStorage},
		{"backup", "writes all accounts of a running or stopped server to a file", backup},
		{"restore", "puts a backup into an empty storage", restore},
		{"migrate", "moves all accounts from one storage to another", migrate},
		{"rekey", "seals the storage with a new ENCRYPTION_KEY", rekey},
		{"compact", "makes the database of the file storage as small as what is in it; no server may run", compact},
		{"keys", "makes, lists and revokes keys: server keys create -h", keys},
		{"health", "asks the server that runs with this configuration whether it answers", checkHealth},
		{"studio", "shows what is in the storage, in a browser", runStudio},
	}
}

// execute serves if there are no arguments; else the first names a command.
func execute(ctx context.Context, arguments []string) error {
	if len(arguments) == 0 {
		return serve(ctx)
	}
	name, rest := arguments[0], arguments[1:]
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, name) {
		printUsage(os.Stdout)
		return nil
	}
	known := commands()
	at := slices.IndexFunc(known, func(c command) bool { return c.name == name })
	if at < 0 {
		printUsage(os.Stderr)
		return &usageError{fmt.Sprintf("unknown command %q", name)}
	}
	config, err := configs.Load(os.Environ(), ".env")
	if err != nil {
		return err
	}
	if err := known[at].run(ctx, config, rest); !errors.Is(err, flag.ErrHelp) {
		return err
	}
	return nil
}

func printUsage(out io.Writer) {
	fmt.Fprint(out, "Usage: server              serves, configured by the environment and .env\n"+
		"       server <command>    does one thing and ends; -h tells its flags\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-10s%s\n", c.name, c.help)
	}
}

// usageError says that the arguments make no sense. The program exits with 2.
type usageError struct{ problem string }

func (e *usageError) Error() string { return e.problem }

// parse reads the flags of a command, and the arguments that follow them, of which
// there are as many as names.
func parse(flags *flag.FlagSet, arguments []string, names ...string) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(arguments)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Println(strings.Join(append([]string{"Usage: server", flags.Name(), "[flags]"}, names...), " "))
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return err
	case err != nil:
		return &usageError{fmt.Sprintf("server %s: %v", flags.Name(), err)}
	case flags.NArg() != len(names):
		return &usageError{fmt.Sprintf("server %s: takes %s, not %d arguments",
			flags.Name(), cmp.Or(strings.Join(names, " "), "no arguments"), flags.NArg())}
	}
	return nil
}

func initStorage(ctx context.Context, config configs.Config, arguments []string) error {
	if err := parse(flag.NewFlagSet("init", flag.ContinueOnError), arguments); err != nil {
		return err
	}
	log, err := newLog(config)
	if err != nil {
		return err
	}
	engine, err := openEngine(ctx, config, log)
	if err != nil {
		return err
	}
	fmt.Printf("The %s storage is ready.\n", config.Storage.Type)
	return engine.Close()
}
