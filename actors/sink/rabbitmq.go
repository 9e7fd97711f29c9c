package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// RabbitMQConfig is where an exchange of RabbitMQ is.
type RabbitMQConfig struct {
	// URL is amqp:// or amqps://, with user, password and virtual host.
	URL string
	// Exchange is of the type topic, and made if it is missing. RabbitMQ drops what no
	// queue of it wants.
	Exchange string
	// Queue is made and gets everything; empty makes none.
	Queue string
	// Prefix is the first part of routing keys, PREFIX.tenant.account.kind.
	Prefix string
}

// heartbeat is how a broker that has vanished is noticed, within three of them.
const heartbeat = 10 * time.Second

// RabbitMQ publishes events, persistent and with confirms. The property message_id has
// their ids, type their kinds.
func RabbitMQ(config RabbitMQConfig) (Broker, error) {
	if _, err := amqp.ParseURI(config.URL); err != nil {
		return nil, errors.New("it is not a URL of RabbitMQ") // the parser's words may have the password in them
	}
	return &rabbitBroker{config: config}, nil
}

type rabbitBroker struct {
	config RabbitMQConfig

	mu         sync.Mutex
	connection *rabbitConnection
	idle       []line // of this connection
}

var errNotConfirmed = errors.New("RabbitMQ has not confirmed the event")

// publish waits for each confirm before the next event: were several underway, a later
// one could be stored though an earlier one was refused.
func (r *rabbitBroker) publish(ctx context.Context, messages []message) (int, error) {
	line, err := r.take(ctx)
	if err != nil {
		return 0, err
	}
	for i, m := range messages {
		if err := r.publishOne(ctx, line.channel, m); err != nil {
			line.connection.abandon() // a confirm may be on its way that nobody waits for any more
			return i, err
		}
	}
	r.give(line)
	return len(messages), nil
}

func (r *rabbitBroker) publishOne(ctx context.Context, channel *amqp.Channel, m message) error {
	confirm, err := channel.PublishWithDeferredConfirmWithContext(ctx, r.config.Exchange, m.name(r.config.Prefix), false, false, amqp.Publishing{
		MessageId: m.id, Type: m.kind, Timestamp: m.at, ContentType: "application/json", DeliveryMode: amqp.Persistent, Body: m.body,
	})
	if err != nil {
		return err
	}
	confirmed, err := confirm.WaitContext(ctx)
	if err == nil && !confirmed {
		err = errNotConfirmed
	}
	return err
}

// line is a channel in confirm mode, of this connection.
type line struct {
	connection *rabbitConnection
	channel    *amqp.Channel
}

// take gives a line to one who publishes. The protocol's calls know no context: when it
// ends, so does the connection.
func (r *rabbitBroker) take(ctx context.Context) (line, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.connection == nil || r.connection.IsClosed() {
		if err := r.connect(ctx); err != nil {
			return line{}, fmt.Errorf("connect to RabbitMQ: %w", err)
		}
	}
	if last := len(r.idle) - 1; last >= 0 {
		taken := r.idle[last]
		r.idle = r.idle[:last]
		return taken, nil
	}
	defer context.AfterFunc(ctx, r.connection.abandon)()
	channel, err := r.connection.Channel()
	if err == nil {
		err = channel.Confirm(false)
	}
	return line{r.connection, channel}, err
}

// give takes a line back, unless its connection has been replaced.
func (r *rabbitBroker) give(l line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.connection == r.connection {
		r.idle = append(r.idle, l)
	}
}

type rabbitConnection struct{ *amqp.Connection }

// goodbyeTimeout is for the broker's answer to the end of a connection.
const goodbyeTimeout = time.Second

// abandon ends the connection with all its channels.
func (c *rabbitConnection) abandon() { _ = c.CloseDeadline(time.Now().Add(goodbyeTimeout)) }

// connect makes a connection, and what is published to. The deadline that its dialler
// sets is that of the whole handshake.
func (r *rabbitBroker) connect(ctx context.Context) error {
	r.idle = nil
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName("whatsapp-web-server")
	connection, err := amqp.DialConfig(r.config.URL, amqp.Config{
		Heartbeat: heartbeat, Properties: properties,
		Dial: func(network, address string) (net.Conn, error) { return dialWithin(ctx, network, address) },
	})
	if err != nil {
		return err
	}
	r.connection = &rabbitConnection{connection}
	defer context.AfterFunc(ctx, r.connection.abandon)()
	if err := r.declare(); err != nil {
		r.connection.abandon()
		return err
	}
	return nil
}

func dialWithin(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: connectTimeout}
	connection, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return connection, connection.SetDeadline(time.Now().Add(connectTimeout))
}

// declare makes the exchange, and the queue if there is to be one.
func (r *rabbitBroker) declare() error {
	channel, err := r.connection.Channel()
	if err != nil {
		return err
	}
	if err := channel.ExchangeDeclare(r.config.Exchange, amqp.ExchangeTopic, true, false, false, false, nil); err != nil {
		return err
	}
	if r.config.Queue != "" {
		if _, err := channel.QueueDeclare(r.config.Queue, true, false, false, false, nil); err != nil {
			return err
		}
		if err := channel.QueueBind(r.config.Queue, r.config.Prefix+".#", r.config.Exchange, false, nil); err != nil {
			return err
		}
	}
	return channel.Close()
}

func (r *rabbitBroker) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.connection != nil {
		r.connection.abandon()
	}
}
