package supervisor

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

// Statuses lists what people, the account among them, have shown everybody within
// the last day, newest first. Total is not known.
func (s *Supervisor) Statuses(ctx context.Context, account string, page Page) (MessageList, error) {
	return read(s, account, func(r *reading) (MessageList, error) {
		q := persist.Query{Index: "by_time", Prefix: persist.Messages.Key(types.StatusBroadcastJID.String()), Reverse: true}
		records, next, err := scanPage(ctx, r, persist.Messages, q, page)
		if err != nil {
			return MessageList{}, err
		}
		list := MessageList{Next: next, Messages: []Message{}}
		for _, record := range records {
			if record.ExpiresAt.Before(time.Now()) {
				return MessageList{Messages: list.Messages}, nil // as are all that follow
			}
			message, err := r.message(ctx, record)
			if err != nil {
				return MessageList{}, err
			}
			list.Messages = append(list.Messages, message)
		}
		return list, nil
	})
}
