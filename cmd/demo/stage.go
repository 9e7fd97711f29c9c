package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"whatsapp-web-server/loadtest/gateway"
	"whatsapp-web-server/loadtest/simulator"
)

// stage is the simulated WhatsApp, the real server and a client of both its
// interfaces.
type stage struct {
	screen *screen
	world  *simulator.Simulator
	server *gateway.Server
	api    *gateway.Client
	events *events
}

// openStage starts everything and waits until the server answers. After an error
// nothing is left running.
func openStage(ctx context.Context, screen *screen, folder, binary string) (_ *stage, err error) {
	s := &stage{screen: screen}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(true))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, storyTimeout)
	defer cancel()
	if s.world, err = openWorld(ctx, filepath.Join(folder, "simulator")); err != nil {
		return nil, err
	}
	if s.server, err = gateway.Start(ctx, folder, binary, s.world.Env()); err != nil {
		return nil, err
	}
	s.api = s.server.Client()
	if err = s.server.AwaitReady(ctx); err != nil {
		return nil, err
	}
	if s.events, err = subscribe(ctx, "ws://"+s.server.Socket, screen); err != nil {
		return nil, err
	}
	return s, nil
}

// openWorld starts the simulator, its control API at port 4480 where that is free.
func openWorld(ctx context.Context, folder string) (*simulator.Simulator, error) {
	control, err := gateway.FreePort(ctx, 4480)
	if err != nil {
		return nil, err
	}
	world, err := simulator.New(simulator.Options{StateDir: folder, Control: net.JoinHostPort("127.0.0.1", control)})
	if err == nil {
		err = world.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	return world, nil
}

// watch prints events until ctx ends or the server does.
func (s *stage) watch(ctx context.Context) error {
	for {
		if _, err := s.events.next(ctx); err != nil {
			return err
		}
	}
}

// close stops everything, the server first. After a failure it prints the
// server's log.
func (s *stage) close(failed bool) (err error) {
	if s.events != nil {
		s.events.close()
	}
	if s.server != nil {
		err = s.server.Stop()
		if failed || err != nil {
			s.screen.printf("\nThe server's log:\n%s", s.server.Tail())
		}
		err = errors.Join(err, s.server.Close())
	}
	if s.world != nil {
		err = errors.Join(err, s.world.Close())
	}
	return err
}
