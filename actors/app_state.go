package actors

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/persist"
)

// ChatUpdatedEvent tells what a device of the account has changed of a chat, this
// one included; what it has not is absent.
type ChatUpdatedEvent struct {
	ClientID  string    `json:"clientId"`
	ChatID    string    `json:"chatId"`
	At        time.Time `json:"at" doc:"when it was changed"`
	MessageID string    `json:"messageId,omitempty" doc:"the message that starred, or deleted, is about"`

	Pinned       *bool      `json:"pinned,omitempty"`
	Archived     *bool      `json:"archived,omitempty"`
	Muted        *bool      `json:"muted,omitempty"`
	MutedUntil   *time.Time `json:"mutedUntil,omitempty" doc:"absent where it is for ever"`
	MarkedUnread *bool      `json:"markedUnread,omitempty" doc:"false: the chat was read"`
	Starred      *bool      `json:"starred,omitempty"`
	Cleared      bool       `json:"cleared,omitempty" doc:"its messages were deleted on the account's devices"`
	Deleted      bool       `json:"deleted,omitempty" doc:"the chat, or the one message, was deleted on the account's devices"`
}

// ContactUpdatedEvent tells what the account's owner calls somebody.
type ContactUpdatedEvent struct {
	ClientID  string    `json:"clientId"`
	ContactID string    `json:"contactId"`
	Person    Person    `json:"person"`
	FullName  string    `json:"fullName"`
	FirstName string    `json:"firstName,omitempty"`
	At        time.Time `json:"at" doc:"when it was changed"`
}

// appState stores and tells what the account's devices share; false means that the
// event is about something else. Every change comes once more after it was made
// here.
func (in *inbound) appState(ctx context.Context, event any) (stored bool, err error) {
	switch e := event.(type) {
	case *events.Pin:
		pinned := e.Action.GetPinned()
		return true, in.chatSetting(ctx, e.JID, e.Timestamp, e.FromFullSync, ChatUpdatedEvent{Pinned: &pinned},
			func(s *persist.ChatSetting) { s.Pinned = pinned })
	case *events.Archive:
		archived := e.Action.GetArchived()
		return true, in.chatSetting(ctx, e.JID, e.Timestamp, e.FromFullSync, ChatUpdatedEvent{Archived: &archived},
			func(s *persist.ChatSetting) { s.Archived = archived })
	case *events.Mute:
		return true, in.muted(ctx, e)
	case *events.MarkChatAsRead:
		return true, in.marked(ctx, e)
	case *events.Star:
		return true, in.starred(ctx, e)
	case *events.ClearChat:
		return true, in.forgetChat(ctx, forgotten{e.JID, e.Timestamp, e.Action.GetMessageRange().GetLastMessageTimestamp(), e.FromFullSync, false})
	case *events.DeleteChat:
		return true, in.forgetChat(ctx, forgotten{e.JID, e.Timestamp, e.Action.GetMessageRange().GetLastMessageTimestamp(), e.FromFullSync, true})
	case *events.DeleteForMe:
		return true, in.forgetMessage(ctx, e)
	case *events.Contact:
		return true, in.named(ctx, e)
	case *events.LabelEdit, *events.LabelAssociationChat, *events.LabelAssociationMessage:
		return true, in.labelEvent(ctx, event)
	default:
		return false, nil
	}
}

// settle stores a change of the account's own. The state of all that a device gets
// first is much, and told to nobody.
func (in *inbound) settle(ctx context.Context, whole bool, fn func(*unit) error) error {
	if !whole {
		return in.ledger.record(ctx, fn)
	}
	_, err := in.ledger.write(ctx, func(u *unit) error {
		u.silent = true
		return fn(u)
	})
	return err
}

// chatSetting changes what is set of a chat, and tells it.
func (in *inbound) chatSetting(ctx context.Context, jid types.JID, at time.Time, whole bool, told ChatUpdatedEvent, change func(*persist.ChatSetting)) error {
	if !isChat(jid) {
		return nil
	}
	return in.settle(ctx, whole, func(u *unit) error {
		chat, err := in.people.canonical(ctx, u, jid)
		if err != nil {
			return err
		}
		if news, err := in.tellChat(ctx, u, chat, at, told); err != nil || !news {
			return err
		}
		return in.set(ctx, u, chat, jid, change)
	})
}

// set changes the settings of a chat, of which there may be some from before its
// number was known.
func (in *inbound) set(ctx context.Context, u *unit, chat, named types.JID, change func(*persist.ChatSetting)) error {
	setting, found, err := lookup(ctx, u, persist.ChatSettings, chat.String())
	if err == nil && !found && named != chat {
		setting, _, err = lookup(ctx, u, persist.ChatSettings, named.String())
	}
	if err != nil {
		return err
	}
	before := setting
	setting.JID = chat.String()
	if change(&setting); setting != before {
		u.Put(persist.ChatSettings.Put(setting))
	}
	return nil
}

// tellChat tells a change; false means that it was told, and made, before.
func (in *inbound) tellChat(ctx context.Context, u *unit, chat types.JID, at time.Time, told ChatUpdatedEvent) (news bool, err error) {
	if u.silent {
		return true, nil
	}
	told.ClientID, told.ChatID, told.At = in.account, FormatChat(chat), at.UTC().Truncate(time.Millisecond)
	return in.tellNews(ctx, u, EventChatUpdated, told)
}

// tellNews tells what is not among the newest events of the log already, whose time
// says which change it is; false means that it is.
func (in *inbound) tellNews(ctx context.Context, u *unit, kind EventKind, payload any) (bool, error) {
	data := string(encode(kind, payload))
	for seq := u.seq; seq > max(0, u.seq-recentEvents); seq-- {
		event, err := persist.Events.Get(ctx, u, in.people.scope, seq)
		if errors.Is(err, persist.ErrNotFound) {
			break // what is older is not kept
		}
		if err != nil {
			return false, err
		}
		if event.Kind == string(kind) && event.Data == data {
			return false, nil
		}
	}
	u.tell(kind, payload)
	return true, nil
}

func (in *inbound) muted(ctx context.Context, e *events.Mute) error {
	muted, until := e.Action.GetMuted(), time.Time{}
	switch end := e.Action.GetMuteEndTimestamp(); {
	case muted && end > 0:
		until = time.UnixMilli(end)
	case muted:
		until = store.MutedForever
	}
	told := ChatUpdatedEvent{Muted: &muted}
	if until != store.MutedForever {
		told.MutedUntil = timeOrNil(until)
	}
	return in.chatSetting(ctx, e.JID, e.Timestamp, e.FromFullSync, told, func(s *persist.ChatSetting) {
		s.MutedUntil = persist.Time(persist.Milliseconds(until))
	})
}

// marked notes a reminder, or that the chat was read up to a message.
func (in *inbound) marked(ctx context.Context, e *events.MarkChatAsRead) error {
	unread := !e.Action.GetRead()
	reach := e.Action.GetMessageRange().GetLastMessageTimestamp()
	if !isChat(e.JID) {
		return nil
	}
	return in.settle(ctx, e.FromFullSync, func(u *unit) error {
		jid, err := in.people.canonical(ctx, u, e.JID)
		if err != nil {
			return err
		}
		if news, err := in.tellChat(ctx, u, jid, e.Timestamp, ChatUpdatedEvent{MarkedUnread: &unread}); err != nil || !news {
			return err
		}
		chat, found, err := lookup(ctx, u, persist.Chats, jid.String())
		if err != nil {
			return err
		}
		if found && !unread && chat.Unread > 0 && chat.LastMessageAt.Unix() <= reach {
			chat.Unread = 0
			u.Put(persist.Chats.Put(chat))
		}
		return in.set(ctx, u, jid, e.JID, func(s *persist.ChatSetting) { s.MarkedUnread = unread })
	})
}

// mine is a message that the account's devices speak of.
type mine struct {
	chat, sender types.JID // in canonical form
	record       persist.Message
	found        bool
	name         string // its id as the API shows it
}

// ofMine finds the message that is meant. Whose it is is said in groups only, and
// not of own ones.
func (in *inbound) ofMine(ctx context.Context, u *unit, chat, sender types.JID, fromMe bool, id string) (m mine, err error) {
	if m.chat, err = in.people.canonical(ctx, u, chat); err != nil {
		return m, err
	}
	switch {
	case fromMe:
		m.sender = in.own
	case sender.IsEmpty():
		m.sender = m.chat
	default:
		if m.sender, err = in.people.canonical(ctx, u, sender); err != nil {
			return m, err
		}
	}
	if m.record, m.found, err = in.locate(ctx, u, m.chat, m.sender, persist.MessageID(id)); err != nil || !m.found {
		return m, err
	}
	shared, err := in.shared(ctx, u, place{chat: m.chat, sender: m.sender, fromMe: fromMe}, m.record.ID)
	m.name = FormatMessageID(m.record.ID, m.sender, shared)
	return m, err
}

func (in *inbound) starred(ctx context.Context, e *events.Star) error {
	starred := e.Action.GetStarred()
	return in.settle(ctx, e.FromFullSync, func(u *unit) error {
		m, err := in.ofMine(ctx, u, e.ChatJID, e.SenderJID, e.IsFromMe, e.MessageID)
		if err != nil || !m.found {
			return err
		}
		told := ChatUpdatedEvent{MessageID: m.name, Starred: &starred}
		if news, err := in.tellChat(ctx, u, m.chat, e.Timestamp, told); err != nil || !news {
			return err
		}
		m.record.Starred = starred
		u.Put(persist.Messages.Put(m.record))
		return nil
	})
}

// named tells another name of the address book, which whatsmeow has stored.
func (in *inbound) named(ctx context.Context, e *events.Contact) error {
	if e.FromFullSync {
		return nil
	}
	return in.ledger.record(ctx, func(u *unit) error {
		person, err := in.people.person(ctx, u, e.JID, "")
		if err != nil {
			return err
		}
		_, err = in.tellNews(ctx, u, EventContactUpdated, ContactUpdatedEvent{
			ClientID: in.account, ContactID: address(person, e.JID), Person: person, At: e.Timestamp.UTC(),
			FullName: e.Action.GetFullName(), FirstName: e.Action.GetFirstName(),
		})
		return err
	})
}
