package simulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.uber.org/zap"
)

const (
	// handshakeTimeout is as long as whatsmeow itself waits for the handshake.
	handshakeTimeout = 20 * time.Second
	// writeTimeout bounds one write to a client that has stopped reading.
	writeTimeout = 10 * time.Second
)

// connection is one client's stream, from the websocket's upgrade to its end.
type connection struct {
	sim      *Simulator
	socket   *websocket.Conn
	tcp      net.Conn // that of the socket, to be looked at only
	frames   frameReader
	in, out  *transportCipher // used by the reader, by the writer
	noiseKey [32]byte         // the client's static key
	outbox   *outbox
	ended    chan struct{} // closed when the connection is over and forgotten
	name     atomic.Pointer[connectionName]

	// What faults do to it.
	damage Fault        // of the handshake, or none
	silent atomic.Bool  // half open: nothing is answered or sent any more
	pace   atomic.Int64 // waited before each write
	held   heldBack

	// Guarded by Simulator.mu.
	registration *registration // while not paired
	device       *device       // once logged in
	closing      bool          // nothing is delivered here any more
}

// connectionName is who a connection turned out to be, for the log.
type connectionName struct {
	number string
	device uint16
}

func newConnection(s *Simulator, socket *websocket.Conn, tcp net.Conn) *connection {
	return &connection{sim: s, socket: socket, tcp: tcp, outbox: newOutbox(), ended: make(chan struct{})}
}

func (c *connection) label() (number string, device uint16) {
	if name := c.name.Load(); name != nil {
		return name.number, name.device
	}
	return "", 0
}

// serve runs the connection in the calling goroutine until it ends.
func (c *connection) serve() {
	defer close(c.ended)
	defer func() { _ = c.socket.CloseNow() }()
	if !c.sim.register(c) {
		return
	}
	defer c.sim.unregister(c)
	payload, err := c.handshake(c.sim.stopped)
	if err != nil {
		c.sim.complain(c, err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write(ctx)
	}()
	defer func() { cancel(); <-written }()
	c.sim.complain(c, c.read(payload))
}

func (c *connection) handshake(ctx context.Context) (*waWa6.ClientPayload, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	state, err := newNoiseState(streamHeader)
	if err != nil {
		return nil, err
	}
	chain, err := c.shownCertificates()
	if err != nil {
		return nil, err
	}
	r := responder{chain: chain, state: state}
	hello, err := c.nextFrame(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := r.hello(hello)
	if err != nil {
		return nil, err
	}
	if err := c.sendHello(ctx, answer); err != nil {
		return nil, err
	}
	finish, err := c.nextFrame(ctx)
	if err != nil {
		return nil, err
	}
	var payload *waWa6.ClientPayload
	if c.noiseKey, payload, err = r.finish(finish); err != nil {
		return nil, err
	}
	c.in, c.out, err = state.split()
	return payload, err
}

// goneError is the end of a connection that is nobody's mistake: the client or the simulator closed it.
type goneError struct{ error }

func (e goneError) Unwrap() error { return e.error }

// nextFrame blocks until the client has sent a whole frame. Text messages are ignored, as the real service does.
func (c *connection) nextFrame(ctx context.Context) ([]byte, error) {
	for {
		frame, err := c.frames.next()
		if frame != nil || err != nil {
			return frame, err
		}
		kind, message, err := c.socket.Read(ctx)
		if err != nil {
			return nil, goneError{err}
		}
		if kind == websocket.MessageBinary {
			c.frames.add(message)
		}
	}
}

// read handles one stanza after the other, and returns why it ended. Reads have no deadline: a watchdog per connection would cost a timer for
// each stanza, and a dead peer is found by TCP keepalive.
func (c *connection) read(payload *waWa6.ClientPayload) error {
	if err := c.begin(payload); err != nil {
		return err
	}
	for {
		frame, err := c.nextFrame(context.Background())
		if err != nil {
			return err
		}
		plain, err := c.in.open(frame)
		if err != nil {
			return fmt.Errorf("decrypt frame: %w", err)
		}
		node, err := decodeNode(plain)
		if err != nil {
			return err
		}
		c.sim.record(c, "in", node)
		if err := c.handle(node); err != nil {
			return err
		}
	}
}

// begin takes a client's payload: a paired device logs in, an unpaired one is shown pairing references.
func (c *connection) begin(payload *waWa6.ClientPayload) error {
	if payload.Username != nil {
		c.sim.login(c, payload)
		return nil
	}
	return c.sim.beginPairing(c, payload.GetDevicePairingData())
}

// handle dispatches a stanza. An error ends the connection: the client spoke nonsense.
func (c *connection) handle(node *waBinary.Node) error {
	if c.outbox.isEnded() || c.silent.Load() {
		return nil // dismissed; what it sent meanwhile is of no interest
	}
	device := c.sim.deviceOf(c)
	if device == nil {
		return c.sim.handleUnpaired(c, node)
	}
	switch node.Tag {
	case "iq":
		c.sim.handleIQ(c, device, node)
	case "message":
		return c.sim.receiveMessage(c, device, node)
	case "receipt":
		return c.sim.receiveReceipt(device, node)
	case "ack":
		c.sim.receiveAck(device, node)
	case "presence":
		c.sim.receivePresence(device, node)
	case "call":
		return c.sim.receiveCall(c, device, node)
	case "chatstate":
		c.sim.relayChatState(device.endpoint(), node)
	case "ib", "xmlstreamend":
	default:
		return fmt.Errorf("%w: stanza %q", errBadNode, node.Tag)
	}
	return nil
}

// push sends stanzas, unless the connection is about to close or faults want it otherwise.
func (c *connection) push(nodes ...waBinary.Node) { c.emit(c.distort(nodes)...) }

// emit sends stanzas that no fault of deliveries strikes any more. A client whose outbox is full is cut.
func (c *connection) emit(nodes ...waBinary.Node) {
	if len(nodes) == 0 || c.silent.Load() {
		return
	}
	nodes = c.skewed(nodes)
	if !c.outbox.push(nodes...) {
		c.outbox.end(0)
		return
	}
	for i := range nodes {
		c.sim.record(c, "out", &nodes[i])
	}
}

// finish sends a last stanza and closes after the grace.
func (c *connection) finish(last waBinary.Node) {
	c.sim.record(c, "out", &last)
	c.outbox.end(c.sim.Settings().CloseGrace, last)
}

// abort closes without a word.
func (c *connection) abort() { c.outbox.end(0) }

// write sends what is pushed until the connection ends, then closes the socket, which also ends the reader.
func (c *connection) write(ctx context.Context) {
	defer func() { _ = c.socket.CloseNow() }()
	pause(ctx, c.sim.Settings().HandshakeDelay)
	for {
		nodes, ended, grace := c.outbox.take()
		if len(nodes) > 0 {
			pause(ctx, time.Duration(c.pace.Load()))
		}
		if err := c.send(ctx, nodes); err != nil {
			c.sim.log.Debug("write to client", zap.Error(err))
			return
		}
		if ended {
			c.hangUp(ctx, grace)
			return
		}
		select {
		case <-c.outbox.wake:
		case <-ctx.Done():
			return
		}
	}
}

// lingering is how long a client may take to close its side after the last stanza.
const lingering = 2 * time.Second

// hangUp waits for grace, ends its own direction and then waits for the client to close the other, which ends ctx.
// Closing both at once would reset the connection if the client is just writing, and one whose writes fail does not
// read what it was told last.
func (c *connection) hangUp(ctx context.Context, grace time.Duration) {
	if grace <= 0 {
		return
	}
	pause(ctx, grace)
	if tcp, ok := c.tcp.(*net.TCPConn); ok && tcp.CloseWrite() == nil {
		pause(ctx, lingering)
	}
}

// send encrypts stanzas and writes them as one websocket message: clients need whole frames in each, but take several.
func (c *connection) send(ctx context.Context, nodes []waBinary.Node) error {
	var message []byte
	for _, node := range nodes {
		plain, err := encode(&node)
		if err != nil {
			return fmt.Errorf("encode %s: %w", node.Tag, err)
		}
		message = appendFrame(message, c.out.seal(plain))
		if _, cut := node.Content.(cutFrame); cut {
			message = message[:len(message)-len(plain)]
		}
	}
	if len(message) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return c.socket.Write(ctx, websocket.MessageBinary, message)
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// register counts a connection in, unless the simulator is closing.
func (s *Simulator) register(c *connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped.Err() != nil {
		return false
	}
	s.connections[c] = struct{}{}
	return true
}

func (s *Simulator) unregister(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.connections, c)
	if r := c.registration; r != nil {
		r.withdrawLocked(s, c)
	}
	if d := c.device; d != nil && d.connection == c {
		d.connection, d.active = nil, false
		d.account.tellChanged()
	}
}

func (s *Simulator) deviceOf(c *connection) *device {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.device
}

// complain records why a connection ended, if it was the client's fault.
func (s *Simulator) complain(c *connection, err error) {
	if gone := (goneError{}); errors.As(err, &gone) {
		return
	}
	s.referee.nonsense()
	s.log.Warn("client spoke nonsense", zap.Error(err))
	s.recordNote(c, err.Error())
}
