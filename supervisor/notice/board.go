package notice

import (
	"context"
	"sync"
	"time"

	driver "github.com/redis/go-redis/v9"
)

// patience is what whoever has changed something waits for Redis at most.
const patience = 200 * time.Millisecond

// Board is where the nodes tell each other. Its methods may be called by anyone.
type Board struct {
	client  driver.UniversalClient
	channel string
	hearing *driver.PubSub
	ended   chan struct{}

	mu    sync.Mutex
	heard map[string]func()
}

// Open listens to a channel until Close. Redis need not be there just now. The client
// stays the caller's.
func Open(client driver.UniversalClient, channel string) *Board {
	b := &Board{client: client, channel: channel, ended: make(chan struct{}), heard: make(map[string]func())}
	b.hearing = client.Subscribe(context.Background(), channel) // an error is one of the connection, which is made anew
	go b.listen(b.hearing.ChannelWithSubscriptions())
	return b
}

// Close hears nothing any more.
func (b *Board) Close() error {
	err := b.hearing.Close()
	<-b.ended
	return err
}

// Hear has a function called when some node, be it this one, has told of a topic, and
// when it may have been missed. It must not block.
func (b *Board) Hear(topic string, do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard[topic] = do
}

// Tell tells all nodes that something of a topic has changed, if Redis is there.
func (b *Board) Tell(topic string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	b.client.Publish(ctx, b.channel, topic) // else they look by themselves
}

func (b *Board) listen(told <-chan any) {
	defer close(b.ended)
	for word := range told {
		switch word := word.(type) {
		case *driver.Message:
			b.call(word.Payload)
		case *driver.Subscription: // for the first time, or after the link was lost
			b.callAll()
		}
	}
}

func (b *Board) call(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if do := b.heard[topic]; do != nil {
		do()
	}
}

func (b *Board) callAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, do := range b.heard {
		do()
	}
}
