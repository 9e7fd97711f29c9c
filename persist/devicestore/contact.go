package devicestore

import (
	"context"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// unitSize bounds how many records of a mass insert hold up other writers.
const unitSize = 100

// PutPushName stores the name that a person gives themselves. It tells whether
// that changed it, and what it was.
func (s *Store) PutPushName(ctx context.Context, user types.JID, name string) (_ bool, _ string, err error) {
	defer s.guard(ctx, "store push name", &err)
	return s.rename(ctx, user, name, func(c *persist.Contact) *string { return &c.PushName })
}

// PutBusinessName is PutPushName for a verified business name.
func (s *Store) PutBusinessName(ctx context.Context, user types.JID, name string) (_ bool, _ string, err error) {
	defer s.guard(ctx, "store business name", &err)
	return s.rename(ctx, user, name, func(c *persist.Contact) *string { return &c.BusinessName })
}

func (s *Store) rename(ctx context.Context, user types.JID, name string, field func(*persist.Contact) *string) (bool, string, error) {
	name = persist.Storable(name)
	changed, previous := false, ""
	err := s.editContacts(ctx, []types.JID{user}, func(_ int, contact *persist.Contact) {
		if changed = *field(contact) != name; changed {
			previous, *field(contact) = *field(contact), name
		}
	})
	return changed, previous, err
}

// PutContactName stores the names from the phone's address book. The interface
// names its arguments the other way round; whatsmeow calls it like this.
func (s *Store) PutContactName(ctx context.Context, user types.JID, firstName, fullName string) (err error) {
	defer s.guard(ctx, "store contact name", &err)
	return s.editContacts(ctx, []types.JID{user}, func(_ int, contact *persist.Contact) {
		contact.FirstName, contact.FullName = persist.Storable(firstName), persist.Storable(fullName)
	})
}

// PutAllContactNames is PutContactName for many; a later entry wins.
func (s *Store) PutAllContactNames(ctx context.Context, entries []store.ContactEntry) (err error) {
	defer s.guard(ctx, "store contact names", &err)
	for unit := range slices.Chunk(entries, unitSize) {
		users := make([]types.JID, len(unit))
		for i, entry := range unit {
			users[i] = entry.JID
		}
		err := s.editContacts(ctx, users, func(i int, contact *persist.Contact) {
			contact.FirstName, contact.FullName = persist.Storable(unit[i].FirstName), persist.Storable(unit[i].FullName)
		})
		if err != nil {
			return err
		}
	}
	return s.open()
}

// Names are a person's by one address; an empty one is not known.
type Names struct {
	JID                           types.JID
	FirstName, FullName, PushName string
}

// PutFormerNames stores names as they were at a time: what has been stored since
// stays.
func (s *Store) PutFormerNames(ctx context.Context, at time.Time, former []Names) (err error) {
	defer s.guard(ctx, "store former names", &err)
	for unit := range slices.Chunk(former, unitSize) {
		users := make([]types.JID, len(unit))
		for i, names := range unit {
			users[i] = names.JID
		}
		err := s.editContacts(ctx, users, func(i int, contact *persist.Contact) {
			newer := contact.Updated.After(at)
			for _, name := range []struct {
				of    *string
				comes string
			}{{&contact.FirstName, unit[i].FirstName}, {&contact.FullName, unit[i].FullName}, {&contact.PushName, unit[i].PushName}} {
				if name.comes != "" && (*name.of == "" || !newer) {
					*name.of = persist.Storable(name.comes)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return s.open()
}

// PutManyRedactedPhones stores what a group shows of hidden numbers.
func (s *Store) PutManyRedactedPhones(ctx context.Context, entries []store.RedactedPhoneEntry) (err error) {
	defer s.guard(ctx, "store redacted phones", &err)
	for unit := range slices.Chunk(entries, unitSize) {
		users := make([]types.JID, len(unit))
		for i, entry := range unit {
			users[i] = entry.JID
		}
		err := s.editContacts(ctx, users, func(i int, contact *persist.Contact) {
			contact.RedactedPhone = persist.Storable(unit[i].RedactedPhone)
		})
		if err != nil {
			return err
		}
	}
	return s.open()
}

// editContacts lets fn change the contacts of users, as one unit. Unchanged ones
// are not written, nor are new ones without any name; new persons are counted;
// users without a JID are left out.
func (s *Store) editContacts(ctx context.Context, users []types.JID, fn func(i int, contact *persist.Contact)) error {
	_, err := s.update(ctx, func(tx *journal.Tx) error {
		for i, user := range users {
			if user.IsEmpty() {
				continue
			}
			key, appeared := []any{user.String()}, false
			err := edit(ctx, s, tx, persist.Contacts, key, func(contact *persist.Contact, found bool) bool {
				contact.JID = user.String()
				before := *contact
				fn(i, contact)
				if *contact == before {
					return false
				}
				contact.Updated = time.Now()
				appeared = !found
				return true
			})
			if err == nil && appeared {
				err = s.countContact(ctx, tx, user)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// countContact counts a new contact, unless it is the other address of one.
func (s *Store) countContact(ctx context.Context, tx *journal.Tx, user types.JID) error {
	mapping, _, err := findIn(ctx, s, tx, persist.LIDMappings, plain(user))
	if err != nil {
		return err
	}
	twins, err := s.twins(ctx, tx, user.String(), mapping.Other)
	if err == nil && !twins {
		tx.Count(persist.CountContacts, 1)
	}
	return err
}

// twins tells whether both addresses of a person are contacts.
func (s *Store) twins(ctx context.Context, tx *journal.Tx, jid, other string) (bool, error) {
	_, one, err := findIn(ctx, s, tx, persist.Contacts, jid)
	if err != nil || !one {
		return false, err
	}
	_, two, err := findIn(ctx, s, tx, persist.Contacts, other)
	return two, err
}

// GetContact returns a contact that is not Found for somebody unknown.
func (s *Store) GetContact(ctx context.Context, user types.JID) (_ types.ContactInfo, err error) {
	defer s.guard(ctx, "read contact", &err)
	contact, found, err := find(ctx, s, persist.Contacts, user.String())
	if err != nil || !found {
		return types.ContactInfo{}, err
	}
	return contactInfo(contact), nil
}

// GetAllContacts holds all of them in memory.
func (s *Store) GetAllContacts(ctx context.Context) (_ map[types.JID]types.ContactInfo, err error) {
	defer s.guard(ctx, "read contacts", &err)
	all := make(map[types.JID]types.ContactInfo)
	for contact, err := range scan(ctx, s, persist.Contacts, persist.Query{}) {
		if err != nil {
			return nil, err
		}
		jid, err := types.ParseJID(contact.JID)
		if err != nil {
			return nil, err
		}
		all[jid] = contactInfo(contact)
	}
	return all, nil
}

func contactInfo(c persist.Contact) types.ContactInfo {
	return types.ContactInfo{
		Found:         true,
		FirstName:     c.FirstName,
		FullName:      c.FullName,
		PushName:      c.PushName,
		BusinessName:  c.BusinessName,
		RedactedPhone: c.RedactedPhone,
	}
}
