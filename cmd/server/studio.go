package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/httpapi/loopback"
	"whatsapp-web-server/httpapi/studio"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/engines"
	"whatsapp-web-server/persist/vault"
)

// headerTimeout is how long a browser may take to ask for a page.
const headerTimeout = 10 * time.Second

// runStudio serves a browser on the configured storage until ctx ends.
func runStudio(ctx context.Context, config configs.Config, arguments []string) error {
	flags := flag.NewFlagSet("studio", flag.ContinueOnError)
	address := flags.String("listen", "127.0.0.1:8084", "the `address` of the pages; beyond loopback only with ALLOW_UNAUTHENTICATED=true")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	if !loopback.Names(*address) && !config.HTTP.AllowUnauthenticated {
		return &usageError{fmt.Sprintf("server studio: %s is reachable beyond this machine, and the pages ask for no key", *address)}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *address)
	if err != nil {
		return fmt.Errorf("listen for the studio: %w", err)
	}
	fmt.Printf("The %s storage is shown on http://%s\n", config.Storage.Type, listener.Addr())
	return serveStudio(ctx, listener, config)
}

func serveStudio(ctx context.Context, listener net.Listener, config configs.Config) error {
	open := func(ctx context.Context) (persist.Engine, error) { return openToShow(ctx, config) }
	server := &http.Server{Handler: studio.New(config.Storage.Type, open), ReadHeaderTimeout: headerTimeout}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := server.Shutdown(stopping)
	if served := <-served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// openToShow opens the storage that config names, and seals nothing that is not
// sealed yet.
func openToShow(ctx context.Context, config configs.Config) (persist.Engine, error) {
	engine, err := engines.Open(ctx, storage(config))
	if err != nil {
		return nil, err
	}
	sealed, err := vault.Sealed(ctx, engine)
	if err == nil && !sealed {
		return engine, nil
	}
	var opened persist.Engine
	if err == nil {
		opened, err = openVault(ctx, engine, config, zap.NewNop())
	}
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return opened, nil
}
