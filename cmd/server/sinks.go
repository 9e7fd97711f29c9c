package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/sink"
	"whatsapp-web-server/configs"
)

// openSinks starts what brings events to brokers. None of them is waited for.
func (s *Server) openSinks(_ context.Context, config configs.Config) error {
	kinds, err := keptKinds(config.Sinks.Kinds)
	if err != nil {
		return fmt.Errorf("SINK_EVENTS: %w", err)
	}
	brokers, err := brokersOf(config.Sinks)
	if err != nil {
		return err
	}
	for name, broker := range brokers {
		s.sinks = append(s.sinks, sink.Start(s.runtime, followed{events{s.accounts, s.feed}}, sink.Config{
			Name: name, Broker: broker, Kinds: kinds, Since: config.Sinks.Start(), Log: s.log,
			Observe: func(acknowledged int, err error) { s.metrics.Published(name, acknowledged, err) },
		}))
	}
	return nil
}

func brokersOf(config configs.Sinks) (map[string]sink.Broker, error) {
	brokers := map[string]sink.Broker{}
	var rabbitErr, redisErr error
	if url := config.NATSURL.Reveal(); url != "" {
		brokers["nats"] = sink.NATS(sink.NATSConfig{URL: url, Stream: config.NATSStream, Prefix: config.Prefix})
	}
	if url := config.RabbitMQURL.Reveal(); url != "" {
		brokers["rabbitmq"], rabbitErr = sink.RabbitMQ(sink.RabbitMQConfig{
			URL: url, Exchange: config.RabbitMQExchange, Queue: config.RabbitMQQueue, Prefix: config.Prefix,
		})
	}
	if url := config.RedisURL.Reveal(); url != "" {
		brokers["redis"], redisErr = sink.Redis(sink.RedisConfig{URL: url, Stream: config.RedisStream, MaxLen: config.RedisMaxLen})
	}
	if rabbitErr != nil {
		rabbitErr = fmt.Errorf("SINK_RABBITMQ_URL: %w", rabbitErr)
	}
	if redisErr != nil {
		redisErr = fmt.Errorf("SINK_REDIS_URL: %w", redisErr)
	}
	return brokers, errors.Join(rabbitErr, redisErr)
}

// keptKinds are events by name, all of which have to be such as are kept.
func keptKinds(names []string) ([]actors.EventKind, error) {
	kinds := make([]actors.EventKind, len(names))
	for i, name := range names {
		kinds[i] = actors.EventKind(name)
		if !slices.ContainsFunc(actors.Catalogue(), func(e actors.CatalogueEntry) bool { return e.Kind == kinds[i] && e.Durable }) {
			return nil, fmt.Errorf("there is no event %q that is kept", name)
		}
	}
	return kinds, nil
}

// stopSinks returns when nothing goes to brokers any more, or when ctx ends.
func (s *Server) stopSinks(ctx context.Context) error {
	var failures []error
	for _, running := range s.sinks {
		failures = append(failures, running.Stop(ctx))
	}
	return errors.Join(failures...)
}
