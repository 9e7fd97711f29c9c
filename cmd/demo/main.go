// Command demo shows the server at work with nothing but Go: it starts the
// simulated WhatsApp and a real server in a temporary folder, links two accounts
// by QR code, sends and receives, and prints every event as it arrives. Then it
// stays up for hands, with lines to paste, until it is interrupted.
//
// It builds the server by itself and is therefore run inside the module. Ports
// 3001 and 3002 are used where they are free, and what the working directory
// holds is left alone. The exit status is 0 when everything went as told, and 1
// otherwise; the server's log is printed then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"whatsapp-web-server/loadtest/gateway"
)

// storyTimeout is many times what linking and sending take.
const storyTimeout = time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

// run plays the demo in a folder that is gone afterwards.
func run(ctx context.Context, args []string, out *os.File) (err error) {
	once, server, err := parse(args, out)
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	folder, err := os.MkdirTemp("", "whatsapp-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	screen := newScreen(out)
	if server == "" {
		screen.printf("Building the server.")
		if server, err = gateway.Build(ctx, folder); err != nil {
			return err
		}
	}
	return play(ctx, screen, folder, server, once)
}

func parse(args []string, out io.Writer) (once bool, server string, err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.BoolVar(&once, "once", false, "stop when everything has been shown, instead of staying up")
	flags.StringVar(&server, "server", "", "use this `binary` of the server instead of building one")
	if err := flags.Parse(args); err != nil {
		return false, "", err
	}
	if flags.NArg() > 0 {
		return false, "", fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return once, server, nil
}

// play sets the stage, tells the story and, unless it is for once, lets others
// use the stage until ctx ends.
func play(ctx context.Context, screen *screen, folder, binary string, once bool) (err error) {
	stage, err := openStage(ctx, screen, folder, binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.close(err != nil)) }()
	if err := stage.tellWithin(ctx, storyTimeout); err != nil || once {
		return err
	}
	screen.cheatSheet(stage.cheatSheet())
	err = stage.watch(ctx)
	if ctx.Err() == nil && websocket.CloseStatus(err) != websocket.StatusGoingAway {
		return err
	}
	screen.printf("\nStopping.") // Ctrl-C reaches the server too, which may be the first to stop
	return nil
}
