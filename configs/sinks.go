package configs

import (
	"slices"
	"strings"
	"time"
)

// Sinks are the brokers that get the events of all accounts.
type Sinks struct {
	// NATSURL, RabbitMQURL and RedisURL are the brokers; empty means none.
	NATSURL     Secret `env:"SINK_NATS_URL" envDefault:"" allowed:"nats://, tls://, ws:// or wss:// URLs with a host, separated by commas, or empty"`
	RabbitMQURL Secret `env:"SINK_RABBITMQ_URL" envDefault:"" allowed:"an amqp:// or amqps:// URL with a host, or empty"`
	RedisURL    Secret `env:"SINK_REDIS_URL" envDefault:"" allowed:"a redis:// or rediss:// URL with a host, or empty"`

	// NATSStream is made if there is none that takes the subjects.
	NATSStream string `env:"SINK_NATS_STREAM" envDefault:"WHATSAPP" validate:"required,excludesall=.*> /" allowed:"a name without spaces, dots, *, > and /"`

	// RabbitMQExchange is of the type topic, and made if it is missing.
	RabbitMQExchange string `env:"SINK_RABBITMQ_EXCHANGE" envDefault:"whatsapp" validate:"required,max=255" allowed:"1 to 255 characters"`

	// RabbitMQQueue is made and gets everything; empty makes none.
	RabbitMQQueue string `env:"SINK_RABBITMQ_QUEUE" envDefault:"" validate:"max=255" allowed:"up to 255 characters, or empty"`

	// RedisStream is the key of the stream.
	RedisStream string `env:"SINK_REDIS_STREAM" envDefault:"whatsapp:events" validate:"required" allowed:"the key of a stream"`

	// RedisMaxLen is about how many events the stream keeps; 0 is all.
	RedisMaxLen int64 `env:"SINK_REDIS_MAXLEN" envDefault:"1000000" validate:"min=0" allowed:"a whole number from 0, 0 keeps all"`

	// Prefix begins subjects of NATS and routing keys of RabbitMQ.
	Prefix string `env:"SINK_PREFIX" envDefault:"whatsapp" validate:"required,max=64,excludesall=.*>#$ " allowed:"1 to 64 characters without spaces, dots, *, >, # and $"`

	// Kinds are the events that brokers get; none is all that are kept.
	Kinds []string `env:"SINK_EVENTS" envDefault:"" allowed:"a comma-separated list of events, or empty"`

	// Since leaves out what happened before, in logs that a broker has had nothing of.
	Since string `env:"SINK_SINCE" envDefault:"" allowed:"a time such as 2026-11-28T12:00:00Z, or empty"`
}

// Start is what Since means; zero for the beginning of every log.
func (s *Sinks) Start() time.Time {
	start, _ := time.Parse(time.RFC3339, s.Since) // problems has seen to it
	return start
}

func (s *Sinks) problems() []Problem {
	var problems []Problem
	wrong := func(field string) { problems = append(problems, variableOf(s, field).problem(s.Since)) }
	if s.NATSURL != "" && slices.ContainsFunc(strings.Split(s.NATSURL.Reveal(), ","), notNATS) {
		wrong("NATSURL")
	}
	if s.RabbitMQURL != "" && !isServer(s.RabbitMQURL, "amqp", "amqps") {
		wrong("RabbitMQURL")
	}
	if s.RedisURL != "" && !isServer(s.RedisURL, "redis", "rediss") {
		wrong("RedisURL")
	}
	if s.Since != "" && s.Start().IsZero() {
		wrong("Since")
	}
	return problems
}

func notNATS(url string) bool {
	return !isServer(Secret(strings.TrimSpace(url)), "nats", "tls", "ws", "wss")
}
