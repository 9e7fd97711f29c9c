package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/configs"
	"whatsapp-web-server/loadtest/backends"
)

// published is an event as a broker has it.
type published struct {
	place string // its subject, routing key or stream
	id    string
	body  string
}

// brokers are real ones, and what the sinks have brought to them.
type brokers struct {
	nats, rabbitmq, redis *backends.Server
}

func startBrokers(t *testing.T) *brokers {
	t.Helper()
	b := &brokers{}
	var starting errgroup.Group
	for name, start := range map[string]func(dir string){
		"nats":     func(dir string) { b.nats = backends.Start(t, backends.NATS(), dir) },
		"rabbitmq": func(dir string) { b.rabbitmq = backends.Start(t, backends.RabbitMQ(), dir) },
		"redis":    func(dir string) { b.redis = backends.Start(t, backends.Redis(), dir) },
	} {
		dir := filepath.Join(t.TempDir(), name)
		starting.Go(func() error { start(dir); return nil })
	}
	require.NoError(t, starting.Wait())
	return b
}

const queue = "everything"

func (b *brokers) environment() []string {
	return []string{
		"SINK_NATS_URL=nats://" + b.nats.Address,
		"SINK_RABBITMQ_URL=amqp://guest:guest@" + b.rabbitmq.Address, "SINK_RABBITMQ_QUEUE=" + queue,
		"SINK_REDIS_URL=redis://" + b.redis.Address,
	}
}

// inNATS is all that JetStream has kept.
func (b *brokers) inNATS(ctx context.Context) ([]published, error) {
	connection, err := nats.Connect("nats://" + b.nats.Address)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	client, err := jetstream.New(connection)
	if err != nil {
		return nil, err
	}
	stream, err := client.Stream(ctx, "WHATSAPP")
	if err != nil {
		return nil, err
	}
	var found []published
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		message, err := stream.GetMsg(ctx, seq)
		if err != nil {
			return nil, err
		}
		found = append(found, published{message.Subject, message.Header.Get(jetstream.MsgIDHeader), string(message.Data)})
	}
	return found, nil
}

// inRedis is all that the stream has kept.
func (b *brokers) inRedis(ctx context.Context) ([]published, error) {
	client := redis.NewClient(&redis.Options{Addr: b.redis.Address})
	defer client.Close()
	entries, err := client.XRange(ctx, "whatsapp:events", "-", "+").Result()
	var found []published
	for _, entry := range entries {
		text := func(field string) string { return entry.Values[field].(string) }
		place := strings.Join([]string{"whatsapp", "_" + text("tenant"), text("account"), text("event")}, ".")
		found = append(found, published{place, text("id"), text("frame")})
	}
	return found, err
}

// inRabbitMQ is all that the queue has; it stays there.
func (b *brokers) inRabbitMQ(context.Context) ([]published, error) {
	connection, err := amqp.Dial("amqp://guest:guest@" + b.rabbitmq.Address)
	if err != nil {
		return nil, err
	}
	defer connection.Close() // which puts back what was not acknowledged
	channel, err := connection.Channel()
	if err != nil {
		return nil, err
	}
	var found []published
	for {
		message, ok, err := channel.Get(queue, false)
		if err != nil || !ok {
			return found, err
		}
		found = append(found, published{message.RoutingKey, message.MessageId, string(message.Body)})
	}
}

// log is what an account has told, as GET /events shows it: the ids in order, and each
// event by its id.
func (c *campaign) log(t *testing.T, account string) (ids []string, events map[string]string) {
	t.Helper()
	base, err := c.entrance.find(t.Context())
	require.NoError(t, err)
	page := call(t, http.MethodGet, base+"/api/events/"+account+"?limit=500", "")
	require.Equal(t, false, page["hasMore"])
	events = make(map[string]string)
	for _, event := range page["events"].([]any) {
		id := event.(map[string]any)["id"].(string)
		encoded, err := json.Marshal(event)
		require.NoError(t, err)
		ids, events[id] = append(ids, id), string(encoded)
	}
	return ids, events
}

// requireAll waits until a broker has what every account has told by now, and compares:
// each at least once, in order, under its id.
func (c *campaign) requireAll(t *testing.T, sides []*side, read func(context.Context) ([]published, error)) []published {
	t.Helper()
	var all []published
	for _, s := range sides {
		ids, events := c.log(t, s.account)
		var got []string
		require.Eventually(t, func() bool {
			found, err := read(t.Context())
			all, got = found, nil
			for _, p := range found {
				if strings.Contains(p.place, s.account) && !slices.Contains(got, p.id) {
					got = append(got, p.id)
				}
			}
			return err == nil && len(got) >= len(ids)
		}, patience, 50*time.Millisecond, "of %s", s.account)
		require.Equal(t, ids, got[:len(ids)])
		for _, p := range all {
			if want, told := events[p.id]; told {
				var frame struct{ Event string }
				require.NoError(t, json.Unmarshal([]byte(p.body), &frame))
				require.Equal(t, "whatsapp._."+s.account+"."+frame.Event, p.place)
				require.JSONEq(t, want, p.body)
			}
		}
	}
	return all
}

// write has the friends of all accounts write to them, and waits until that is told.
func (c *campaign) write(t *testing.T, sides []*side, words string) {
	t.Helper()
	const each = 8
	for _, s := range sides {
		for i := range each {
			_, err := s.correspondent.friend.SendText(t.Context(), s.account, fmt.Sprintf("%s %d", words, i))
			require.NoError(t, err)
		}
		require.Eventually(t, func() bool {
			_, events := c.log(t, s.account)
			for _, event := range events {
				if strings.Contains(event, fmt.Sprintf("%s %d", words, each-1)) {
					return true
				}
			}
			return false
		}, patience, 20*time.Millisecond)
	}
}

func (c *campaign) killAndLaunch(t *testing.T) {
	t.Helper()
	c.entrance.close()
	c.process.kill(t)
	c.launch(t)
	for _, s := range c.sides {
		c.requireState(t, s, "ready", "")
	}
}

// One server brings the same events to all brokers. They and the server are killed in
// between; who is alive meanwhile goes on getting them.
func TestBrokersGetEveryEventInOrderAcrossTheirOwnEndAndTheServers(t *testing.T) {
	b := startBrokers(t)
	c := newCampaign(t, "sqlite")
	c.sides = []*side{c.join(t, 0), c.join(t, 1)}
	sides := c.sides
	c.write(t, sides, "before there were sinks")

	c.environment = append(c.environment, b.environment()...)
	c.killAndLaunch(t)
	c.write(t, sides, "while all are there")
	all := []func(context.Context) ([]published, error){b.inNATS, b.inRabbitMQ, b.inRedis}
	for _, read := range all {
		c.requireAll(t, sides, read)
	}

	require.NoError(t, b.nats.Freeze())
	require.NoError(t, b.rabbitmq.Freeze())
	c.write(t, sides, "while two acknowledge nothing")
	c.requireAll(t, sides, b.inRedis)
	require.NoError(t, b.redis.Freeze())
	c.write(t, sides, "while none does")
	for _, broker := range []*backends.Server{b.redis, b.nats, b.rabbitmq} {
		require.NoError(t, broker.Restart(), "killed before it has acknowledged")
	}
	c.write(t, sides, "after all came back")
	for _, read := range all {
		c.requireAll(t, sides, read)
	}

	require.NoError(t, b.nats.Kill())
	c.write(t, sides, "just before the server is killed")
	c.killAndLaunch(t)
	c.write(t, sides, "after that")
	require.NoError(t, b.nats.Restart())
	for _, read := range all {
		c.requireAll(t, sides, read)
	}
	var ids []string
	for _, p := range c.requireAll(t, sides, b.inNATS) {
		ids = append(ids, p.id)
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(ids))), len(ids), "JetStream leaves out what comes again")

	require.NoError(t, b.rabbitmq.Freeze())
	c.write(t, sides, "while one does not answer")
	require.Less(t, c.process.terminate(t), 15*time.Second)
}

func TestSinksThatCannotBeAreRefusedByTheirVariable(t *testing.T) {
	for variable, environment := range map[string][]string{
		"SINK_EVENTS": {"SINK_EVENTS=message,qr"},
	} {
		config, err := configs.Load(append(environment, "PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=127.0.0.1:0", "STORAGE_TYPE=memory"), "none")
		require.NoError(t, err)
		_, err = Open(t.Context(), config)
		require.ErrorContains(t, err, variable)
	}
}
