package actors

import (
	"context"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

// locate finds a message of a chat by the canonical addresses of the chat and of
// its sender. One from before a number was known is under the LID: in a group for
// good, elsewhere until its chat has been merged.
func (in *inbound) locate(ctx context.Context, u *unit, chat, sender types.JID, id string) (persist.Message, bool, error) {
	message, found, err := lookup(ctx, u, persist.Messages, chat.String(), sender.String(), id)
	if found || err != nil {
		return message, found, err
	}
	formerChat, formerSender, err := in.formerly(ctx, u, chat, sender)
	if err != nil || formerChat.IsEmpty() {
		return message, false, err
	}
	return lookup(ctx, u, persist.Messages, formerChat.String(), formerSender.String(), id)
}

// formerly is where a message of the sender may have been stored before the number
// was known; empty if nowhere else.
func (in *inbound) formerly(ctx context.Context, u *unit, chat, sender types.JID) (formerChat, formerSender types.JID, err error) {
	switch {
	case chat.Server == types.GroupServer && sender != in.own:
		lid, err := in.people.other(ctx, u, sender)
		if err != nil || lid.Server != types.HiddenUserServer {
			return types.JID{}, types.JID{}, err
		}
		return chat, lid, nil
	case chat.Server == types.DefaultUserServer:
		lid, err := in.mergingWith(ctx, u, chat)
		if err != nil || lid.IsEmpty() || sender != chat {
			return lid, sender, err
		}
		return lid, lid, nil
	default:
		return types.JID{}, types.JID{}, nil
	}
}

// mergingWith is the LID whose chat is just becoming part of that of the number;
// empty if there is none.
func (in *inbound) mergingWith(ctx context.Context, u persist.Getter, number types.JID) (types.JID, error) {
	lid, err := in.people.other(ctx, u, number)
	if err != nil || lid.IsEmpty() {
		return types.JID{}, err
	}
	merging, err := in.people.merging(ctx, u, lid)
	if err != nil || !merging {
		return types.JID{}, err
	}
	return lid, nil
}
