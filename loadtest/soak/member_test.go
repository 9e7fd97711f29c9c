//go:build !race

package soak

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/bare"
	"whatsapp-web-server/loadtest/simulator"
)

const (
	// sendTimeout bounds a send: one whose ack is lost waits for it in vain.
	sendTimeout = 5 * time.Second
	// loginTimeout is how long a connection may take to be up to date, pairing
	// included, before it is replaced.
	loginTimeout = 15 * time.Second
	// maxPause bounds the time between two connections.
	maxPause = 500 * time.Millisecond
)

// member is a phone with a bare client linked to it, which comes back from
// whatever ends its connection.
type member struct {
	phone *simulator.Phone
	web   *http.Client

	codes  chan string   // capacity 1: a QR code to scan
	ended  chan struct{} // capacity 1: the connection has ended
	synced chan struct{} // capacity 1: the client is up to date

	mu     sync.Mutex
	client *whatsmeow.Client
	online bool
	life   int             // which device it is; each knows nothing of what the last was sent
	linked bool            // this device has been online
	listed map[string]bool // messages that this device has shown
	owed   map[string]bool // messages sent to the phone since this device was linked
}

func newMember(phone *simulator.Phone, web *http.Client) *member {
	m := &member{phone: phone, web: web, codes: make(chan string, 1), ended: make(chan struct{}, 1), synced: make(chan struct{}, 1)}
	m.renew()
	return m
}

// renew takes a new device.
func (m *member) renew() {
	client := bare.NewClient(m.web)
	// By itself whatsmeow would connect again with no deadline, and answer nobody while
	// that waits.
	client.EnableAutoReconnect, client.DisableLoginAutoReconnect = false, true
	client.AddEventHandler(m.handle)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.client, m.life, m.linked = client, m.life+1, false
	m.listed, m.owed = map[string]bool{}, map[string]bool{}
}

// handle is called by the goroutines of the client, also of one that was given
// up: all it does then is to have the next one come back once too often.
func (m *member) handle(event any) {
	switch e := event.(type) {
	case *events.QR:
		offer(m.codes, e.Codes[0])
	case *events.Message:
		m.list(e.Info.ID)
	case *events.OfflineSyncCompleted:
		offer(m.synced, struct{}{})
	case *events.Disconnected, *events.StreamReplaced, *events.TemporaryBan, *events.ConnectFailure, *events.ClientOutdated,
		*events.LoggedOut, *events.StreamError, *events.KeepAliveTimeout, *events.PairError, *events.ManualLoginReconnect:
		offer(m.ended, struct{}{})
	}
}

// offer puts a value into a channel that has room for one, unless one waits.
func offer[T any](c chan T, value T) {
	select {
	case c <- value:
	default:
	}
}

// take empties a channel that has room for one.
func take[T any](c chan T) {
	select {
	case <-c:
	default:
	}
}

func (m *member) list(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listed[id] = true
}

// live stays connected until ctx ends, however often that takes.
func (m *member) live(ctx context.Context) {
	for ctx.Err() == nil {
		if m.client.Store.Deleted {
			m.relink(ctx)
		}
		m.connect(ctx)
		m.setOnline(false)
		m.client.Disconnect()
		pause(ctx, rand.N(maxPause))
	}
}

// connect returns when the connection has ended. whatsmeow itself would wait for
// ever for one that is never answered.
func (m *member) connect(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.startAnew()
	login := time.AfterFunc(loginTimeout, cancel)
	defer login.Stop()
	if err := m.client.ConnectContext(ctx); err == nil && login.Stop() {
		m.stay(ctx)
	}
}

// startAnew drops what the last connection still had to say, lest it be taken for
// the next one's word.
func (m *member) startAnew() {
	take(m.codes)
	take(m.ended)
	take(m.synced)
}

// stay returns when the connection has ended, or does not get anywhere.
func (m *member) stay(ctx context.Context) {
	login := time.NewTimer(loginTimeout)
	defer login.Stop()
	for {
		select {
		case code := <-m.codes:
			_ = m.scan(ctx, code) // another try follows
		case <-m.synced:
			login.Stop()
			m.setOnline(true)
		case <-m.ended:
			return
		case <-login.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (m *member) scan(ctx context.Context, code string) error {
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	return m.phone.Scan(ctx, code)
}

// relink replaces a device that was told that it is no longer linked.
func (m *member) relink(ctx context.Context) {
	for _, device := range m.phone.Devices() {
		_ = m.phone.Unlink(ctx, device.Device) // gone already is as good
	}
	m.renew()
}

func (m *member) setOnline(online bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.online = online
	m.linked = m.linked || online
}

func (m *member) isOnline() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.online
}

// device is the client while it is online, and nil otherwise.
func (m *member) device() *whatsmeow.Client {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.online {
		return nil
	}
	return m.client
}

// text sends a text from the member's device. It tells the id if WhatsApp has
// acknowledged it.
func (m *member) text(ctx context.Context, to *member, text string) (id string, sent bool) {
	client := m.device()
	if client == nil {
		return "", false
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	response, err := client.SendMessage(ctx, types.NewJID(to.phone.Number(), types.DefaultUserServer),
		&waE2E.Message{Conversation: proto.String(text)}, whatsmeow.SendRequestExtra{Timeout: sendTimeout})
	return response.ID, err == nil
}

// receive has another's phone write to the member, and owes its device the text.
func (m *member) receive(ctx context.Context, from *member, text string) error {
	m.mu.Lock()
	life, linked := m.life, m.linked
	m.mu.Unlock()
	id, err := from.phone.SendText(ctx, m.phone.Number(), text)
	if err != nil {
		return fmt.Errorf("phone %s: %w", from.phone.Number(), err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if linked && life == m.life {
		m.owed[id] = true
	}
	return nil
}

// missing are the messages that the device should have shown and has not.
func (m *member) missing() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for id := range m.owed {
		if !m.listed[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// unlisted has the referee compare what the device has shown with what it has
// acknowledged.
func (m *member) unlisted() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client.Store.ID == nil {
		return nil
	}
	missing, _ := m.phone.Listed(m.client.Store.ID.Device, slices.Collect(maps.Keys(m.listed))) // or it was unlinked
	return missing
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
