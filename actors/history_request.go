package actors

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

// HistoryPerRequest is how many messages whatsmeow recommends to ask for at once.
const HistoryPerRequest = 50

// RequestHistory asks the phone for older messages of a chat than are here; the reply
// is a [RequestedHistory]. What the phone sends comes as a part of the history; a phone
// that is off sends it when it is on again, and one that has no such chat sends nothing.
type RequestHistory struct {
	Chat  string
	Count int
	// Before is the id of a message; empty is the oldest that is here.
	Before string
}

// RequestedHistory is what the phone was asked for.
type RequestedHistory struct {
	RequestID string `json:"requestId" doc:"stands in the sync-progress and sync-complete events of the answer"`
	ChatID    string `json:"chatId"`
	Before    string `json:"before" doc:"the message before which; empty where the chat has none yet"`
}

func (r RequestHistory) perform(ctx context.Context, l *link) (any, error) {
	jid, ok := ParseChat(r.Chat)
	if !ok {
		return nil, wrongField("chatId", "not a chat")
	}
	chat, err := l.inbound.people.canonical(ctx, l.inbound.ledger.journal, jid)
	if err != nil {
		return nil, err
	}
	_, err = persist.Chats.Get(ctx, l.inbound.ledger.journal, l.inbound.people.scope, chat.String())
	if errors.Is(err, persist.ErrNotFound) {
		return nil, Refuse(CodeChatNotFound, "there is no such chat")
	}
	if err != nil {
		return nil, err
	}
	oldest, err := l.messageBefore(ctx, chat, r.Before)
	if err != nil {
		return nil, err
	}
	told, err := l.onPhone(ctx, chat)
	if err != nil {
		return nil, err
	}
	request := l.client.BuildHistorySyncRequest(&types.MessageInfo{
		MessageSource: types.MessageSource{Chat: told, IsFromMe: oldest.FromMe}, ID: oldest.ID, Timestamp: oldest.Timestamp,
	}, r.Count)
	sent, err := l.client.SendPeerMessage(ctx, request)
	return RequestedHistory{sent.ID, FormatChat(chat), oldest.ID}, err
}

// onPhone is the address under which the phone has a chat: by LID once it has moved
// its chats there.
func (l *link) onPhone(ctx context.Context, chat types.JID) (types.JID, error) {
	if chat.Server != types.DefaultUserServer || l.client.Store.LIDMigrationTimestamp == 0 {
		return chat, nil
	}
	lid, err := l.inbound.people.other(ctx, l.inbound.ledger.journal, chat)
	if err != nil || lid.IsEmpty() {
		return chat, err
	}
	return lid, nil
}

// messageBefore is the message of a chat that is named, or the oldest. A chat without
// any goes on from now.
func (l *link) messageBefore(ctx context.Context, chat types.JID, id string) (persist.Message, error) {
	query := persist.Query{Scope: l.inbound.people.scope, Index: "by_time", Prefix: persist.Messages.Key(chat.String()), Limit: 1}
	if id != "" {
		bare, _, ok := ParseMessageID(id)
		if !ok {
			return persist.Message{}, wrongField("before", "not the id of a message")
		}
		query.Index, query.Prefix = "by_id", persist.Messages.Key(persist.MessageID(bare), chat.String())
	}
	found, err := persist.Messages.Scan(ctx, l.inbound.ledger.journal, query)
	switch {
	case err != nil:
		return persist.Message{}, err
	case len(found) > 0:
		return found[0], nil
	case id != "":
		return persist.Message{}, &Error{Code: CodeMessageNotFound, Field: "before", Message: "before: the chat has no such message"}
	default:
		return persist.Message{Timestamp: time.Now()}, nil
	}
}
