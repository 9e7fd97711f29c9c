package main

import (
	"context"
	"flag"
	"fmt"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/persist/bolt"
)

// compact is for the file storage alone: nothing is the matter with the others.
func compact(ctx context.Context, config configs.Config, arguments []string) error {
	if err := parse(flag.NewFlagSet("compact", flag.ContinueOnError), arguments); err != nil {
		return err
	}
	if config.Storage.Type != configs.FileStorage {
		return &usageError{fmt.Sprintf("server compact: only the file storage needs it, and STORAGE_TYPE is %s", config.Storage.Type)}
	}
	before, after, err := bolt.Compact(ctx, bolt.Config{Folder: config.Storage.FilePath})
	if err != nil {
		return err
	}
	fmt.Printf("The database had %.1f MB and has %.1f MB.\n", megabytes(before), megabytes(after))
	return nil
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }
