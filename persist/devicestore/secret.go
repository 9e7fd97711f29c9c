package devicestore

import (
	"context"
	"slices"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// PutMessageSecret keeps the secret of a message; the first one stays.
func (s *Store) PutMessageSecret(ctx context.Context, chat, sender types.JID, id types.MessageID, secret []byte) (err error) {
	defer s.guard(ctx, "store message secret", &err)
	return s.putSecrets(ctx, []store.MessageSecretInsert{{Chat: chat, Sender: sender, ID: id, Secret: secret}})
}

// PutMessageSecrets is PutMessageSecret for many.
func (s *Store) PutMessageSecrets(ctx context.Context, inserts []store.MessageSecretInsert) (err error) {
	defer s.guard(ctx, "store message secrets", &err)
	for unit := range slices.Chunk(inserts, unitSize) {
		if err := s.putSecrets(ctx, unit); err != nil {
			return err
		}
	}
	return s.open()
}

func (s *Store) putSecrets(ctx context.Context, inserts []store.MessageSecretInsert) error {
	_, err := s.update(ctx, func(tx *journal.Tx) error {
		for _, insert := range inserts {
			if insert.Chat.IsEmpty() || insert.Sender.IsEmpty() || insert.ID == "" || len(insert.Secret) == 0 {
				continue
			}
			secret := persist.MessageSecret{
				Chat: plain(insert.Chat), Sender: plain(insert.Sender), ID: persist.MessageID(insert.ID), Secret: insert.Secret,
			}
			key := []any{secret.Chat, secret.Sender, secret.ID}
			err := edit(ctx, s, tx, persist.MessageSecrets, key, func(stored *persist.MessageSecret, found bool) bool {
				*stored = secret
				return !found
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// GetMessageSecret returns a secret and the sender it is stored under; chat and
// sender may be named by number or LID.
func (s *Store) GetMessageSecret(ctx context.Context, chat, sender types.JID, id types.MessageID) (_ []byte, _ types.JID, err error) {
	defer s.guard(ctx, "read message secret", &err)
	chats, err := s.bothJIDs(ctx, chat)
	if err != nil {
		return nil, types.EmptyJID, err
	}
	senders, err := s.bothJIDs(ctx, sender)
	if err != nil {
		return nil, types.EmptyJID, err
	}
	for _, chat := range chats {
		for _, sender := range senders {
			secret, found, err := find(ctx, s, persist.MessageSecrets, plain(chat), plain(sender), persist.MessageID(id))
			if err != nil {
				return nil, types.EmptyJID, err
			}
			if found {
				return secret.Secret, sender, nil
			}
		}
	}
	return nil, types.EmptyJID, nil
}

// plain is a JID's text without device and agent.
func plain(jid types.JID) string { return jid.ToNonAD().String() }
