package sink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// NATSConfig is where a stream of JetStream is.
type NATSConfig struct {
	// URL is nats://, tls:// or ws(s)://, with user and password or a token; several
	// servers of a cluster are separated by commas.
	URL string
	// Stream is made, of the subjects PREFIX.>, if no stream has them.
	Stream string
	// Prefix is the first part of subjects, PREFIX.tenant.account.kind.
	Prefix string
}

// connectTimeout bounds each attempt to reach a broker.
const connectTimeout = 5 * time.Second

// NATS publishes events to JetStream. The header Nats-Msg-Id has their ids, by which
// JetStream itself leaves out what comes again soon.
func NATS(config NATSConfig) Broker { return &natsBroker{config: config} }

type natsBroker struct {
	config NATSConfig

	mu         sync.Mutex
	connection *nats.Conn
	stream     jetstream.JetStream // nil until the stream is known to be there
}

// publish waits for each acknowledgement before the next event: were several underway,
// a later one could be stored though an earlier one was not.
func (n *natsBroker) publish(ctx context.Context, messages []message) (int, error) {
	stream, err := n.open(ctx)
	if err != nil {
		return 0, err
	}
	for i, m := range messages {
		outgoing := &nats.Msg{Subject: m.name(n.config.Prefix), Header: nats.Header{jetstream.MsgIDHeader: {m.id}}, Data: m.body}
		if err := acknowledged(ctx, stream, outgoing); err != nil {
			return i, n.failed(err)
		}
	}
	return len(messages), nil
}

// acknowledged does not wait for ever: an answer that was on its way when the connection
// broke off does not come any more.
func acknowledged(ctx context.Context, stream jetstream.JetStream, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	_, err := stream.PublishMsg(ctx, m)
	return err
}

// failed has the stream looked for again the next time: it may be what is missing.
func (n *natsBroker) failed(err error) error {
	if errors.Is(err, nats.ErrMaxPayload) {
		return fmt.Errorf("%w: %w", errTooLarge, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stream = nil
	return err
}

// open returns the stream, connected.
func (n *natsBroker) open(ctx context.Context) (jetstream.JetStream, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stream != nil {
		return n.stream, nil
	}
	if err := n.connect(); err != nil {
		return nil, err
	}
	stream, err := jetstream.New(n.connection)
	if err != nil {
		return nil, err
	}
	if err := n.ensure(ctx, stream); err != nil {
		return nil, err
	}
	n.stream = stream
	return stream, nil
}

// connect makes a connection that from then on comes back by itself. While it is away
// nothing is buffered: what is published then fails at once.
func (n *natsBroker) connect() (err error) {
	if n.connection != nil && !n.connection.IsClosed() { // as one is that was refused twice
		return nil
	}
	n.connection, err = nats.Connect(n.config.URL, nats.Name("whatsapp-web-server"), nats.Timeout(connectTimeout),
		nats.MaxReconnects(-1), nats.ReconnectBufSize(-1))
	if err != nil {
		n.connection = nil
		return fmt.Errorf("connect to NATS: %w", err)
	}
	return nil
}

// ensure makes the stream unless there is one with these subjects.
func (n *natsBroker) ensure(ctx context.Context, stream jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	subjects := n.config.Prefix + ".>"
	_, err := stream.StreamNameBySubject(ctx, subjects)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = stream.CreateStream(ctx, jetstream.StreamConfig{Name: n.config.Stream, Subjects: []string{subjects}})
	}
	if err != nil {
		return fmt.Errorf("find the stream of %s: %w", subjects, err)
	}
	return nil
}

func (n *natsBroker) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.connection != nil {
		n.connection.Close()
	}
}
