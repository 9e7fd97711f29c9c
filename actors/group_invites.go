package actors

import (
	"context"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
)

// GetGroupInvite asks for a group's invite link; the reply is a [GroupInvite].
type GetGroupInvite struct {
	ID string
	// Reset makes a new link; the one before does not work any more.
	Reset bool
}

// GroupInvite is the link by which anyone joins a group.
type GroupInvite struct {
	Link string `json:"link"`
	Code string `json:"code" doc:"the link's last part"`
}

func (r GetGroupInvite) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseGroup("groupId", r.ID)
	if err != nil {
		return nil, err
	}
	link, err := l.client.GetGroupInviteLink(ctx, jid, r.Reset)
	if err != nil {
		return nil, changed(err)
	}
	return GroupInvite{link, strings.TrimPrefix(link, whatsmeow.InviteLinkPrefix)}, nil
}

// GetInvitedGroup asks for the group that a link or a message's invitation leads
// to; the reply is a [Group] without participants.
type GetInvitedGroup struct{ GroupInvitation }

// GroupInvitation is a link, or its last part; or, with the rest, what a message
// invited the account with.
type GroupInvitation struct {
	Code string
	// GroupID, Inviter and ExpiresAt are those of a message.
	GroupID   string
	Inviter   string
	ExpiresAt time.Time
}

// personal is an invitation of a message's as whatsmeow has it.
type personal struct {
	group, inviter types.JID
	code           string
	expires        int64
}

// personal reads an invitation that is for one person; false for a link.
func (i GroupInvitation) personal() (p personal, is bool, err error) {
	if i.Code == "" {
		return p, false, refuseInput("code", "expected an invite link or its last part")
	}
	if i.GroupID == "" {
		return p, false, nil
	}
	if p.group, err = parseGroup("groupId", i.GroupID); err != nil {
		return p, true, err
	}
	inviter, err := parsePeople("inviter", []string{i.Inviter})
	if err != nil {
		return p, true, err
	}
	p.code, p.inviter, p.expires = i.Code, inviter[0], i.ExpiresAt.Unix()
	return p, true, nil
}

func (r GetInvitedGroup) perform(ctx context.Context, l *link) (any, error) {
	personal, is, err := r.personal()
	if err != nil {
		return nil, err
	}
	var info *types.GroupInfo
	if is {
		info, err = l.client.GetGroupInfoFromInvite(ctx, personal.group, personal.inviter, personal.code, personal.expires)
	} else {
		info, err = l.client.GetGroupInfoFromLink(ctx, r.Code)
	}
	if err != nil {
		return nil, invitationRefused(err)
	}
	return l.outline(ctx, info)
}

// JoinGroup comes into the group that a link or a message's invitation leads to;
// the reply is a [JoinedGroup].
type JoinGroup struct{ GroupInvitation }

// JoinedGroup names the group that the account is in now, or asks to be let into.
type JoinedGroup struct {
	ID string `json:"groupId"`
	// Joined is false where an admin is to approve it.
	Joined bool `json:"joined" doc:"false where an admin is to approve it first"`
}

func (r JoinGroup) perform(ctx context.Context, l *link) (any, error) {
	personal, is, err := r.personal()
	if err != nil {
		return nil, err
	}
	group := personal.group
	if is {
		err = l.client.JoinGroupWithInvite(ctx, personal.group, personal.inviter, personal.code, personal.expires)
	} else {
		group, err = l.client.JoinGroupWithLink(ctx, r.Code)
	}
	if err != nil {
		return nil, changed(invitationRefused(err))
	}
	// Whether an admin has to approve it first, whatsmeow does not tell.
	_, err = l.client.GetGroupInfo(ctx, group)
	return JoinedGroup{FormatChat(group), err == nil}, nil
}
