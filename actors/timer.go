package actors

import (
	"context"

	"whatsapp-web-server/persist"
)

// timer keeps, and tells, after how many seconds the messages of a chat disappear.
func (in *inbound) timer(ctx context.Context, u *unit, where place, seconds int64) error {
	setting, _, err := lookup(ctx, u, persist.ChatSettings, where.chat.String())
	if err != nil || !setting.DisappearingSince.Before(where.at) {
		return err
	}
	setting.JID, setting.Disappearing, setting.DisappearingSince = where.chat.String(), seconds, where.at
	u.Put(persist.ChatSettings.Put(setting))
	by, err := in.people.person(ctx, u, where.sender, where.pushName)
	if err != nil {
		return err
	}
	u.tell(EventChatTimer, ChatTimerEvent{ClientID: in.account, ChatID: FormatChat(where.chat), Seconds: seconds, By: by})
	return nil
}
