package sink

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/follow"
)

// Broker takes events. It is one of [NATS], [RabbitMQ] and [Redis].
type Broker interface {
	// publish hands over events of one account, in their order, and returns how many of
	// them, from the first one on, the broker has acknowledged. It connects where there
	// is no connection, is called by several goroutines at once, and returns soon after
	// ctx ends.
	publish(ctx context.Context, messages []message) (int, error)
	// close gives the connection up. It comes after the last publish.
	close()
}

// Source is where events come from.
type Source interface {
	follow.Source
	// Tenant tells whose an account is; false if there is none.
	Tenant(account string) (tenant string, known bool)
}

// Config is what goes to a broker.
type Config struct {
	// Name names the sink for good: it goes on where the last one of this name was.
	Name   string
	Broker Broker
	// Kinds are the events that it gets; none is all that accounts keep.
	Kinds []actors.EventKind
	// Since is where a log begins that the sink has no place in: events before it are
	// left out. Zero leaves out none.
	Since time.Time
	// Observe is told how many events were acknowledged, and what kept the next ones
	// from it. It must not block. Nil tells nobody.
	Observe func(acknowledged int, err error)
	Log     *zap.Logger
}

const (
	// width is how many accounts are served beside one another.
	width = 8
	// publishTimeout bounds the delivery of one page of events.
	publishTimeout = 30 * time.Second
	// respawnDelay is between a crash of the actor and its next life.
	respawnDelay = 5 * time.Second
)

// errTooLarge is a message that the broker will never take.
var errTooLarge = errors.New("the event is larger than the broker allows")

// Sink brings events to one broker until it is stopped.
type Sink struct {
	config  Config
	runtime *actors.Runtime
	source  Source
	stopped context.CancelFunc
	done    chan struct{}
}

// Start begins where the last sink of this name was. That the broker cannot be reached
// is no error: it is tried again. The owner calls Stop.
func Start(runtime *actors.Runtime, source Source, config Config) *Sink {
	if config.Observe == nil {
		config.Observe = func(int, error) {}
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Sink{config, runtime, source, stop, make(chan struct{})}
	go s.live(ctx)
	return s
}

// Stop returns when nothing more is published and the connection is closed, or when
// ctx ends.
func (s *Sink) Stop(ctx context.Context) error {
	s.stopped()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// live keeps an actor alive until ctx ends.
func (s *Sink) live(ctx context.Context) {
	defer close(s.done)
	defer s.config.Broker.close()
	for ctx.Err() == nil {
		ref, err := s.runtime.Spawn(actors.Spec{Kind: "sink", Name: s.config.Name, Behaviour: &behaviour{sink: s}})
		if err != nil {
			s.config.Log.Error("a sink does not start", zap.String("sink", s.config.Name), zap.Error(err))
			return
		}
		select {
		case <-ref.Gone():
			s.config.Log.Error("a sink crashed", zap.String("sink", s.config.Name))
			pause(ctx, respawnDelay)
		case <-ctx.Done():
			_ = ref.Stop(context.WithoutCancel(ctx)) // it has deadlines of its own
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// behaviour is the actor, which is a follower and nothing else.
type behaviour struct {
	sink     *Sink
	follower *follow.Follower
}

func (b *behaviour) Started(self *actors.Self) {
	config := b.sink.config
	b.follower = follow.Start(self, b.sink.source, follow.Config{
		Consumer: "sink/" + config.Name, Since: config.Since, Kinds: config.Kinds, Width: width,
		Deliver: b.sink.deliver, Log: config.Log,
	})
}

// Receive has nothing to do: nobody asks a sink.
func (b *behaviour) Receive(*actors.Self, any) {}

func (b *behaviour) Stopped(self *actors.Self) {
	if b.follower != nil {
		b.follower.Close()
	}
	self.Join() // the broker is closed after this
}

// deliver publishes a page. Only what is wrong with an event itself is its account's
// matter alone.
func (s *Sink) deliver(ctx context.Context, events []actors.Event) follow.Outcome {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	messages := make([]message, len(events))
	for i, event := range events {
		tenant, _ := s.source.Tenant(event.Account)
		messages[i] = messageOf(event, tenant)
	}
	done, err := s.config.Broker.publish(ctx, messages)
	s.config.Observe(done, err)
	return follow.Outcome{Done: done, Err: err, Alone: errors.Is(err, errTooLarge)}
}
