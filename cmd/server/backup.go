package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"go.uber.org/zap"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/httpapi"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/engines"
	"whatsapp-web-server/persist/transfer"
	"whatsapp-web-server/persist/vault"
)

// beginBackup returns what writes the engine as it is now, with what is sealed in it
// sealed.
func beginBackup(ctx context.Context, engine persist.Engine) (write func(context.Context, io.Writer) error, err error) {
	if sealed, ok := engine.(*vault.Vault); ok {
		engine = sealed.Unwrap()
	}
	snapshotter, ok := engine.(persist.Snapshotter)
	if !ok {
		return nil, httpapi.ErrNoBackup
	}
	snapshot, err := snapshotter.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, to io.Writer) error {
		return errors.Join(transfer.Backup(ctx, snapshot, to), snapshot.Close())
	}, nil
}

// backup has the running server write, for the files are its own. If none runs, the
// storage is opened here.
func backup(ctx context.Context, config configs.Config, arguments []string) error {
	flags := flag.NewFlagSet("backup", flag.ContinueOnError)
	if err := parse(flags, arguments, "FILE"); err != nil {
		return err
	}
	path := flags.Arg(0)
	if _, err := os.Stat(path); err == nil {
		return &usageError{fmt.Sprintf("server backup: %s exists already", path)}
	}
	err := writeWhole(path, func(file *os.File) error {
		err := backupByServer(ctx, config, file)
		if errors.Is(err, syscall.ECONNREFUSED) {
			err = backupHere(ctx, config, file)
		}
		if err != nil {
			return err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return transfer.Verify(file)
	})
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	fmt.Printf("The backup is in %s. Keep it apart from ENCRYPTION_KEY, which reading it needs.\n", path)
	return nil
}

// writeWhole makes a file that is whole and on the disk, or not there.
func writeWhole(path string, write func(*os.File) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-") // for this user alone
	if err != nil {
		return err
	}
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func backupByServer(ctx context.Context, config configs.Config, to io.Writer) error {
	address := net.JoinHostPort(dialable(config.HTTP.Host), strconv.Itoa(config.HTTP.Port))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/backup", nil)
	if err != nil {
		return err
	}
	if config.HTTP.APIKey != "" {
		request.Header.Set("Authorization", "Bearer "+config.HTTP.APIKey.Reveal())
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		const enough = 1 << 10
		text, _ := io.ReadAll(io.LimitReader(response.Body, enough))
		return fmt.Errorf("the server at %s answers %s: %s", address, response.Status, text)
	}
	_, err = io.Copy(to, response.Body)
	return err
}

// dialable is where a server that is bound to host can be reached from here.
func dialable(host string) string {
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return "localhost"
	}
	return host
}

func backupHere(ctx context.Context, config configs.Config, to io.Writer) error {
	engine, err := engines.Open(ctx, storage(config))
	if err != nil {
		return err
	}
	write, err := beginBackup(ctx, engine)
	if err == nil {
		err = write(ctx, to)
	}
	return errors.Join(err, engine.Close())
}

// restore puts a backup into the storage that is configured, which is empty.
func restore(ctx context.Context, config configs.Config, arguments []string) error {
	flags := flag.NewFlagSet("restore", flag.ContinueOnError)
	if err := parse(flags, arguments, "FILE"); err != nil {
		return err
	}
	path := flags.Arg(0)
	log, err := newLog(config)
	if err != nil {
		return err
	}
	engine, err := openEngine(ctx, config, log)
	if err != nil {
		return err
	}
	accounts, err := restoreFrom(ctx, path, engine, config)
	if err := errors.Join(err, engine.Close()); err != nil {
		return fmt.Errorf("restore %s: %w", path, err)
	}
	fmt.Printf("%d accounts are back. Never start the server again that the backup is of.\n", accounts)
	return nil
}

func restoreFrom(ctx context.Context, path string, engine persist.Engine, config configs.Config) (accounts int, err error) {
	open := func() (io.ReadCloser, error) { return os.Open(path) }
	return transfer.Restore(ctx, open, engine, func(keys []persist.DataKey) (opener, error) {
		operators, err := operatorsKeys(config)
		if err != nil {
			return nil, err
		}
		return vault.Opener(keys, operators...)
	})
}

// opener opens a sealed row.
type opener = func(persist.Scope, *persist.Table, persist.Row) (persist.Row, error)

// operatorsKeys is the key that is configured, and the one before.
func operatorsKeys(config configs.Config) (keys [][]byte, err error) {
	key := config.Encryption.Key
	if key == nil {
		if key, err = readKey(keyFile(config)); err != nil {
			return nil, err
		}
	}
	keys = append(keys, key)
	if config.Encryption.OldKey != nil {
		keys = append(keys, config.Encryption.OldKey)
	}
	return keys, nil
}

// rekey seals everything anew. The key that is configured is the new one, and
// ENCRYPTION_KEY_OLD the one before; or the new one is in a file, and the one before
// is configured.
func rekey(ctx context.Context, config configs.Config, arguments []string) error {
	flags := flag.NewFlagSet("rekey", flag.ContinueOnError)
	quick := flags.Bool("quick", false, "wrap the data key with the new key, and leave what it seals as it is")
	newFile := flags.String("new-key-file", "", "the file with the new key; the configured one is that before")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	log, err := newLog(config)
	if err != nil {
		return err
	}
	keys, err := operatorsKeys(config)
	if err != nil {
		return err
	}
	if *newFile != "" {
		fresh, err := readKey(*newFile)
		if err != nil {
			return err
		}
		keys = [][]byte{fresh, keys[0]}
	}
	engine, err := engines.Open(ctx, storage(config))
	if err != nil {
		return err
	}
	if err := errors.Join(rekeyEngine(ctx, engine, config, keys, *quick, log), engine.Close()); err != nil {
		return err
	}
	fmt.Println("Done. Start the server with the new key; the one before opens nothing any more.")
	return nil
}

func rekeyEngine(ctx context.Context, engine persist.Engine, config configs.Config, keys [][]byte, quick bool, log *zap.Logger) error {
	settings := vaultConfig(config, keys[0], log)
	var old []byte
	if len(keys) > 1 {
		old = keys[1]
	}
	if quick {
		return vault.Rewrap(ctx, engine, settings, old)
	}
	return vault.Rekey(ctx, engine, settings, old)
}
