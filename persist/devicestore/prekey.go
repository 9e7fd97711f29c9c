package devicestore

import (
	"context"

	"go.mau.fi/whatsmeow/util/keys"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// Counters of prekeys.
const (
	// lastPreKeyID holds the newest id given out, so that the id of a consumed key
	// is not used again for another.
	lastPreKeyID = "prekeys"
	// uploadedPreKeys counts what WhatsApp may still give out: whatsmeow asks at
	// each connect, and there are some 800.
	uploadedPreKeys = "prekeys/uploaded"
)

// GetOrGenPreKeys returns count keys that were never uploaded, old ones first,
// generating what is missing. They are durable when it returns.
func (s *Store) GetOrGenPreKeys(ctx context.Context, count uint32) (_ []*keys.PreKey, err error) {
	defer s.guard(ctx, "get prekeys", &err)
	s.numbering.Lock()
	defer s.numbering.Unlock()
	var unuploaded []*keys.PreKey
	for key, err := range scan(ctx, s, persist.PreKeys, persist.Query{}) {
		if err != nil {
			return nil, err
		}
		if !key.Uploaded && len(unuploaded) < int(count) {
			unuploaded = append(unuploaded, preKeyOf(key))
		}
	}
	generated, err := s.generate(ctx, int(count)-len(unuploaded), false)
	return append(unuploaded, generated...), err
}

// GenOnePreKey makes a key for a retry receipt. It is durable when it returns and
// counts as uploaded.
func (s *Store) GenOnePreKey(ctx context.Context) (_ *keys.PreKey, err error) {
	defer s.guard(ctx, "generate prekey", &err)
	s.numbering.Lock()
	defer s.numbering.Unlock()
	generated, err := s.generate(ctx, 1, true)
	if err != nil {
		return nil, err
	}
	return generated[0], nil
}

// generate makes and stores keys with the next ids, in one unit. The caller holds
// numbering.
func (s *Store) generate(ctx context.Context, count int, uploaded bool) ([]*keys.PreKey, error) {
	if count <= 0 {
		return nil, nil
	}
	last, _, err := find(ctx, s, persist.Counters, lastPreKeyID)
	if err != nil {
		return nil, err
	}
	generated := make([]*keys.PreKey, count)
	var mutations []persist.Mutation
	for i := range generated {
		last.Value++
		key := keys.NewPreKey(uint32(last.Value))
		generated[i] = key
		mutations = append(mutations, persist.PreKeys.Put(persist.PreKey{ID: key.KeyID, Key: *key.Priv, Uploaded: uploaded}))
	}
	last.Name = lastPreKeyID
	mutations = append(mutations, persist.Counters.Put(last))
	position, err := s.update(ctx, func(tx *journal.Tx) error {
		tx.Put(mutations...)
		if uploaded {
			tx.Count(uploadedPreKeys, int64(count))
		}
		return nil
	})
	return generated, s.barrier(ctx, position, err)
}

// GetPreKey returns nil for a key that is not there.
func (s *Store) GetPreKey(ctx context.Context, id uint32) (_ *keys.PreKey, err error) {
	defer s.guard(ctx, "read prekey", &err)
	key, found, err := find(ctx, s, persist.PreKeys, id)
	if err != nil || !found {
		return nil, err
	}
	return preKeyOf(key), nil
}

// RemovePreKey forgets a consumed key.
func (s *Store) RemovePreKey(ctx context.Context, id uint32) (err error) {
	defer s.guard(ctx, "remove prekey", &err)
	_, err = s.update(ctx, func(tx *journal.Tx) error {
		key, found, err := findIn(ctx, s, tx, persist.PreKeys, id)
		if err != nil || !found {
			return err
		}
		tx.Put(persist.PreKeys.Remove(id))
		if key.Uploaded {
			tx.Count(uploadedPreKeys, -1)
		}
		return nil
	})
	return err
}

// MarkPreKeysAsUploaded marks the keys up to and with this id.
func (s *Store) MarkPreKeysAsUploaded(ctx context.Context, upToID uint32) (err error) {
	defer s.guard(ctx, "mark prekeys as uploaded", &err)
	_, err = s.update(ctx, func(tx *journal.Tx) error {
		for key, err := range scan(ctx, s, persist.PreKeys, persist.Query{}) {
			if err != nil {
				return err
			}
			if key.ID <= upToID && !key.Uploaded {
				key.Uploaded = true
				tx.Put(persist.PreKeys.Put(key))
				tx.Count(uploadedPreKeys, 1)
			}
		}
		return nil
	})
	return err
}

// UploadedPreKeyCount counts the keys that WhatsApp may still give out.
func (s *Store) UploadedPreKeyCount(ctx context.Context) (_ int, err error) {
	defer s.guard(ctx, "count prekeys", &err)
	counter, _, err := find(ctx, s, persist.Counters, uploadedPreKeys)
	return int(counter.Value), err
}

func preKeyOf(key persist.PreKey) *keys.PreKey {
	return &keys.PreKey{KeyPair: *keys.NewKeyPairFromPrivateKey(key.Key), KeyID: key.ID}
}
