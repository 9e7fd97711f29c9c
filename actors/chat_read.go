package actors

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

// ReadChat tells whoever wrote that what is unread in a chat was read, as far as
// the account's privacy allows. The reply is [ReadMessages].
type ReadChat struct{ Chat string }

// ReadMessages tells how many messages were marked.
type ReadMessages struct {
	Count int `json:"count" doc:"messages that were unread until now"`
}

// How much of a chat is marked at once: the newest of what is unread, and how many
// are named in one receipt.
const (
	maxRead        = 2000
	maxReceiptRead = 256
)

func (r ReadChat) perform(ctx context.Context, l *link) (any, error) {
	c, err := l.changing(ctx, r.Chat)
	if err != nil {
		return nil, err
	}
	unread, err := c.unread(ctx)
	if err != nil {
		return nil, err
	}
	for sender, ids := range unread.bySender {
		if err := l.markRead(ctx, c.shown, sender, ids); err != nil {
			return nil, changed(err)
		}
	}
	if c.record.Unread == 0 && !unread.marked {
		return ReadMessages{}, nil
	}
	if err := l.inbound.ledger.record(ctx, func(u *unit) error { return l.inbound.readElsewhere(ctx, u, c.chat) }); err != nil {
		return nil, err
	}
	if !unread.marked {
		return ReadMessages{unread.count}, nil
	}
	_, err = c.mark(ctx, true)
	return ReadMessages{unread.count}, err
}

// unreadMessages are those of a chat by sender, as the account's devices name them.
type unreadMessages struct {
	bySender map[types.JID][]types.MessageID
	count    int
	marked   bool // by the owner, as a reminder
}

func (c *sharedChange) unread(ctx context.Context) (unreadMessages, error) {
	all := unreadMessages{bySender: map[types.JID][]types.MessageID{}}
	setting, err := persist.ChatSettings.Get(ctx, c.composition.read, c.composition.people.scope, c.chat.String())
	if err != nil && !errors.Is(err, persist.ErrNotFound) {
		return all, err
	}
	all.marked = setting.MarkedUnread
	if c.record.Unread == 0 {
		return all, nil
	}
	newest, err := persist.Messages.Scan(ctx, c.composition.read, persist.Query{
		Scope: c.composition.people.scope, Index: "by_time", Prefix: persist.Messages.Key(c.chat.String()), Reverse: true, Limit: maxRead,
	})
	for _, message := range newest {
		if err != nil || int64(all.count) == c.record.Unread {
			break
		}
		if !message.FromMe {
			err = c.add(ctx, &all, message)
		}
	}
	return all, err
}

func (c *sharedChange) add(ctx context.Context, to *unreadMessages, message persist.Message) error {
	author, err := c.composition.authorOf(ctx, message)
	if err != nil {
		return err
	}
	if author, err = c.composition.present(ctx, author); err != nil {
		return err
	}
	to.bySender[author] = append(to.bySender[author], message.ID)
	to.count++
	return nil
}

// markRead sends receipts for messages of one sender.
func (l *link) markRead(ctx context.Context, chat, sender types.JID, ids []types.MessageID) error {
	for len(ids) > 0 {
		some := ids[:min(len(ids), maxReceiptRead)]
		if err := l.client.MarkRead(ctx, some, time.Now(), chat, sender); err != nil {
			return err
		}
		ids = ids[len(some):]
	}
	return nil
}

// ShowTyping tells the other side of a chat that the account is writing, recording,
// or has paused; WhatsApp shows it for about 25 seconds. The reply is [Done].
type ShowTyping struct {
	Chat string
	// State is composing, recording or paused.
	State string
}

func (r ShowTyping) perform(ctx context.Context, l *link) (any, error) {
	jid, ok := ParseChat(r.Chat)
	if !ok || jid.Server == types.NewsletterServer {
		return nil, wrongField("chatId", "not the address of a person or group")
	}
	state, media := types.ChatPresenceComposing, types.ChatPresenceMediaText
	switch r.State {
	case "composing":
	case "recording":
		media = types.ChatPresenceMediaAudio
	case "paused":
		state = types.ChatPresencePaused
	default:
		return nil, wrongField("state", "must be composing, recording or paused")
	}
	shown, err := l.composition().present(ctx, jid)
	if err != nil {
		return nil, err
	}
	return Done{}, changed(l.client.SendChatPresence(ctx, shown, state, media))
}
