package devicestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// decryption is the overlay that one DoDecryptionTxn works in: its reads see it
// first, its writes stay in it until it is committed whole.
type decryption struct {
	tx *journal.Tx
	// fromPhone is set once the session with the own phone is touched.
	fromPhone bool
}

type decryptionKey struct{}

func decryptionOf(ctx context.Context) *decryption {
	d, _ := ctx.Value(decryptionKey{}).(*decryption)
	return d
}

// touch remembers that the decryption of ctx concerns the own phone.
func (s *Store) touch(ctx context.Context, address string) {
	if d := decryptionOf(ctx); d != nil && s.isOwnPhone(address) {
		d.fromPhone = true
	}
}

// decryptionAttempts bounds how often a decryption that meets other writers is
// run again. A send changes a session once, so two is the usual most.
const decryptionAttempts = 10

var errContended = errors.New("decryption met other writers every time")

// DoDecryptionTxn runs fn, which decrypts and buffers the plaintext, as one unit:
// all of its writes or, on an error or panic, none. It runs fn again if what it
// read was changed meanwhile.
func (s *Store) DoDecryptionTxn(ctx context.Context, fn func(context.Context) error) error {
	return s.answer(ctx, "decrypt", s.decrypt(ctx, fn))
}

func (s *Store) decrypt(ctx context.Context, fn func(context.Context) error) error {
	for range decryptionAttempts {
		if err := s.open(); err != nil {
			return err
		}
		d := &decryption{tx: s.journal.Begin()}
		if err := fn(context.WithValue(ctx, decryptionKey{}, d)); err != nil {
			return refusal{err}
		}
		position, err := d.tx.Commit()
		if errors.Is(err, journal.ErrChanged) {
			continue
		}
		if err == nil && d.fromPhone {
			err = s.journal.Wait(ctx, position)
		}
		return err
	}
	return errContended
}

// GetBufferedEvent returns nil for what was never decrypted, and no plaintext for
// what has been handled.
func (s *Store) GetBufferedEvent(ctx context.Context, hash [32]byte) (_ *store.BufferedEvent, err error) {
	defer s.guard(ctx, "read decrypted event", &err)
	event, found, err := find(ctx, s, persist.DecryptedEvents, hash)
	if err != nil || !found {
		return nil, err
	}
	buffered := &store.BufferedEvent{InsertTime: event.InsertedAt, ServerTime: event.ServerTime}
	if len(event.Plaintext) > 0 {
		buffered.Plaintext = event.Plaintext
	}
	return buffered, nil
}

// PutBufferedEvent keeps a plaintext until it has been handled.
func (s *Store) PutBufferedEvent(ctx context.Context, hash [32]byte, plaintext []byte, serverTime time.Time) (err error) {
	defer s.guard(ctx, "store decrypted event", &err)
	d := decryptionOf(ctx)
	_, err = s.write(ctx, persist.DecryptedEvents.Put(persist.DecryptedEvent{
		Hash: hash, Plaintext: plaintext, Replay: d != nil && d.fromPhone,
		InsertedAt: time.Now(), ServerTime: serverTime,
	}))
	return err
}

// ClearBufferedEventPlaintext marks an event as handled; its hash stays. What was
// written before is durable no later than the mark.
func (s *Store) ClearBufferedEventPlaintext(ctx context.Context, hash [32]byte) (err error) {
	defer s.guard(ctx, "clear decrypted event", &err)
	_, err = editOne(ctx, s, persist.DecryptedEvents, []any{hash}, func(event *persist.DecryptedEvent, found bool) bool {
		event.Plaintext, event.Replay = nil, false
		return found
	})
	return err
}

// UnhandledEvent is a message of the own phone that was decrypted, perhaps even
// acknowledged, and not handled.
type UnhandledEvent struct {
	Hash       [32]byte
	ServerTime time.Time
	padded     []byte
}

// Message parses the event.
func (e UnhandledEvent) Message() (*waE2E.Message, error) {
	plaintext := e.padded
	padding := int(plaintext[len(plaintext)-1])
	if padding == 0 || padding > len(plaintext) {
		return nil, errors.New("parse unhandled event: wrong padding")
	}
	var message waE2E.Message
	if err := proto.Unmarshal(plaintext[:len(plaintext)-padding], &message); err != nil {
		return nil, fmt.Errorf("parse unhandled event: %w", err)
	}
	return &message, nil
}

// UnhandledEvents lists what the own phone sent and nobody finished handling,
// oldest first. It is to be replayed before the account connects: whatsmeow may
// have sent the receipt before the handler ran, so WhatsApp need not send it
// again. Messages of others are not listed: they are sent again.
func (s *Store) UnhandledEvents(ctx context.Context) (unhandled []UnhandledEvent, err error) {
	defer s.guard(ctx, "read unhandled events", &err)
	q := persist.Query{Index: "by_insert", Prefix: persist.DecryptedEvents.Key(true)}
	for event, err := range scan(ctx, s, persist.DecryptedEvents, q) {
		if err != nil {
			return nil, err
		}
		if len(event.Plaintext) > 0 {
			unhandled = append(unhandled, UnhandledEvent{Hash: event.Hash, ServerTime: event.ServerTime, padded: event.Plaintext})
		}
	}
	return unhandled, nil
}
