package sink

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisConfig is where a stream of Redis is.
type RedisConfig struct {
	// URL is redis:// or rediss://, with user and password.
	URL string
	// Stream is its key.
	Stream string
	// MaxLen is about how many events it keeps, the newest; zero is all.
	MaxLen int64
}

// Redis adds events to one stream, each as an entry with the fields id, event, account,
// tenant, time and frame, which is the JSON object.
func Redis(config RedisConfig) (Broker, error) {
	options, err := redis.ParseURL(config.URL)
	if err != nil {
		return nil, errors.New("it is not a URL of Redis") // the parser's words have the password in them
	}
	options.MaxRetries = -1 // the follower tries again, and waits in between
	options.ContextTimeoutEnabled = true
	return &redisBroker{config, redis.NewClient(options)}, nil
}

type redisBroker struct {
	config RedisConfig
	client *redis.Client
}

// publish adds all of them in one transaction, or none.
func (r *redisBroker) publish(ctx context.Context, messages []message) (int, error) {
	_, err := r.client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, m := range messages {
			pipe.XAdd(ctx, &redis.XAddArgs{
				Stream: r.config.Stream, MaxLen: r.config.MaxLen, Approx: r.config.MaxLen > 0,
				Values: []string{"id", m.id, "event", m.kind, "account", m.account, "tenant", m.tenant, "time", m.at.Format(time.RFC3339Nano), "frame", string(m.body)},
			})
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return len(messages), nil
}

func (r *redisBroker) close() { _ = r.client.Close() }
