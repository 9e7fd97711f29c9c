package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"time"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/configs"
)

// lastCrash is added to the name of the crash log when the next process begins.
const lastCrash = ".last"

// crashLog is where the process leaves what it dies of; empty if nowhere. Where
// nothing else is kept, this is not either, unless asked for.
func crashLog(config configs.Config) string {
	switch {
	case config.Env.CrashLog != "":
		return config.Env.CrashLog
	case config.Storage.Type == configs.SQLiteStorage:
		return filepath.Join(filepath.Dir(config.Storage.SQLitePath), "crash.log")
	case config.Storage.Type == configs.FileStorage:
		return filepath.Join(config.Storage.FilePath, "crash.log")
	default:
		return ""
	}
}

// recordCrashes has the Go runtime write a fatal panic to the file, with the labels
// of its goroutine, among them the account. What the last process left there is
// kept beside it.
func recordCrashes(path string) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder of the crash log: %w", err)
	}
	if left, err := os.Stat(path); err == nil && left.Size() > 0 {
		if err := os.Rename(path, path+lastCrash); err != nil {
			return fmt.Errorf("keep the last crash: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("open crash log: %w", err)
	}
	defer func() { _ = file.Close() }() // the runtime has its own descriptor
	if err := debug.SetCrashOutput(file, debug.CrashOptions{}); err != nil {
		return fmt.Errorf("set crash log: %w", err)
	}
	return labelTracebacks()
}

// labelTracebacks shows the labels of goroutines, which is not the default before Go
// 1.27. The runtime takes notice of the variable whenever it changes.
func labelTracebacks() error {
	const setting = "tracebacklabels=1"
	present := os.Getenv("GODEBUG")
	if present == "" {
		return os.Setenv("GODEBUG", setting)
	}
	return os.Setenv("GODEBUG", present+","+setting)
}

// maxTraceback is as much of a crash as is read: the goroutine that failed comes first.
const maxTraceback = 1 << 20

// readLastCrash tells which account a former process died of, if one did and it is
// known. The same crash is told at every start until there is another.
func readLastCrash(path string) (actors.ProcessCrash, error) {
	if path == "" {
		return actors.ProcessCrash{}, nil
	}
	file, err := os.Open(path + lastCrash)
	if errors.Is(err, fs.ErrNotExist) {
		return actors.ProcessCrash{}, nil
	}
	if err != nil {
		return actors.ProcessCrash{}, fmt.Errorf("open last crash: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, infoErr := file.Stat()
	traceback, err := io.ReadAll(io.LimitReader(file, maxTraceback))
	if err := cmp.Or(infoErr, err); err != nil {
		return actors.ProcessCrash{}, fmt.Errorf("read last crash: %w", err)
	}
	return actors.ProcessCrash{Account: culprit(traceback), At: info.ModTime().UTC().Truncate(time.Millisecond)}, nil
}

var (
	goroutine = regexp.MustCompile(`(?m)^goroutine \d+ .*$`)
	labelled  = regexp.MustCompile(`labels:\{.*"` + actors.AccountKind + `": "?(\d+)`)
)

// culprit is the account that the first goroutine of a traceback works for, which is
// the one that failed; empty if none.
func culprit(traceback []byte) string {
	found := labelled.FindSubmatch(goroutine.Find(traceback))
	if found == nil {
		return ""
	}
	return string(found[1])
}
