// Command ferretdb serves the MongoDB protocol over SQLite files: a stand-in for
// tests where there is no mongod. Do not keep data in it that matter: an update
// reads and writes in two steps, and what is confirmed is not flushed to the disk.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	dir := flag.String("dir", "", "folder of the data, which must exist")
	host := flag.String("host", "127.0.0.1", "address to listen on")
	port := flag.String("port", "27017", "port to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *dir, net.JoinHostPort(*host, *port)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve runs until ctx ends. What is written is in the files' cache at once, which
// outlives the process but no power failure: the tests' servers end by SIGKILL.
func serve(ctx context.Context, dir, address string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Handler:   "sqlite",
		SQLiteURL: "file:" + dir + "/?_pragma=synchronous(off)",
		Listener:  ferretdb.ListenerConfig{TCP: address},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}
