package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/httpapi/admin"
	"whatsapp-web-server/supervisor"
)

// Why the server does not do its work.
var (
	errStarting = errors.New("starting")
	errDraining = errors.New("draining")
)

// readiness tells whether the server does its work. Its zero value is that of one that
// starts.
type readiness struct {
	accounts atomic.Pointer[supervisor.Supervisor] // nil until all are there
	draining atomic.Bool
}

// check is nil while it does.
func (r *readiness) check() error {
	accounts := r.accounts.Load()
	switch {
	case r.draining.Load():
		return errDraining
	case accounts == nil:
		return errStarting
	default:
		return accounts.Available()
	}
}

// observatory is the listener for whoever looks after the process. It is the first to
// be there, and the last to go.
type observatory struct {
	listener net.Listener
	server   http.Server
	serving  sync.WaitGroup
	failure  error
}

// AdminAddress is where metrics, probes and profiles are served; empty if they are not.
func (s *Server) AdminAddress() string {
	if s.observatory == nil {
		return ""
	}
	return s.observatory.listener.Addr().String()
}

func (s *Server) openObservatory(ctx context.Context, config configs.Config) error {
	s.metrics = admin.NewMetrics()
	if config.Admin.Address == configs.NoAdmin {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", config.Admin.Address)
	if err != nil {
		return fmt.Errorf("listen at ADMIN_ADDR: %w", err)
	}
	pages := admin.New(admin.Config{
		APIKey: config.HTTP.APIKey.Reveal(), AllowUnauthenticated: config.HTTP.AllowUnauthenticated, Ready: s.ready.check,
	}, s.metrics)
	s.observatory = &observatory{listener: listener, server: http.Server{Handler: pages, ReadHeaderTimeout: headerTimeout}}
	s.observatory.serving.Go(func() { s.observatory.failure = s.observatory.server.Serve(listener) })
	return nil
}

// close cuts off who is still reading.
func (o *observatory) close() error {
	err := o.server.Close()
	o.serving.Wait()
	if !errors.Is(o.failure, http.ErrServerClosed) {
		err = errors.Join(err, o.failure)
	}
	return err
}
