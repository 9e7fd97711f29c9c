package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"whatsapp-web-server/loadtest/simulator"
)

// stage is the simulated WhatsApp, the real server and a client of both its
// interfaces.
type stage struct {
	screen *screen
	world  *simulator.Simulator
	server *server
	api    *api
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
	if s.server, err = startServer(ctx, folder, binary, s.world.Env()); err != nil {
		return nil, err
	}
	s.api = &api{base: "http://" + s.server.rest}
	if err = s.awaitServer(ctx); err != nil {
		return nil, err
	}
	if s.events, err = subscribe(ctx, "ws://"+s.server.socket, screen); err != nil {
		return nil, err
	}
	return s, nil
}

// openWorld starts the simulator, its control API at port 4480 where that is free.
func openWorld(ctx context.Context, folder string) (*simulator.Simulator, error) {
	control, err := freePort(ctx, 4480)
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

// awaitServer returns when the server answers, or has ended.
func (s *stage) awaitServer(ctx context.Context) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := s.api.get(ctx, "/api/clients/status", nil)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-s.server.ended:
			return errors.New("the server ended at once")
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		}
	}
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
		err = s.server.stop()
		if failed || err != nil {
			s.screen.printf("\nThe server's log:\n%s", s.server.tail())
		}
		err = errors.Join(err, s.server.log.Close())
	}
	if s.world != nil {
		err = errors.Join(err, s.world.Close())
	}
	return err
}
