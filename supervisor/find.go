package supervisor

import (
	"context"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// Search lists the messages of an account, newest first, whose text has, for each
// word of what is searched, a word that begins with it, whatever the case and the
// accents. A chat, unless empty, narrows it to that one; it may be named by LID or
// by number. Messages that were deleted for everyone are not found.
//
// It refuses with invalid_request what has no word in it, and with chat_not_found.
// Total is not known.
func (s *Supervisor) Search(ctx context.Context, account, text, chat string, page Page) (MessageList, error) {
	return read(s, account, func(r *reading) (MessageList, error) {
		terms, err := r.terms(ctx, text, chat)
		if err != nil {
			return MessageList{}, err
		}
		q := persist.Query{Index: "by_time", Reverse: true, Match: terms}
		found, next, err := scanPage(ctx, r, persist.MessageContents, q, page)
		if err != nil {
			return MessageList{}, err
		}
		list := MessageList{Next: next}
		for _, content := range found {
			record, exists, err := find(ctx, r, persist.Messages, content.Chat, content.Sender, content.ID)
			if err != nil {
				return MessageList{}, err
			}
			if !exists {
				continue // it has just moved
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

// terms are what the texts must have.
func (r *reading) terms(ctx context.Context, text, chat string) ([]string, error) {
	terms := persist.Terms(text)
	if len(terms) == 0 {
		return nil, &actors.Error{Code: actors.CodeInvalidRequest, Field: "q", Message: "q: has no word to search for"}
	}
	if chat == "" {
		return terms, nil
	}
	record, err := r.chat(ctx, chat)
	if err != nil {
		return nil, err
	}
	return append(terms, persist.ChatTerm(record.JID)), nil
}

// Message reads one message by its id in a chat, which may be named by LID or by
// number, or in [actors.StatusChat]. It refuses with chat_not_found and
// message_not_found.
func (s *Supervisor) Message(ctx context.Context, account, chat, id string) (Message, error) {
	return read(s, account, func(r *reading) (Message, error) {
		at := chat
		if chat != actors.StatusChat {
			record, err := r.chat(ctx, chat)
			if err != nil {
				return Message{}, err
			}
			at = record.JID
		}
		message, found, err := r.named(ctx, at, id)
		if err != nil {
			return Message{}, err
		}
		if !found {
			return Message{}, actors.Refuse(actors.CodeMessageNotFound, "no message of the chat has this id")
		}
		return r.message(ctx, message)
	})
}
