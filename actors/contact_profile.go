package actors

import (
	"context"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// GetContact asks WhatsApp about somebody, by whichever address; the reply is a
// [ContactProfile].
type GetContact struct{ Contact string }

// ContactProfile is what WhatsApp and the account know of somebody, as far as
// their privacy lets the account see it.
type ContactProfile struct {
	Person     Person
	Names      persist.Contact
	OnWhatsApp bool
	Blocked    bool   // by the account
	About      string // the text under the name
	Look
}

// Look is how somebody shows themselves at present.
type Look struct {
	PhotoID string
	// Presence is what was told last on this connection, where the account has
	// subscribed to it; nil is nothing.
	Presence *PresenceEvent
}

// GetLooks asks WhatsApp at once about as many people as a page of contacts has; the
// reply is a [Looks].
type GetLooks struct{ Contacts []string }

// Looks are in the order in which they were asked for.
type Looks []Look

func (r GetLooks) perform(ctx context.Context, l *link) (any, error) {
	people := make([]types.JID, len(r.Contacts))
	for i, contact := range r.Contacts {
		var err error
		if people[i], err = l.parsePerson(ctx, contact); err != nil {
			return nil, err
		}
	}
	looks := make(Looks, len(people))
	if len(people) == 0 {
		return looks, nil
	}
	infos, err := l.client.GetUserInfo(ctx, people)
	for i, jid := range people {
		looks[i] = l.look(jid, infos[jid])
	}
	return looks, err
}

func (l *link) look(jid types.JID, info types.UserInfo) Look {
	return Look{PhotoID: info.PictureID, Presence: l.watched.seen(jid)}
}

func (r GetContact) perform(ctx context.Context, l *link) (any, error) {
	jid, err := l.parsePerson(ctx, r.Contact)
	if err != nil {
		return nil, err
	}
	infos, err := l.client.GetUserInfo(ctx, []types.JID{jid})
	if err != nil {
		return nil, err
	}
	blocklist, err := l.client.GetBlocklist(ctx)
	if err != nil {
		return nil, err
	}
	info := infos[jid]
	profile := ContactProfile{
		OnWhatsApp: onWhatsApp(info), About: info.Status, Look: l.look(jid, info),
	}
	if profile.Person, profile.Names, err = l.inbound.people.known(ctx, l.inbound.ledger.journal, jid); err != nil {
		return nil, err
	}
	for _, blocked := range blocklist.JIDs {
		profile.Blocked = profile.Blocked || profile.Person.is(blocked)
	}
	return profile, nil
}

// onWhatsApp tells whether there is somebody: of others WhatsApp says nothing.
func onWhatsApp(info types.UserInfo) bool { return !info.LID.IsEmpty() || len(info.Devices) > 0 }

// is tells whether an address is the person's.
func (p Person) is(jid types.JID) bool {
	return jid.Server == types.DefaultUserServer && jid.User == p.Number || FormatChat(jid) == p.LID
}

// parsePerson reads the address of a person, and brings it into canonical form.
func (l *link) parsePerson(ctx context.Context, contact string) (types.JID, error) {
	jid, ok := ParseChat(contact)
	if !ok || jid.Server != types.DefaultUserServer && jid.Server != types.HiddenUserServer {
		return types.EmptyJID, wrongField("contactId", "not the address of a person")
	}
	return l.inbound.people.canonical(ctx, l.inbound.ledger.journal, jid)
}

// MaxContactName bounds, in characters, what somebody may be called.
const MaxContactName = 100

// SaveContact gives somebody a name in the address book of the account's devices,
// the phone's included. The reply is [Done]. Whose number is not known is refused.
type SaveContact struct {
	Contact   string
	FullName  string
	FirstName string // may be empty
}

func (r SaveContact) perform(ctx context.Context, l *link) (any, error) {
	if r.FullName == "" {
		return nil, refuseInput("fullName", "expected 1 to %d characters", MaxContactName)
	}
	for field, name := range map[string]string{"fullName": r.FullName, "firstName": r.FirstName} {
		if err := checkLength(field, name, MaxContactName); err != nil {
			return nil, err
		}
	}
	jid, err := l.parsePerson(ctx, r.Contact)
	if err != nil {
		return nil, err
	}
	if jid.Server != types.DefaultUserServer {
		return nil, wrongField("contactId", "their number is not known")
	}
	lid, err := l.inbound.people.other(ctx, l.inbound.ledger.journal, jid)
	if err != nil {
		return nil, err
	}
	return l.saveContact(ctx, jid, r.action(lid))
}

func (r SaveContact) action(lid types.JID) *waSyncAction.ContactAction {
	action := &waSyncAction.ContactAction{
		FullName: &r.FullName, FirstName: proto.String(firstOf(r.FirstName, r.FullName)), SaveOnPrimaryAddressbook: proto.Bool(true),
	}
	if !lid.IsEmpty() {
		action.LidJID = proto.String(lid.String())
	}
	return action
}

// contactVersion is how the account's devices number this kind of change.
const contactVersion = 2

func (l *link) saveContact(ctx context.Context, jid types.JID, action *waSyncAction.ContactAction) (any, error) {
	at := l.now()
	return l.share(ctx, appstate.PatchInfo{
		Timestamp: at, Type: appstate.WAPatchCriticalUnblockLow, Mutations: []appstate.MutationInfo{{
			Index:   []string{appstate.IndexContact, jid.String()},
			Version: contactVersion, Value: &waSyncAction.SyncActionValue{ContactAction: action},
		}},
	}, &events.Contact{JID: jid, Timestamp: at, Action: action})
}
