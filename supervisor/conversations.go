package supervisor

import (
	"context"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Conversation is a chat with what else is known of it.
type Conversation struct {
	Record persist.Chat
	// ID is the chat's address as the API writes it.
	ID    string
	Group bool
	// Person is who it is with; the zero value for a group.
	Person  actors.Person
	Setting persist.ChatSetting
	Labels  []actors.Label
	// Last is the newest message; nil where there is none.
	Last *LastMessage
}

// LastMessage is what a list of chats shows of the newest message.
type LastMessage struct {
	Record persist.Message // as far as the chat remembers it, where it is gone
	ID     string
	Sender actors.Person
}

// ConversationList is a page of an account's chats, which are Total altogether.
type ConversationList struct {
	Conversations []Conversation
	Total         int
	Next          string // cursor of the next page; empty at the end
}

// Conversations lists an account's chats, newest activity first. A chat that
// becomes active while somebody pages moves to the front, and is not seen again
// by who goes on.
func (s *Supervisor) Conversations(ctx context.Context, account string, page Page) (ConversationList, error) {
	return read(s, account, func(r *reading) (ConversationList, error) {
		q := persist.Query{Index: "by_activity", Reverse: true}
		chats, next, err := scanPage(ctx, r, persist.Chats, q, page)
		if err != nil {
			return ConversationList{}, err
		}
		list := ConversationList{Next: next, Conversations: make([]Conversation, len(chats))}
		for i, chat := range chats {
			if list.Conversations[i], err = r.conversation(ctx, chat); err != nil {
				return ConversationList{}, err
			}
		}
		list.Total, err = r.total(ctx, persist.CountChats)
		return list, err
	})
}

// ConversationDetail is a chat with who takes part.
type ConversationDetail struct {
	Conversation
	Participants []Participant
	Messages     int // how many there are
}

// Participant is a member of a chat.
type Participant struct {
	Person actors.Person
	Role   string // "member", "admin" or "superadmin"
}

// maxParticipants is more than WhatsApp allows in a group, which is 1,024.
const maxParticipants = 4096

// Conversation reads one chat, which may be named by LID or by number; without
// one it refuses with chat_not_found. Who takes part in a chat with a person is
// that person.
func (s *Supervisor) Conversation(ctx context.Context, account, chat string) (ConversationDetail, error) {
	return read(s, account, func(r *reading) (ConversationDetail, error) {
		record, err := r.chat(ctx, chat)
		if err != nil {
			return ConversationDetail{}, err
		}
		detail := ConversationDetail{}
		if detail.Conversation, err = r.conversation(ctx, record); err != nil {
			return detail, err
		}
		if detail.Participants, err = r.participants(ctx, detail.Conversation); err != nil {
			return detail, err
		}
		detail.Messages, err = r.total(ctx, persist.CountMessages+record.JID)
		return detail, err
	})
}

// chat finds the chat that an address in the API's form means.
func (r *reading) chat(ctx context.Context, address string) (persist.Chat, error) {
	addresses, err := r.addresses(ctx, address)
	if err != nil {
		return persist.Chat{}, err
	}
	for _, jid := range addresses {
		if chat, found, err := find(ctx, r, persist.Chats, jid.String()); found || err != nil {
			return chat, err
		}
	}
	return persist.Chat{}, actors.Refuse(actors.CodeChatNotFound, "no chat has this address")
}

// addresses lists where records of somebody may be: under the canonical address
// first, then under the LID, if they are from before the number was known.
func (r *reading) addresses(ctx context.Context, address string) ([]types.JID, error) {
	jid, ok := actors.ParseChat(address)
	if !ok {
		return nil, &actors.Error{Code: actors.CodeInvalidRequest, Field: "chatId", Message: "not a number or JID"}
	}
	canonical, err := r.people.Canonical(ctx, jid)
	if err != nil {
		return nil, err
	}
	other, err := r.people.Other(ctx, canonical)
	if err != nil || other.IsEmpty() {
		return []types.JID{canonical}, err
	}
	return []types.JID{canonical, other}, nil
}

// conversation adds to a chat what is kept elsewhere.
func (r *reading) conversation(ctx context.Context, record persist.Chat) (Conversation, error) {
	jid, err := types.ParseJID(record.JID)
	if err != nil {
		return Conversation{}, err
	}
	c := Conversation{Record: record, ID: actors.FormatChat(jid), Group: jid.Server == types.GroupServer}
	if !c.Group {
		if c.Person, err = r.person(ctx, record.JID); err != nil {
			return Conversation{}, err
		}
		c.ID = c.Person.Address()
	}
	if c.Setting, err = r.setting(ctx, c.ID); err != nil {
		return Conversation{}, err
	}
	if c.Labels, err = r.labelsOf(ctx, record.JID, ""); err != nil {
		return Conversation{}, err
	}
	c.Last, err = r.last(ctx, record)
	return c, err
}

func (r *reading) setting(ctx context.Context, address string) (persist.ChatSetting, error) {
	addresses, err := r.addresses(ctx, address)
	if err != nil {
		return persist.ChatSetting{}, err
	}
	for _, jid := range addresses {
		if setting, found, err := find(ctx, r, persist.ChatSettings, jid.String()); found || err != nil {
			return setting, err
		}
	}
	return persist.ChatSetting{}, nil
}

func (r *reading) last(ctx context.Context, chat persist.Chat) (*LastMessage, error) {
	if chat.LastMessageID == "" {
		return nil, nil
	}
	sender, err := r.person(ctx, chat.LastMessageSender)
	if err != nil {
		return nil, err
	}
	namesakes, err := r.namesakes(ctx, chat.JID, chat.LastMessageID)
	if err != nil {
		return nil, err
	}
	last := &LastMessage{ID: chat.LastMessageID, Sender: sender, Record: persist.Message{
		Timestamp: chat.LastMessageAt, Type: chat.LastMessageType, FromMe: chat.LastMessageFromMe,
	}}
	for _, message := range namesakes {
		if message.Sender == chat.LastMessageSender {
			last.Record, last.ID = message, nameAmong(namesakes, message)
		}
	}
	return last, nil
}

func (r *reading) participants(ctx context.Context, c Conversation) ([]Participant, error) {
	if !c.Group {
		return []Participant{{Person: c.Person, Role: "member"}}, nil
	}
	members, err := persist.GroupParticipants.Scan(ctx, r, persist.Query{
		Prefix: persist.GroupParticipants.Key(c.Record.JID), Limit: maxParticipants,
	})
	if err != nil {
		return nil, err
	}
	participants := make([]Participant, len(members))
	for i, member := range members {
		person, err := r.person(ctx, member.JID)
		if err != nil {
			return nil, err
		}
		participants[i] = Participant{person, member.Role}
	}
	return participants, nil
}
