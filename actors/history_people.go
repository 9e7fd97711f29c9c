package actors

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/devicestore"
)

// Fields of waHistorySync.HistorySync and of its Conversation.
const (
	fieldConversation  = 2
	fieldStatusMessage = 3
	fieldPushName      = 7
	fieldRecentSticker = 11
	fieldPastMembers   = 12
	fieldCallLog       = 13
	fieldMapping       = 15
	fieldInlineContact = 20
	fieldChatID        = 1
	fieldChatMessage   = 2
	fieldChatName      = 13
	fieldChatNumber    = 39
	fieldChatLID       = 42
)

// people of a piece of history: who is who, and what whatsmeow keeps of it. They are
// learnt before the messages, which stand before them.
type historicPeople struct {
	names []devicestore.Names
	// rest is the piece but for its conversations and names, with the addresses of
	// those that the conversations are with.
	rest []byte
}

// readPeople goes through a piece of history once, up to its end: what is broken is
// found before anything of it is stored.
func readPeople(packed []byte) (p historicPeople, err error) {
	w, err := unzip(packed)
	if err != nil {
		return p, err
	}
	for {
		f, err := w.next()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err == nil {
			err = p.read(w, f)
		}
		if err != nil {
			return p, err
		}
	}
}

func (p *historicPeople) read(w *wire, f field) (err error) {
	switch f.number {
	case fieldConversation:
		chat, err := w.message(f)
		if err != nil {
			return err
		}
		return p.readChat(chat)
	case fieldPushName:
		var name waHistorySync.Pushname
		if err := decodeField(w, f, &name); err != nil {
			return err
		}
		if name.GetPushname() != "-" { // which stands for none
			p.name(name.GetID(), devicestore.Names{PushName: name.GetPushname()})
		}
		return nil
	case fieldInlineContact:
		var contact waHistorySync.InlineContact
		if err := decodeField(w, f, &contact); err != nil {
			return err
		}
		p.join(contact.GetPnJID(), contact.GetLidJID())
		p.name(firstOf(contact.GetPnJID(), contact.GetLidJID()),
			devicestore.Names{FirstName: contact.GetFirstName(), FullName: contact.GetFullName()})
		return nil
	case fieldStatusMessage, fieldRecentSticker, fieldPastMembers, fieldCallLog:
		return nil
	default:
		p.rest, err = w.copyTo(p.rest, f)
		return err
	}
}

func decodeField(w *wire, f field, m proto.Message) error {
	value, err := w.bytes(f)
	if err != nil {
		return err
	}
	return malformed(proto.UnmarshalOptions{AllowPartial: true, DiscardUnknown: true}.Unmarshal(value, m))
}

// readChat learns whom a conversation is with, and what they are called.
func (p *historicPeople) readChat(w *wire) error {
	told := map[protowire.Number]string{}
	for {
		f, err := w.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch f.number {
		case fieldChatID, fieldChatName, fieldChatNumber, fieldChatLID:
			value, err := w.bytes(f)
			if err != nil {
				return err
			}
			told[f.number] = string(value)
		default: // it concerns the chat
		}
	}
	id := told[fieldChatID]
	jid, err := types.ParseJID(id)
	if err != nil {
		return nil //nolint:nilerr // a chat with nobody: it is passed over later as well
	}
	switch jid.Server {
	case types.DefaultUserServer:
		p.join(id, told[fieldChatLID])
	case types.HiddenUserServer:
		p.join(told[fieldChatNumber], id)
	default:
		return nil
	}
	p.name(id, devicestore.Names{FullName: told[fieldChatName]})
	return nil
}

// join tells whatsmeow that two addresses are one person's.
func (p *historicPeople) join(number, lid string) {
	if number == "" || lid == "" {
		return
	}
	mapping, err := proto.Marshal(&waHistorySync.PhoneNumberToLIDMapping{PnJID: &number, LidJID: &lid})
	if err != nil {
		return // no text: nobody's address
	}
	p.rest = protowire.AppendBytes(protowire.AppendTag(p.rest, fieldMapping, protowire.BytesType), mapping)
}

func (p *historicPeople) name(jid string, names devicestore.Names) {
	parsed, err := types.ParseJID(jid)
	if err == nil && parsed.User != "" && names != (devicestore.Names{}) {
		names.JID = parsed.ToNonAD()
		p.names = append(p.names, names)
	}
}

// learn stores who is who. What whatsmeow keeps of a piece of history it is given
// to keep, in the form in which it takes it.
func (l *link) learn(packed []byte, part persist.HistoryPart) error {
	people, err := readPeople(packed)
	if err != nil {
		return blobError{err, true}
	}
	var rest bytes.Buffer
	w := zlib.NewWriter(&rest)
	if _, err := w.Write(people.rest); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	inline := &waE2E.HistorySyncNotification{InitialHistBootstrapInlinePayload: rest.Bytes()}
	if _, err := l.client.DownloadHistorySync(l.ctx, inline, true); err != nil {
		return blobError{err, true}
	}
	if l.ended() { // whatsmeow keeps failures of storage to itself
		return l.cause()
	}
	for i, names := range people.names {
		if people.names[i].JID, err = l.inbound.people.canonical(l.ctx, l.inbound.ledger.journal, names.JID); err != nil {
			return err
		}
	}
	return l.devices.PutFormerNames(l.ctx, part.ReceivedAt, people.names)
}
