package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/vault"
)

// openVault seals the engine with the key that config names. Nothing of the data is
// changed if that is not their key.
func openVault(ctx context.Context, engine persist.Engine, config configs.Config, log *zap.Logger) (*vault.Vault, error) {
	key, err := encryptionKey(ctx, engine, config, log)
	if err != nil {
		return nil, err
	}
	return vault.Open(ctx, engine, vaultConfig(config, key, log))
}

func vaultConfig(config configs.Config, key configs.Key, log *zap.Logger) vault.Config {
	const often = 100
	return vault.Config{
		Key: key, Content: config.Encryption.Messages,
		Progress: func(done, all int) {
			if done%often == 0 || done == all {
				log.Info("sealing what is stored", zap.Int("accounts", done), zap.Int("of", all))
			}
		},
		Damaged: func(account string, err error) {
			log.Error("values of an account cannot be opened and stay as they are", zap.String("account", account), zap.Error(err))
		},
	}
}

// encryptionKey is the one that is configured, or that in the key file, which is
// made where there is none and nothing has been sealed yet.
func encryptionKey(ctx context.Context, engine persist.Engine, config configs.Config, log *zap.Logger) (configs.Key, error) {
	if config.Encryption.Key != nil {
		return config.Encryption.Key, nil
	}
	path := keyFile(config)
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	switch sealed, err := vault.Sealed(ctx, engine); {
	case err != nil:
		return nil, err
	case sealed:
		return nil, &vault.KeyError{Problem: fmt.Sprintf("the data are sealed: set ENCRYPTION_KEY, or put their key into %s", path)}
	case config.Env.Name == configs.Production:
		return nil, &vault.KeyError{Problem: fmt.Sprintf("ENCRYPTION_KEY_FILE: there is no %s, and in production none is made", path)}
	}
	if key, err = makeKey(path); err != nil {
		return nil, fmt.Errorf("make encryption key: %w", err)
	}
	log.Warn("made a key that seals the data; keep a copy, for they cannot be read without it", zap.String("file", path))
	return key, nil
}

// keyFile is where the key is if it is not a variable.
func keyFile(config configs.Config) string {
	const name = "encryption.key"
	beside := map[string]string{
		configs.SQLiteStorage: filepath.Dir(config.Storage.SQLitePath),
		configs.FileStorage:   config.Storage.FilePath,
	}
	return cmp.Or(config.Encryption.KeyFile, filepath.Join(cmp.Or(beside[config.Storage.Type], "db"), name))
}

func readKey(path string) (key configs.Key, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read encryption key: %w", err)
	}
	if err := key.UnmarshalText(text); err != nil {
		return nil, &vault.KeyError{Problem: fmt.Sprintf("%s holds no key: %v", path, err)}
	}
	return key, nil
}

// makeKey writes a new key to a file, which is whole and on the disk, or not there,
// before anything is sealed with it.
func makeKey(path string) (configs.Key, error) {
	key := make(configs.Key, vault.KeySize)
	_, _ = rand.Read(key) // it never fails
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(folder, filepath.Base(path)+"-") // for this user alone
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(file, base64.StdEncoding.EncodeToString(key))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	// A link, for it does not replace the key of another process that was faster.
	if err := errors.Join(os.Link(file.Name(), path), os.Remove(file.Name())); err != nil {
		return nil, err
	}
	return key, syncFolder(folder)
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
