package supervisor

import (
	"context"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Contact is a person by all names and addresses that are known.
type Contact struct {
	Person actors.Person
	// Names holds what is known under either address.
	Names persist.Contact
}

// ContactList is a page of an account's contacts.
type ContactList struct {
	Contacts []Contact
	// Total is how many there are altogether; only lists without a search know.
	Total int
	Next  string // cursor of the next page; empty at the end
}

// Contacts lists an account's contacts by address, everybody once. With a search
// they are those of whom every word of it begins a word of a name or the
// number, whatever the case and the accents. A search reads all contacts.
func (s *Supervisor) Contacts(ctx context.Context, account, search string, page Page) (ContactList, error) {
	return read(s, account, func(r *reading) (list ContactList, err error) {
		walk := contactWalk{reading: r, search: newSearch(search)}
		if list.Contacts, list.Next, err = walk.page(ctx, page); err != nil || search != "" {
			return list, err
		}
		list.Total, err = r.total(ctx, persist.CountContacts)
		return list, err
	})
}

// Contact reads what is known of somebody, by whichever address. It refuses with
// not_found whom nothing is known of.
func (s *Supervisor) Contact(ctx context.Context, account, address string) (Contact, error) {
	return read(s, account, func(r *reading) (Contact, error) {
		if jid, ok := actors.ParseChat(address); !ok || jid.Server != types.DefaultUserServer && jid.Server != types.HiddenUserServer {
			return Contact{}, &actors.Error{Code: actors.CodeInvalidRequest, Field: "contactId", Message: "contactId: not the address of a person"}
		}
		addresses, err := r.addresses(ctx, address)
		if err != nil {
			return Contact{}, err
		}
		person, names, err := r.people.Known(ctx, addresses[0])
		if err != nil {
			return Contact{}, err
		}
		known, err := r.knows(ctx, addresses)
		if err != nil {
			return Contact{}, err
		}
		if !known {
			return Contact{}, actors.Refuse(actors.CodeNotFound, "nothing is known of them; WhatsApp is asked with refresh=true")
		}
		return Contact{person, names}, nil
	})
}

// knows tells whether there is anything about somebody: a second address, a name, or
// a chat.
func (r *reading) knows(ctx context.Context, addresses []types.JID) (bool, error) {
	if len(addresses) > 1 {
		return true, nil
	}
	if _, named, err := find(ctx, r, persist.Contacts, addresses[0].String()); named || err != nil {
		return named, err
	}
	_, met, err := find(ctx, r, persist.Chats, addresses[0].String())
	return met, err
}

// contactWalk goes through the contacts' records, of which there are two for
// somebody known by number and by LID.
type contactWalk struct {
	*reading
	search *search
}

// contactStride is how many records are read at a time.
const contactStride = 256

// page collects what was asked for and one more, to know whether there is.
func (w contactWalk) page(ctx context.Context, page Page) ([]Contact, string, error) {
	var found []Contact
	stride := Page{Limit: contactStride, Cursor: page.Cursor}
	for {
		records, next, err := scanPage(ctx, w.reading, persist.Contacts, persist.Query{}, stride)
		if err != nil {
			return nil, "", err
		}
		for _, record := range records {
			told, err := w.tells(ctx, record)
			switch {
			case err != nil:
				return nil, "", err
			case !told:
				continue
			case page.Offset > 0:
				page.Offset--
				continue
			case len(found) == page.Limit:
				q := persist.Query{Table: persist.Contacts.Table}
				return found, formatPlace(q, placeOf(persist.Contacts, q, found[len(found)-1].Names)), nil
			}
			contact, err := w.contact(ctx, record)
			if err != nil {
				return nil, "", err
			}
			found = append(found, contact)
		}
		if next == "" {
			return found, "", nil
		}
		stride.Cursor = next
	}
}

// tells whether a record is one to show: whom the search means, and by the
// record of their LID only those whom that of their number does not tell of.
func (w contactWalk) tells(ctx context.Context, record persist.Contact) (bool, error) {
	jid, err := types.ParseJID(record.JID)
	if err != nil {
		return false, err
	}
	if jid.Server != types.HiddenUserServer {
		return w.search.finds(record, jid), nil
	}
	number, err := w.people.Other(ctx, jid)
	if err != nil || !w.search.finds(record, number) {
		return false, err
	}
	if number.IsEmpty() {
		return true, nil
	}
	first, found, err := find(ctx, w.reading, persist.Contacts, number.String())
	return !found || !w.search.finds(first, number), err
}

// contact adds to a record what is known under the other address.
func (w contactWalk) contact(ctx context.Context, record persist.Contact) (Contact, error) {
	jid, err := types.ParseJID(record.JID)
	if err != nil {
		return Contact{}, err
	}
	person, names, err := w.people.Known(ctx, jid)
	names.JID = record.JID
	return Contact{person, names}, err
}
