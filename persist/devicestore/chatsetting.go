package devicestore

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

// PutMutedUntil stores until when a chat is muted; the zero time is not muted.
func (s *Store) PutMutedUntil(ctx context.Context, chat types.JID, until time.Time) (err error) {
	defer s.guard(ctx, "store mute", &err)
	until = persist.Time(persist.Milliseconds(until))
	return s.editChatSetting(ctx, chat, func(c *persist.ChatSetting) { c.MutedUntil = until })
}

// PutPinned stores whether a chat is pinned.
func (s *Store) PutPinned(ctx context.Context, chat types.JID, pinned bool) (err error) {
	defer s.guard(ctx, "store pin", &err)
	return s.editChatSetting(ctx, chat, func(c *persist.ChatSetting) { c.Pinned = pinned })
}

// PutArchived stores whether a chat is archived.
func (s *Store) PutArchived(ctx context.Context, chat types.JID, archived bool) (err error) {
	defer s.guard(ctx, "store archiving", &err)
	return s.editChatSetting(ctx, chat, func(c *persist.ChatSetting) { c.Archived = archived })
}

func (s *Store) editChatSetting(ctx context.Context, chat types.JID, fn func(*persist.ChatSetting)) error {
	if chat.IsEmpty() {
		return s.open()
	}
	_, err := editOne(ctx, s, persist.ChatSettings, []any{chat.String()}, func(setting *persist.ChatSetting, found bool) bool {
		before := *setting
		setting.JID = chat.String()
		fn(setting)
		return !found || *setting != before
	})
	return err
}

// GetChatSettings returns settings that are not Found for a chat without any.
func (s *Store) GetChatSettings(ctx context.Context, chat types.JID) (_ types.LocalChatSettings, err error) {
	defer s.guard(ctx, "read chat settings", &err)
	setting, found, err := find(ctx, s, persist.ChatSettings, chat.String())
	if err != nil || !found {
		return types.LocalChatSettings{}, err
	}
	until := setting.MutedUntil
	if persist.Milliseconds(until) == persist.Milliseconds(store.MutedForever) {
		until = store.MutedForever
	}
	return types.LocalChatSettings{Found: true, MutedUntil: until, Pinned: setting.Pinned, Archived: setting.Archived}, nil
}
