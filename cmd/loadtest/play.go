package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// endTimeout is how long the player may take to end once it is asked to.
const endTimeout = time.Minute

// play runs the player until it is done, or until ctx ends.
func play(ctx context.Context, o options, target string, out *os.File) error {
	script := filepath.Join("loadtest", "k6", o.scenario+".js")
	if _, err := os.Stat(script); err != nil {
		return fmt.Errorf("find the scenario, which is looked for in the folder of the repository: %w", err)
	}
	command := exec.CommandContext(ctx, o.player[0], append(o.player[1:], script)...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = endTimeout
	command.Env = append(os.Environ(), "TARGET="+target)
	command.Stdout, command.Stderr = out, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("play %s with %s: %w", o.scenario, o.player[0], err)
	}
	return nil
}
