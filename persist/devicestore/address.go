package devicestore

import (
	"context"
	"iter"
	"strings"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// ownAddresses are the signal addresses of this device and of the account's
// phone, by number and by LID.
type ownAddresses struct{ device, phone [2]string }

func addressesOf(device *store.Device) *ownAddresses {
	var own ownAddresses
	for i, jid := range []types.JID{device.GetJID(), device.GetLID()} {
		if !jid.IsEmpty() {
			own.device[i] = jid.SignalAddress().String()
			own.phone[i] = jid.SignalAddressUser() + ":0"
		}
	}
	return &own
}

func (s *Store) isOwnDevice(address string) bool {
	own := s.own.Load()
	return address != "" && (address == own.device[0] || address == own.device[1])
}

func (s *Store) isOwnPhone(address string) bool {
	own := s.own.Load()
	return address != "" && (address == own.phone[0] || address == own.phone[1])
}

// userOf is the user part of a signal address: "user" or "user_agent".
func userOf(address string) string {
	user, _, _ := strings.Cut(address, ":")
	return user
}

// hosted are the servers of devices that Meta hosts for a business.
var hosted = map[string]string{
	types.DefaultUserServer: types.HostedServer,
	types.HiddenUserServer:  types.HostedLIDServer,
}

// signalUsers lists the user parts under which a person's devices have sessions.
func (s *Store) signalUsers(ctx context.Context, person types.JID) ([]string, error) {
	other, err := s.otherJID(ctx, person)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, jid := range []types.JID{person, other} {
		if jid.IsEmpty() {
			continue
		}
		users = append(users, jid.SignalAddressUser())
		if server := hosted[jid.Server]; server != "" {
			jid.Server = server
			users = append(users, jid.SignalAddressUser())
		}
	}
	return users, nil
}

// ofUser reads the records whose address begins with start, which is a user and
// the separator after it. index orders the records by address.
func ofUser[T any](ctx context.Context, s *Store, kind persist.Kind[T], index, start string, address func(*T) *string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q := persist.Query{Index: index, After: kind.Key(start)}
		for record, err := range scan(ctx, s, kind, q) {
			if err == nil && !strings.HasPrefix(*address(&record), start) || !yield(record, err) {
				return
			}
		}
	}
}

// removeOfUser removes the records of all devices of a user: "user:device" and
// "user_agent:device".
func removeOfUser[T any](ctx context.Context, s *Store, kind persist.Kind[T], user string, address func(*T) *string) error {
	_, err := s.update(ctx, func(tx *journal.Tx) error {
		for _, separator := range []string{":", "_"} {
			for record, err := range ofUser(ctx, s, kind, "", user+separator, address) {
				if err != nil {
					return err
				}
				tx.Put(removal(kind, record))
			}
		}
		return nil
	})
	return err
}
