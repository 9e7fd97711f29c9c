package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/gateway"
)

// demoVariable makes this test binary, started again as a child, run main
// instead of the tests.
const demoVariable = "DEMO_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(demoVariable) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		if folder != "" {
			_ = os.RemoveAll(folder)
		}
		os.Exit(status)
	}))
}

// folder is what builtServer has made, until all tests are over.
var folder string

// builtServer is a binary of the server for the tests that are not about building.
var builtServer = sync.OnceValues(func() (binary string, err error) {
	if folder, err = os.MkdirTemp("", "demo-test-"); err != nil {
		return "", err
	}
	return gateway.Build(context.Background(), folder)
})

// startBuilt starts the demo with a server that is there already.
func startBuilt(t *testing.T, args ...string) *demo {
	t.Helper()
	binary, err := builtServer()
	require.NoError(t, err)
	return start(t, append(args, "--server", binary)...)
}

// demo is the demo in a process of its own, with a folder of its own for
// temporary files.
type demo struct {
	command *exec.Cmd
	lines   *bufio.Scanner
	printed bytes.Buffer // what has been read of lines
	errors  bytes.Buffer
	temp    string
}

// start runs the demo in the folder of this package.
func start(t *testing.T, args ...string) *demo {
	t.Helper()
	d := &demo{command: exec.Command(os.Args[0], args...), temp: t.TempDir()}
	d.command.Env = append(os.Environ(), demoVariable+"=1", "TMPDIR="+d.temp, "PORT=1", "API_KEY=not-for-the-demo")
	d.command.Stderr = &d.errors
	d.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	output, err := d.command.StdoutPipe()
	require.NoError(t, err)
	d.lines = bufio.NewScanner(io.TeeReader(output, &d.printed))
	require.NoError(t, d.command.Start())
	abandon := time.AfterFunc(3*time.Minute, func() { _ = d.kill() })
	t.Cleanup(func() {
		abandon.Stop()
		if d.command.ProcessState == nil { // the test has failed before it was over
			_ = d.kill()
			_ = d.command.Wait()
		}
	})
	return d
}

// kill ends the demo and its server at once.
func (d *demo) kill() error { return syscall.Kill(-d.command.Process.Pid, syscall.SIGKILL) }

// readUntil reads lines until one contains text, and returns those before.
func (d *demo) readUntil(t *testing.T, text string) (before []string) {
	t.Helper()
	for d.lines.Scan() {
		if strings.Contains(d.lines.Text(), text) {
			return before
		}
		before = append(before, d.lines.Text())
	}
	require.Fail(t, "the demo did not say "+text, "%s%s", &d.printed, &d.errors)
	return nil
}

// finish reads what is left and returns the exit status. Nothing may be left
// behind then.
func (d *demo) finish(t *testing.T) (status int) {
	t.Helper()
	for d.lines.Scan() { // into printed
	}
	if err := d.command.Wait(); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		require.True(t, ok, "%v", err)
		status = exit.ExitCode()
	}
	left, err := os.ReadDir(d.temp)
	require.NoError(t, err)
	require.Empty(t, left)
	return status
}

func TestOnceLinksSendsReceivesAndLeavesNothingBehind(t *testing.T) {
	before := files(t)
	d := start(t, "--once")
	require.Zero(t, d.finish(t), "%s%s", &d.printed, &d.errors)
	told := d.printed.String()
	for _, part := range []string{
		"\n1. Link account 31600000001", "██▄▄▄▄▄▄▄█", "✓ linked, and ready", "\n2. Link account 31600000002",
		"✓ Ann's phone shows: Hello Ann, your order is ready.",
		"from Ann 31600000003: Great, I am on my way!",
		"from Shop 31600000001: Ann is coming to pick it up.",
		"Linked 2 accounts, sent 2 messages, received 2.",
	} {
		require.Contains(t, told, part)
	}
	require.Regexp(t, `\d\d:\d\d:\d\d\.\d{3}  31600000001  connection-state  connecting → `, told)
	require.Regexp(t, `\d\d:\d\d:\d\d\.\d{3}  31600000001  message-status    read `, told)
	require.NotContains(t, told, "\x1b", "colours are for terminals")
	require.NotContains(t, told, lastLine)
	require.Equal(t, before, files(t))
}

// files are the contents of the working directory.
func files(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestEveryLineOfTheCheatSheetWorksWhenPasted(t *testing.T) {
	d := startBuilt(t)
	var pasted int
	for _, line := range d.readUntil(t, lastLine) {
		if !strings.Contains(line, "curl ") {
			continue
		}
		pasted++
		output, err := paste(t, line)
		require.NoError(t, err, "%s\n%s", line, output)
		require.Regexp(t, `^[{\[]`, output, line)
		require.NotContains(t, output, `"error"`, line)
	}
	require.GreaterOrEqual(t, pasted, 11)
	d.readUntil(t, "from Ann 31600000003: Are you open?")
	d.readUntil(t, "31600000004  ready")
	require.NoError(t, syscall.Kill(-d.command.Process.Pid, syscall.SIGINT), "as Ctrl-C does, to the server as well")
	require.Zero(t, d.finish(t), "%s%s", &d.printed, &d.errors)
	require.Contains(t, d.printed.String(), "Stopping.")
}

// paste runs a line as a shell does.
func paste(t *testing.T, line string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, "sh", "-c", line)
	command.Dir = t.TempDir()
	printed, err := command.CombinedOutput()
	return string(printed), err
}

func TestPortsThatAreTakenAreLeftAlone(t *testing.T) {
	var taken []string
	for _, port := range []string{"3001", "3002", "4480"} {
		listener, err := net.Listen("tcp", "localhost:"+port)
		if err != nil {
			continue // somebody has it already, and may let go of it at any time
		}
		t.Cleanup(func() { _ = listener.Close() })
		taken = append(taken, port)
	}
	d := startBuilt(t, "--once")
	require.Zero(t, d.finish(t), "%s%s", &d.printed, &d.errors)
	for _, port := range taken {
		require.NotRegexp(t, ":"+port+`\b`, d.printed.String())
	}
}

func TestAFailureTellsWhyAndShowsTheServersLog(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "server")
	require.NoError(t, os.WriteFile(broken, []byte("#!/bin/sh\necho the disk is full\nexit 3\n"), 0o755))
	d := start(t, "--once", "--server", broken)
	require.Equal(t, 1, d.finish(t))
	require.Contains(t, d.printed.String(), "The server's log:\nthe disk is full\n")
	require.Contains(t, d.errors.String(), "demo: the server ended at once")
	require.Contains(t, d.errors.String(), "exit status 3")
}

func TestWrongArgumentsAreRefused(t *testing.T) {
	for reason, args := range map[string][]string{
		"not defined":                {"--twice"},
		`unexpected argument "once"`: {"once"},
		"no such file":               {"--server", "nowhere"},
	} {
		d := start(t, args...)
		require.Equal(t, 1, d.finish(t))
		require.Contains(t, d.errors.String(), reason)
	}
}

func TestAnInterruptedStoryIsAFailure(t *testing.T) {
	d := startBuilt(t, "--once")
	d.readUntil(t, "1. Link account")
	require.NoError(t, d.command.Process.Signal(os.Interrupt))
	require.Equal(t, 1, d.finish(t))
	require.Contains(t, d.errors.String(), "interrupt")
}
