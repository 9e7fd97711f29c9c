package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Reads of an account's chats, messages and contacts come from its storage and
// not from its actor: they work in every state of the session, also while it is
// stopped, and cost it nothing.
//
// A read sees everything that anybody was told before, by a reply, an event or
// the acknowledgement of a message: nothing is told before it is durable.
// Names, LIDs and chat settings are written without anybody waiting and may
// come a second late. The records of one answer are read one after the other,
// so that a change in between may show in some and not in others.
//
// Reads are refused with account_not_found for an account that is not there,
// and with storage_unavailable where the storage does not answer.

// reading is one read of one account's storage.
type reading struct {
	persist.Reader
	people actors.People
	met    map[types.JID]actors.Person
	labels []actors.Label // nil until they are asked for
}

// read makes one read, and says of its failure what a caller may know.
func read[T any](s *Supervisor, account string, fn func(*reading) (T, error)) (T, error) {
	if err := s.exists(account); err != nil {
		var none T
		return none, err
	}
	r := &reading{
		Reader: persist.Reader{Engine: s.engine, Scope: persist.AccountScope(account)},
		met:    make(map[types.JID]actors.Person),
	}
	r.people = actors.NewPeople(r.Scope, r)
	found, err := fn(r)
	return found, readError(account, err)
}

func readError(account string, err error) error {
	_, refused := errors.AsType[*actors.Error](err)
	switch {
	case err == nil, refused, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	default:
		return &actors.Error{
			Code: actors.CodeStorageUnavailable, RetryAfter: time.Second,
			Cause: fmt.Errorf("read storage of account %s: %w", account, err),
		}
	}
}

// find reads one record; false means that there is none.
func find[T any](ctx context.Context, r *reading, kind persist.Kind[T], key ...any) (T, bool, error) {
	record, err := kind.Get(ctx, r, r.Scope, key...)
	if errors.Is(err, persist.ErrNotFound) {
		return record, false, nil
	}
	return record, err == nil, err
}

// person is everything known of a person's address in storage. What it finds is
// kept for the rest of the reading.
func (r *reading) person(ctx context.Context, address string) (actors.Person, error) {
	jid, err := types.ParseJID(address)
	if err != nil {
		return actors.Person{}, fmt.Errorf("read address: %w", err)
	}
	if person, met := r.met[jid]; met {
		return person, nil
	}
	person, err := r.people.Person(ctx, jid)
	if err == nil {
		r.met[jid] = person
	}
	return person, err
}

// total reads a counter; one that nobody has counted is zero.
func (r *reading) total(ctx context.Context, name string) (int, error) {
	counter, _, err := find(ctx, r, persist.Counters, name)
	return int(counter.Value), err
}
