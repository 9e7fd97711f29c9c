package devicestore

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/journal"
)

// PutPrivacyTokens stores tokens unless a newer one of the user is known. A token
// without a sender time keeps the stored one.
func (s *Store) PutPrivacyTokens(ctx context.Context, tokens ...store.PrivacyToken) (err error) {
	defer s.guard(ctx, "store privacy tokens", &err)
	_, err = s.update(ctx, func(tx *journal.Tx) error {
		for _, token := range tokens {
			next := persist.PrivacyToken{User: plain(token.User), Token: token.Token, Timestamp: token.Timestamp, SenderTimestamp: token.SenderTimestamp}
			err := edit(ctx, s, tx, persist.PrivacyTokens, []any{next.User}, func(stored *persist.PrivacyToken, found bool) bool {
				if persist.Milliseconds(next.SenderTimestamp) == 0 {
					next.SenderTimestamp = stored.SenderTimestamp
				}
				older := found && next.Timestamp.Before(stored.Timestamp)
				*stored = next
				return !older
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// GetPrivacyToken returns the newest token stored for the user's number or LID,
// or nil. whatsmeow reads it between encrypting a message for one person and
// sending the frame, so here a [Send] that encrypted for nobody is stopped.
func (s *Store) GetPrivacyToken(ctx context.Context, user types.JID) (_ *store.PrivacyToken, err error) {
	defer s.guard(ctx, "read privacy token", &err)
	if err := checkEncrypted(ctx); err != nil {
		return nil, err
	}
	jids, err := s.bothJIDs(ctx, user)
	if err != nil {
		return nil, err
	}
	var newest *store.PrivacyToken
	for _, jid := range jids {
		token, found, err := find(ctx, s, persist.PrivacyTokens, plain(jid))
		if err != nil {
			return nil, err
		}
		if found && (newest == nil || token.Timestamp.After(newest.Timestamp)) {
			newest = &store.PrivacyToken{User: user.ToNonAD(), Token: token.Token, Timestamp: token.Timestamp, SenderTimestamp: token.SenderTimestamp}
		}
	}
	return newest, nil
}

// DeleteExpiredPrivacyTokens removes tokens from before cutoff and counts them.
func (s *Store) DeleteExpiredPrivacyTokens(ctx context.Context, cutoff time.Time) (_ int64, err error) {
	defer s.guard(ctx, "remove old privacy tokens", &err)
	var expired []persist.Mutation
	for token, err := range scan(ctx, s, persist.PrivacyTokens, persist.Query{}) {
		if err != nil {
			return 0, err
		}
		if token.Timestamp.Before(cutoff) {
			expired = append(expired, removal(persist.PrivacyTokens, token))
		}
	}
	return int64(len(expired)), s.writeInPages(ctx, expired)
}

// PutNCTSalt stores the salt for tokens to strangers.
func (s *Store) PutNCTSalt(ctx context.Context, salt []byte) (err error) {
	defer s.guard(ctx, "store token salt", &err)
	_, err = s.write(ctx, persist.NCTSalts.Put(persist.NCTSalt{Salt: salt}))
	return err
}

// GetNCTSalt returns nil if there is none.
func (s *Store) GetNCTSalt(ctx context.Context) (_ []byte, err error) {
	defer s.guard(ctx, "read token salt", &err)
	salt, found, err := find(ctx, s, persist.NCTSalts)
	if err != nil || !found {
		return nil, err
	}
	return salt.Salt, nil
}

// DeleteNCTSalt forgets the salt.
func (s *Store) DeleteNCTSalt(ctx context.Context) (err error) {
	defer s.guard(ctx, "remove token salt", &err)
	_, err = s.write(ctx, persist.NCTSalts.Remove())
	return err
}
