package actors

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/persist"
)

// forgotten is a chat whose messages a device of the account has deleted.
type forgotten struct {
	jid   types.JID
	at    time.Time
	until int64 // Unix seconds of the last message that is deleted
	whole bool  // part of what a device gets first
	chat  bool  // the chat goes as well
}

// forgetChat deletes the messages of a chat up to a time, in units that hold up
// nobody, and in the last what is told of it. What came later stays.
func (in *inbound) forgetChat(ctx context.Context, f forgotten) error {
	if !isChat(f.jid) {
		return nil
	}
	jid, err := in.people.canonical(ctx, in.ledger.journal, f.jid)
	if err != nil {
		return err
	}
	for left := true; left; {
		err := in.settle(ctx, f.whole, func(u *unit) (err error) {
			left, err = in.forgetSome(ctx, u, jid, f.until)
			return err
		})
		if err != nil {
			return err
		}
	}
	return in.settle(ctx, f.whole, func(u *unit) error {
		told := ChatUpdatedEvent{Cleared: !f.chat, Deleted: f.chat}
		if news, err := in.tellChat(ctx, u, jid, f.at, told); err != nil || !news {
			return err
		}
		return in.emptied(ctx, u, jid, f)
	})
}

// forgetSome deletes the oldest messages, and tells whether more are left.
func (in *inbound) forgetSome(ctx context.Context, u *unit, chat types.JID, until int64) (left bool, err error) {
	oldest, err := persist.Messages.Scan(ctx, in.ledger.journal, persist.Query{
		Scope: u.scope, Index: "by_time", Prefix: persist.Messages.Key(chat.String()), Limit: mergeUnit,
	})
	if err != nil {
		return false, err
	}
	for _, message := range oldest {
		if message.Timestamp.Unix() > until {
			return false, nil
		}
		if err := in.forget(ctx, u, message); err != nil {
			return false, err
		}
	}
	return len(oldest) == mergeUnit, nil
}

// forget deletes a message and what is kept of it.
func (in *inbound) forget(ctx context.Context, u *unit, m persist.Message) error {
	u.Put(persist.Messages.Remove(m.Chat, m.Sender, m.ID), persist.MessageContents.Remove(m.Chat, m.Sender, m.ID),
		persist.MediaData.Remove(m.Chat, m.Sender, m.ID))
	u.Count(persist.CountMessages+m.Chat, -1)
	for _, table := range []*persist.Table{persist.MessageReactions.Table, persist.UserReceipts.Table, persist.PollVotes.Table} {
		rows, err := in.ledger.journal.Scan(ctx, persist.Query{
			Scope: u.scope, Table: table, Prefix: persist.Messages.Key(m.Chat, m.ID), Limit: maxSaid,
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			u.Put(persist.Mutation{Table: table, Row: row[:table.KeyColumns], Delete: true})
		}
	}
	return in.unlabel(ctx, u, m.Chat, m.ID)
}

// unlabel takes all labels off a message, or off the chat itself where there is none.
func (in *inbound) unlabel(ctx context.Context, u *unit, chat, message string) error {
	items, err := persist.LabelItems.Scan(ctx, in.ledger.journal, persist.Query{
		Scope: u.scope, Index: "by_chat", Prefix: persist.LabelItems.Key(chat, message), Limit: maxSaid,
	})
	for _, item := range items {
		u.Put(persist.LabelItems.Remove(item.LabelID, item.Chat, item.MessageID))
	}
	return err
}

// emptied brings the chat up to what is left of it: nothing, or what came after.
func (in *inbound) emptied(ctx context.Context, u *unit, jid types.JID, f forgotten) error {
	chat, found, err := lookup(ctx, u, persist.Chats, jid.String())
	if err != nil || !found || chat.LastMessageAt.Unix() > f.until {
		return err
	}
	if f.chat {
		u.Put(persist.Chats.Remove(chat.JID), persist.ChatSettings.Remove(chat.JID))
		u.Count(persist.CountChats, -1)
		return in.unlabel(ctx, u, chat.JID, "")
	}
	u.Put(persist.Chats.Put(persist.Chat{
		JID: chat.JID, Name: chat.Name, Description: chat.Description, LastMessageAt: chat.LastMessageAt,
	}))
	return nil
}

// forgetMessage deletes one message on the account's devices.
func (in *inbound) forgetMessage(ctx context.Context, e *events.DeleteForMe) error {
	return in.settle(ctx, e.FromFullSync, func(u *unit) error {
		m, err := in.ofMine(ctx, u, e.ChatJID, e.SenderJID, e.IsFromMe, e.MessageID)
		if err != nil || !m.found {
			return err
		}
		if err := in.forget(ctx, u, m.record); err != nil {
			return err
		}
		if err := in.uncover(ctx, u, m.record); err != nil {
			return err
		}
		_, err = in.tellChat(ctx, u, m.chat, e.Timestamp, ChatUpdatedEvent{MessageID: m.name, Deleted: true})
		return err
	})
}

// uncover makes the message before a deleted one the last of the chat, where that
// was the last.
func (in *inbound) uncover(ctx context.Context, u *unit, deleted persist.Message) error {
	chat, found, err := lookup(ctx, u, persist.Chats, deleted.Chat)
	if err != nil || !found || chat.LastMessageID != deleted.ID || chat.LastMessageSender != deleted.Sender {
		return err
	}
	bare := persist.Chat{
		JID: chat.JID, Name: chat.Name, Description: chat.Description, Unread: chat.Unread, LastMessageAt: chat.LastMessageAt,
	}
	newest, err := persist.Messages.Scan(ctx, in.ledger.journal, persist.Query{
		Scope: u.scope, Index: "by_time", Prefix: persist.Messages.Key(chat.JID), Reverse: true, Limit: 2,
	})
	for _, last := range newest {
		if last.ID == deleted.ID && last.Sender == deleted.Sender {
			continue
		}
		content, _, err := lookup(ctx, u, persist.MessageContents, last.Chat, last.Sender, last.ID)
		if err != nil {
			return err
		}
		bare.LastMessageAt, bare.LastMessageID, bare.LastMessageSender = last.Timestamp, last.ID, last.Sender
		bare.LastMessageType, bare.LastMessageFromMe, bare.Preview = last.Type, last.FromMe, shorten(content.Body)
		break
	}
	u.Put(persist.Chats.Put(bare))
	return err
}
