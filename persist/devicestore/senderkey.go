package devicestore

import (
	"context"

	"whatsapp-web-server/persist"
)

// PutSenderKey stores a group's sender key. Our own, outside a decryption, is
// about to encrypt a frame, so it is durable when it returns.
func (s *Store) PutSenderKey(ctx context.Context, group, sender string, key []byte) (err error) {
	defer s.guard(ctx, "store sender key", &err)
	position, err := s.write(ctx, persist.SenderKeys.Put(persist.SenderKey{Group: group, Sender: sender, Key: key}))
	if !s.isOwnDevice(sender) {
		return err
	}
	return s.barrier(ctx, position, err)
}

// GetSenderKey returns nil if there is none.
func (s *Store) GetSenderKey(ctx context.Context, group, sender string) (_ []byte, err error) {
	defer s.guard(ctx, "read sender key", &err)
	key, found, err := find(ctx, s, persist.SenderKeys, group, sender)
	if err != nil || !found {
		return nil, err
	}
	return key.Key, nil
}

func senderAddress(k *persist.SenderKey) *string { return &k.Sender }
