package actors

import (
	"context"
	"errors"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

// people knows an account's correspondents by both of their addresses. One
// person is one chat: wherever the number is known it is the name of the chat.
type people struct {
	scope persist.Scope
}

// canonical is the one address under which records of jid are kept: without
// device, and the number's where it is known.
func (p people) canonical(ctx context.Context, from persist.Getter, jid types.JID) (types.JID, error) {
	jid = jid.ToNonAD()
	if jid.Server != types.HiddenUserServer {
		return jid, nil
	}
	number, err := p.other(ctx, from, jid)
	if err != nil || number.IsEmpty() {
		return jid, err
	}
	return number, nil
}

// People is how readers outside of the account's actor know its correspondents.
type People struct {
	people people
	from   persist.Getter
}

// NewPeople reads the correspondents of the account that scope belongs to.
func NewPeople(scope persist.Scope, from persist.Getter) People {
	return People{people{scope}, from}
}

// Canonical is the address under which records of jid are kept: without device,
// and the number's where it is known.
func (p People) Canonical(ctx context.Context, jid types.JID) (types.JID, error) {
	return p.people.canonical(ctx, p.from, jid)
}

// Other is the second address of a person, the LID of a number or the number of
// a LID; empty where it is not known.
func (p People) Other(ctx context.Context, jid types.JID) (types.JID, error) {
	return p.people.other(ctx, p.from, jid)
}

// Merging tells whether the chat of a LID is just becoming part of that of its
// number: until then its records are under either.
func (p People) Merging(ctx context.Context, lid types.JID) (bool, error) {
	return p.people.merging(ctx, p.from, lid)
}

// Person gathers everything known of jid.
func (p People) Person(ctx context.Context, jid types.JID) (Person, error) {
	return p.people.person(ctx, p.from, jid, "")
}

// Known is Person with all names, under whichever address they are kept.
func (p People) Known(ctx context.Context, jid types.JID) (Person, persist.Contact, error) {
	return p.people.known(ctx, p.from, jid)
}

// Address is the form in which the API names somebody: by number where it is
// known, else by LID.
func (p Person) Address() string {
	if p.Number == "" {
		return p.LID
	}
	return FormatChat(types.NewJID(p.Number, types.DefaultUserServer))
}

// person gathers everything known of jid for an event. hint is a name that came
// with the occasion; the address book wins over it.
func (p people) person(ctx context.Context, from persist.Getter, jid types.JID, hint string) (Person, error) {
	person, _, err := p.known(ctx, from, jid)
	person.Name = firstOf(person.Name, hint)
	return person, err
}

// known is a person with all names, under whichever address they are kept.
func (p people) known(ctx context.Context, from persist.Getter, jid types.JID) (person Person, names persist.Contact, err error) {
	jid = jid.ToNonAD()
	other, err := p.other(ctx, from, jid)
	if err != nil {
		return Person{}, names, err
	}
	for _, address := range []types.JID{jid, other} {
		switch address.Server {
		case types.DefaultUserServer:
			person.Number = address.User
		case types.HiddenUserServer:
			person.LID = FormatChat(address)
		}
		known, err := p.contact(ctx, from, address)
		if err != nil {
			return Person{}, names, err
		}
		names = MergeNames(names, known)
	}
	person.Name = BestName(names)
	return person, names, nil
}

// other is the second address of a person, or empty if it is not known.
func (p people) other(ctx context.Context, from persist.Getter, jid types.JID) (types.JID, error) {
	mapping, err := persist.LIDMappings.Get(ctx, from, p.scope, jid.String())
	if errors.Is(err, persist.ErrNotFound) {
		return types.JID{}, nil
	}
	if err != nil {
		return types.JID{}, err
	}
	return types.ParseJID(mapping.Other)
}

// merging tells whether the chat of a LID is just becoming part of that of its
// number.
func (p people) merging(ctx context.Context, from persist.Getter, lid types.JID) (bool, error) {
	_, err := persist.Counters.Get(ctx, from, p.scope, persist.CountMerging+lid.String())
	if errors.Is(err, persist.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (p people) contact(ctx context.Context, from persist.Getter, jid types.JID) (persist.Contact, error) {
	if jid.IsEmpty() {
		return persist.Contact{}, nil
	}
	contact, err := persist.Contacts.Get(ctx, from, p.scope, jid.String())
	if errors.Is(err, persist.ErrNotFound) {
		return persist.Contact{}, nil
	}
	return contact, err
}

// MergeNames adds to a person's first record what only the second knows.
func MergeNames(first, second persist.Contact) persist.Contact {
	first.FullName = firstOf(first.FullName, second.FullName)
	first.FirstName = firstOf(first.FirstName, second.FirstName)
	first.BusinessName = firstOf(first.BusinessName, second.BusinessName)
	first.PushName = firstOf(first.PushName, second.PushName)
	return first
}

// BestName is the name to show for a contact: what the account's owner calls
// them, then what they call themselves.
func BestName(c persist.Contact) string {
	return firstOf(c.FullName, c.FirstName, c.BusinessName, c.PushName)
}

func firstOf(names ...string) string {
	for _, name := range names {
		if name != "" {
			return name
		}
	}
	return ""
}
