package simulator

import (
	"context"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// SetPushName changes the name that others see, and tells the companions.
func (p *Phone) SetPushName(ctx context.Context, name string) error {
	if err := p.WriteAppState(ctx, appstate.BuildSettingPushName(name)); err != nil {
		return err
	}
	p.setName(name)
	return nil
}

// publishName writes the push name for the companions to read, unless they know it already.
func (p *Phone) publishName() error {
	p.sim.mu.Lock()
	name := p.account.name
	p.sim.mu.Unlock()
	p.state.mu.Lock()
	known := p.state.pushNameLocked()
	p.state.mu.Unlock()
	if name == "" || name == known {
		return nil
	}
	return p.writeAppState(appstate.BuildSettingPushName(name))
}

// SetContact gives somebody a name in the address book.
func (p *Phone) SetContact(ctx context.Context, who, fullName, firstName string) error {
	other, err := p.sim.resolve(who)
	if err != nil {
		return err
	}
	return p.WriteAppState(ctx, oneChange(appstate.WAPatchCriticalUnblockLow, 2, &waSyncAction.SyncActionValue{
		ContactAction: &waSyncAction.ContactAction{FullName: &fullName, FirstName: &firstName, LidJID: proto.String(other.lid.String())},
	}, appstate.IndexContact, other.pn.String()))
}

// oneChange is a patch of one entry that whatsmeow has no builder for.
func oneChange(collection appstate.WAPatchName, version int32, value *waSyncAction.SyncActionValue, index ...string) appstate.PatchInfo {
	return appstate.PatchInfo{Type: collection, Mutations: []appstate.MutationInfo{{Index: index, Version: version, Value: value}}}
}

// chatMeant is the chat that a user means: a number stands for the LID, under which chats are kept today; a JID for
// itself.
func (p *Phone) chatMeant(chat string) (types.JID, error) {
	if group, ok := groupNamed(chat); ok {
		return group, nil
	}
	other, err := p.sim.resolve(chat)
	switch {
	case err != nil:
		return types.JID{}, err
	case strings.HasSuffix(chat, "@"+types.DefaultUserServer):
		return other.pn, nil
	}
	return other.lid, nil
}

// changeChat writes a change about a chat, given as number, JID, LID or group.
func (p *Phone) changeChat(ctx context.Context, chat string, build func(types.JID) appstate.PatchInfo) error {
	jid, err := p.chatMeant(chat)
	if err != nil {
		return err
	}
	return p.WriteAppState(ctx, build(jid))
}

// Pin pins a chat or lets it go. Chats are given as number, JID, LID or group.
func (p *Phone) Pin(ctx context.Context, chat string, pinned bool) error {
	return p.changeChat(ctx, chat, func(jid types.JID) appstate.PatchInfo { return appstate.BuildPin(jid, pinned) })
}

// Mute mutes a chat for a while, zero meaning for ever, or ends that.
func (p *Phone) Mute(ctx context.Context, chat string, muted bool, lasting time.Duration) error {
	return p.changeChat(ctx, chat, func(jid types.JID) appstate.PatchInfo { return appstate.BuildMute(jid, muted, lasting) })
}

// Archive archives a chat, which lets it go if it is pinned, or takes it back.
func (p *Phone) Archive(ctx context.Context, chat string, archived bool) error {
	return p.changeChat(ctx, chat, func(jid types.JID) appstate.PatchInfo {
		return appstate.BuildArchive(jid, archived, time.Time{}, nil)
	})
}

// MarkChatRead marks a whole chat as read or unread. It sends no receipts.
func (p *Phone) MarkChatRead(ctx context.Context, chat string, read bool) error {
	return p.changeChat(ctx, chat, func(jid types.JID) appstate.PatchInfo {
		return appstate.BuildMarkChatAsRead(jid, read, time.Time{}, nil)
	})
}

// Star marks a message of a one-to-one chat, or ends that.
func (p *Phone) Star(ctx context.Context, chat, id string, fromMe, starred bool) error {
	return p.changeChat(ctx, chat, func(jid types.JID) appstate.PatchInfo {
		return appstate.BuildStar(jid, jid, id, fromMe, starred)
	})
}

// DeleteForMe deletes a message of a one-to-one chat on the account's own devices.
func (p *Phone) DeleteForMe(ctx context.Context, chat, id string, fromMe bool) error {
	author := map[bool]string{true: "1", false: "0"}[fromMe]
	return p.changeChat(ctx, chat, func(jid types.JID) appstate.PatchInfo {
		action := &waSyncAction.DeleteMessageForMeAction{DeleteMedia: proto.Bool(false), MessageTimestamp: proto.Int64(now())}
		return oneChange(appstate.WAPatchRegularHigh, 3, &waSyncAction.SyncActionValue{DeleteMessageForMeAction: action},
			appstate.IndexDeleteMessageForMe, jid.String(), id, author, "0")
	})
}

// EditLabel makes, renames or deletes a label.
func (p *Phone) EditLabel(ctx context.Context, label, name string, color int32, deleted bool) error {
	return p.WriteAppState(ctx, appstate.BuildLabelEdit(label, name, color, deleted))
}

// LabelChat puts a label on a chat or takes it off.
func (p *Phone) LabelChat(ctx context.Context, chat, label string, labeled bool) error {
	return p.changeChat(ctx, chat, func(jid types.JID) appstate.PatchInfo { return appstate.BuildLabelChat(jid, label, labeled) })
}

// LabelMessage puts a label on a message or takes it off.
func (p *Phone) LabelMessage(ctx context.Context, chat, id, label string, labeled bool) error {
	return p.changeChat(ctx, chat, func(jid types.JID) appstate.PatchInfo {
		return appstate.BuildLabelMessage(jid, label, id, labeled)
	})
}

// DeleteChat deletes a chat.
func (p *Phone) DeleteChat(ctx context.Context, chat string) error {
	return p.changeChat(ctx, chat, func(jid types.JID) appstate.PatchInfo {
		return appstate.BuildDeleteChat(jid, time.Time{}, nil, false)
	})
}

// ClearChat deletes a chat's messages and keeps the chat.
func (p *Phone) ClearChat(ctx context.Context, chat string) error {
	return p.changeChat(ctx, chat, func(jid types.JID) appstate.PatchInfo {
		action := &waSyncAction.ClearChatAction{MessageRange: &waSyncAction.SyncActionMessageRange{LastMessageTimestamp: proto.Int64(now())}}
		return oneChange(appstate.WAPatchRegularHigh, 6, &waSyncAction.SyncActionValue{ClearChatAction: action}, appstate.IndexClearChat, jid.String(), "1", "0")
	})
}
