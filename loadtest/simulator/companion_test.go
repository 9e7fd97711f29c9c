package simulator_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	_ "modernc.org/sqlite"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestMain(m *testing.M) {
	whatsmeow.WACertPubKey = simulatortest.RootKey()
	whatsmeow.KeepAliveIntervalMin, whatsmeow.KeepAliveIntervalMax = 500*time.Millisecond, time.Second
	whatsmeow.KeepAliveResponseDeadline, whatsmeow.KeepAliveMaxFailTime = 3*time.Second, 8*time.Second
	goleak.VerifyTestMain(m, append(simulatortest.ClientLeaks(), goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"))...)
}

// patience bounds every wait of these tests; none of it passes when all is well.
const patience = 20 * time.Second

// companion is a real whatsmeow client with a SQLite store.
type companion struct {
	t      *testing.T
	sim    *simulator.Simulator
	store  *sqlstore.Container
	client *whatsmeow.Client
	events chan any
}

// openStore makes the tables, where the file has none.
func openStore(ctx context.Context, path string) (*sqlstore.Container, error) {
	dsn := "file:" + path + "?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(0)&_pragma=busy_timeout(5000)&_txlock=immediate"
	return sqlstore.New(ctx, "sqlite", dsn, nil)
}

// emptyStore is the file of a store that has its tables: making them takes as long as a pairing.
var emptyStore = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "empty.db")
	container, err := openStore(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := container.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func newCompanion(t *testing.T, sim *simulator.Simulator) *companion {
	t.Helper()
	empty, err := emptyStore()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "store.db")
	require.NoError(t, os.WriteFile(path, empty, 0o600))
	container, err := openStore(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = container.Close() })
	c := &companion{t: t, sim: sim, store: container}
	c.use(container.NewDevice())
	return c
}

// use replaces the client, as a restart of its process would.
func (c *companion) use(device *store.Device) {
	events := make(chan any, 1000)
	client := whatsmeow.NewClient(device, nil)
	web := simulatortest.HTTPClient(c.t, c.sim)
	client.SetWebsocketHTTPClient(web)
	client.SetPreLoginHTTPClient(web)
	client.SetMediaHTTPClient(web)
	client.AddEventHandler(func(event any) { events <- event })
	c.client, c.events = client, events
	c.t.Cleanup(client.Disconnect)
}

// next returns the next event of a type, skipping others.
func next[T any](c *companion) T {
	c.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case event := <-c.events:
			if wanted, ok := event.(T); ok {
				return wanted
			}
		case <-timeout:
			require.FailNow(c.t, fmt.Sprintf("no %T in %v", *new(T), patience))
		}
	}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// pair links the companion to a phone and waits until it is connected and up to date. whatsmeow's SQL store can use a
// ratchet's state twice if it sends to the own phone while that still introduces itself.
func (c *companion) pair(phone *simulator.Phone) *companion {
	c.t.Helper()
	require.NoError(c.t, c.client.Connect())
	qr := next[*events.QR](c)
	require.Len(c.t, qr.Codes, 6)
	require.NoError(c.t, phone.Scan(within(c.t), qr.Codes[0]))
	next[*events.Connected](c)
	require.Eventually(c.t, c.sim.Settled, patience, time.Millisecond)
	return c
}

// rests waits until the companion of a number has nothing under way that must not meet the end of its device: no stanza
// is being handled, and the names are stored that come with the history, for which whatsmeow has a goroutine of its own.
func (c *companion) rests(number string) {
	c.t.Helper()
	require.Eventually(c.t, c.sim.Settled, patience, time.Millisecond)
	require.Eventually(c.t, func() bool { return c.storedName(number) != "" }, patience, time.Millisecond)
}

// storedName is the push name that the file has for a number. whatsmeow's own view of it may be changing.
func (c *companion) storedName(number string) string {
	c.t.Helper()
	device, err := c.store.GetDevice(within(c.t), *c.client.Store.ID)
	require.NoError(c.t, err)
	contact, err := device.Contacts.GetContact(within(c.t), types.NewJID(number, types.DefaultUserServer))
	require.NoError(c.t, err)
	return contact.PushName
}

// restart replaces the client by one that has only what is stored.
func (c *companion) restart() {
	c.t.Helper()
	device, err := c.store.GetFirstDevice(c.t.Context())
	require.NoError(c.t, err)
	c.use(device)
}

// relogin connects the client of a restarted process. The one that has paired may still be busy with what its phone sent,
// which is a data race if its device is deleted meanwhile.
func (c *companion) relogin() {
	c.t.Helper()
	c.client.Disconnect()
	c.restart()
	require.NoError(c.t, c.client.Connect())
}

func (c *companion) send(to, text string) (whatsmeow.SendResponse, error) {
	return c.client.SendMessage(within(c.t), types.NewJID(to, types.DefaultUserServer), &waE2E.Message{Conversation: proto.String(text)})
}

// nextText returns the next message with words, skipping protocol messages.
func (c *companion) nextText() *events.Message {
	c.t.Helper()
	for {
		if message := next[*events.Message](c); message.Message.GetConversation() != "" {
			return message
		}
	}
}

func addPhone(t *testing.T, sim *simulator.Simulator, number string) *simulator.Phone {
	t.Helper()
	phone, err := sim.AddPhone(number, "Phone "+number)
	require.NoError(t, err)
	return phone
}

// nextOf waits for the first message that a phone gets after seq.
func nextOf(t *testing.T, phone *simulator.Phone, seq int64) simulator.ReceivedMessage {
	t.Helper()
	messages, err := phone.WaitMessages(within(t), seq)
	require.NoError(t, err)
	return messages[0]
}
