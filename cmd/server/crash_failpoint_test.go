package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

// Moments are given as "before 17": just before the 17th commit of a process, or
// frame from now on; or as "before outbox": before the first commit that puts a
// record into that table.
const (
	before = "before"
	after  = "after"
)

// failpointVariable names the commit at which a child kills itself.
const failpointVariable = "SERVER_TEST_COMMIT"

// mortal is an engine that takes the process with it.
type mortal struct {
	persist.Engine
	when  string
	left  int    // commits; only the committer calls Apply
	table string // for the first that puts into it, instead
}

// setFailpoint does as the variable says.
func setFailpoint() {
	moment := os.Getenv(failpointVariable)
	if moment == "" {
		return
	}
	m := &mortal{}
	if _, err := fmt.Sscan(moment, &m.when, &m.table); err != nil {
		panic(err)
	}
	if left, err := strconv.Atoi(m.table); err == nil {
		m.left, m.table = left, ""
	}
	underTest = func(engine persist.Engine) persist.Engine {
		m.Engine = engine
		return m
	}
}

func (m *mortal) Apply(ctx context.Context, batches []persist.Batch) []error {
	m.left--
	now := m.left == 0 || m.table != "" && putsInto(m.table, batches)
	if now && m.when == before {
		die()
	}
	results := m.Engine.Apply(ctx, batches)
	if now {
		die()
	}
	return results
}

func putsInto(table string, batches []persist.Batch) bool {
	for _, batch := range batches {
		for _, m := range batch.Mutations {
			if m.Table.Name == table && !m.Delete {
				return true
			}
		}
	}
	return false
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until it has arrived
}

// killAtCommit has the next process die at a commit, at which its barriers wait.
func (c *campaign) killAtCommit(t *testing.T, when string) {
	t.Helper()
	c.awaitAnswers(t, 1)
	c.process.kill(t)
	c.entrance.close()
	moment := fmt.Sprintf("%s %d", when, 1+c.random.IntN(60))
	c.launch(t, failpointVariable+"="+moment)
	c.process.awaitKill(t)
	c.entrance.close()
	t.Logf("killed %s. commit", moment)
	c.launch(t)
}

// killAtFrame has the process die as a frame passes the gate: before it, the frame
// never arrives.
func (c *campaign) killAtFrame(t *testing.T, way direction, when string) {
	t.Helper()
	c.awaitAnswers(t, 1)
	frames := 1 + c.random.IntN(40)
	struck := c.gate.arm(way, when, frames, func() { _ = c.process.command.Process.Kill() })
	select {
	case <-struck:
	case <-time.After(patience):
		require.Fail(t, "no such frame", "%s %d %s", when, frames, way)
	}
	c.process.awaitKill(t)
	c.entrance.close()
	t.Logf("killed %s %d. frame %s", when, frames, way)
	c.launch(t)
}

// direction is where frames go.
type direction string

const (
	toService direction = "to the service"
	toServer  direction = "to the server"
)

// gate is a relay between the server and the simulated service. It takes for a
// frame what is read at once: one of WebSocket, unless several were written in
// microseconds.
type gate struct {
	listener net.Listener
	service  string
	passing  sync.WaitGroup

	mu     sync.Mutex
	way    direction
	when   string
	left   int
	strike func()
	struck chan struct{}
	open   map[net.Conn]struct{} // nil once it is closed
}

func openGate(t *testing.T, world *simulator.Simulator) *gate {
	t.Helper()
	endpoint, err := url.Parse(world.Endpoint())
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &gate{listener: listener, service: endpoint.Host, open: map[net.Conn]struct{}{}}
	g.passing.Go(g.accept)
	t.Cleanup(g.close)
	return g
}

// environment leads the server through the gate.
func (g *gate) environment(world *simulator.Simulator) []string {
	environment := world.Env()
	for i, variable := range environment {
		if strings.HasPrefix(variable, "WA_ENDPOINT=") {
			environment[i] = strings.Replace(variable, g.service, g.listener.Addr().String(), 1)
		}
	}
	return environment
}

// arm calls strike at a frame, once. The returned channel is closed then.
func (g *gate) arm(way direction, when string, frames int, strike func()) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.way, g.when, g.left, g.strike, g.struck = way, when, frames, strike, make(chan struct{})
	return g.struck
}

func (g *gate) close() {
	_ = g.listener.Close()
	g.mu.Lock()
	for connection := range g.open {
		_ = connection.Close()
	}
	g.open = nil
	g.mu.Unlock()
	g.passing.Wait()
}

// keep has a connection closed with the gate; false says that it is.
func (g *gate) keep(connection net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		_ = connection.Close()
		return false
	}
	g.open[connection] = struct{}{}
	return true
}

func (g *gate) drop(connection net.Conn) {
	_ = connection.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, connection)
}

func (g *gate) accept() {
	for {
		server, err := g.listener.Accept()
		if err != nil {
			return
		}
		service, err := net.Dial("tcp", g.service)
		if err != nil {
			_ = server.Close()
			continue
		}
		if !g.keep(server) || !g.keep(service) {
			_ = server.Close()
			return
		}
		for _, way := range []struct {
			direction
			from, to net.Conn
		}{{toService, server, service}, {toServer, service, server}} {
			g.passing.Go(func() {
				defer g.drop(way.to)
				defer g.drop(way.from)
				g.relay(way.direction, way.from, way.to)
			})
		}
	}
}

// relay passes on what comes, as it comes.
func (g *gate) relay(way direction, from, to net.Conn) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		strike, early := g.counts(way)
		if early {
			strike()
			return
		}
		_, err = to.Write(buffer[:n])
		strike()
		if err != nil {
			return
		}
	}
}

// counts takes a frame into account and returns what to do when it has passed, or
// early instead.
func (g *gate) counts(way direction) (strike func(), early bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.strike == nil || g.way != way {
		return func() {}, false
	}
	if g.left--; g.left > 0 {
		return func() {}, false
	}
	kill, struck := g.strike, g.struck
	g.strike = nil
	return func() { kill(); close(struck) }, g.when == before
}
