package bench

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/bare"
)

// bareKeyEnv holds the simulator's Noise root key for the bare loop, in hex.
const bareKeyEnv = "BENCH_BARE_NOISE_ROOT_KEY"

// route is an account and whom it writes to: numbers, or a group.
type route struct{ From, To string }

// order is one line to the bare loop: what to do next.
type order struct {
	// Link lists accounts to link; QR codes are answered, then that all is done.
	Link []route
	// Send is how many messages each account sends, one after the other.
	Send int
}

// answer is one line back.
type answer struct {
	From, QR string `json:",omitempty"` // a code for the phone of From to scan
	Done     bool
}

// atOnce bounds how many accounts link or send: more would have to wait longer for
// their answers than whatsmeow does.
const atOnce = 256

// bareLoop is a program that uses whatsmeow and nothing else.
type bareLoop struct {
	http     *http.Client
	accounts []*bareAccount

	mu      sync.Mutex
	answers *json.Encoder
}

// runBare obeys one order after the other until in ends.
func runBare(endpoint string, in io.Reader, out io.Writer) error {
	key, err := hex.DecodeString(os.Getenv(bareKeyEnv))
	if err != nil || len(key) != len(whatsmeow.WACertPubKey) {
		return errors.New("noise root key: want 32 bytes in hex")
	}
	whatsmeow.WACertPubKey = [32]byte(key)
	address, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	loop := &bareLoop{http: bare.Dial(address.Host), answers: json.NewEncoder(out)}
	for orders := json.NewDecoder(in); ; {
		var next order
		switch err := orders.Decode(&next); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := loop.obey(context.Background(), next); err != nil {
			return err
		}
	}
}

func (l *bareLoop) obey(ctx context.Context, next order) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for _, route := range next.Link {
		account := newBareAccount(l, route)
		l.accounts = append(l.accounts, account)
		work.Go(func() error { return account.link(ctx) })
	}
	if len(next.Link) == 0 {
		for _, account := range l.accounts {
			work.Go(func() error { return account.send(ctx, next.Send) })
		}
	}
	if err := work.Wait(); err != nil {
		return err
	}
	return l.reply(answer{Done: true})
}

func (l *bareLoop) reply(a answer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answers.Encode(a)
}

type bareAccount struct {
	route

	loop   *bareLoop
	client *whatsmeow.Client
	online chan struct{} // capacity 1: logged in and up to date
}

func newBareAccount(loop *bareLoop, r route) *bareAccount {
	a := &bareAccount{route: r, loop: loop, client: bare.NewClient(loop.http), online: make(chan struct{}, 1)}
	a.client.AddEventHandler(a.handle)
	return a
}

func (a *bareAccount) handle(event any) {
	switch e := event.(type) {
	case *events.QR:
		_ = a.loop.reply(answer{From: a.From, QR: e.Codes[0]}) // a parent that is gone has ended the input too
	case *events.OfflineSyncCompleted:
		select {
		case a.online <- struct{}{}:
		default:
		}
	}
}

func (a *bareAccount) link(ctx context.Context) error {
	if err := a.client.ConnectContext(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("connect %s: %w", a.From, err)
	}
	select {
	case <-a.online:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *bareAccount) send(ctx context.Context, count int) error {
	to, err := types.ParseJID(a.To)
	if err != nil || to.User == "" {
		to = types.NewJID(a.To, types.DefaultUserServer)
	}
	for range count {
		if _, err := a.client.SendMessage(ctx, to, &waE2E.Message{Conversation: proto.String(text)}); err != nil {
			return fmt.Errorf("send from %s: %w", a.From, err)
		}
	}
	return nil
}
