package actors

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/types"
)

// Group is a group, or a community, as WhatsApp has it now.
type Group struct {
	ID          string     `json:"id"`
	Subject     string     `json:"subject"`
	Description string     `json:"description"`
	Owner       *Member    `json:"owner,omitempty" doc:"who made it, where WhatsApp tells"`
	CreatedAt   *time.Time `json:"createdAt,omitempty"`
	// Addressing is how WhatsApp names the members in the group's messages.
	Addressing string        `json:"addressing,omitempty" enum:"lid,pn" doc:"how WhatsApp names the participants in the group's messages"`
	Settings   GroupSettings `json:"settings"`
	// Role is the account's own; empty where it is not in the group.
	Role             string   `json:"role,omitempty" enum:"member,admin,superadmin" doc:"the account's own; absent where it is not in the group"`
	ParticipantCount int      `json:"participantCount"`
	Participants     []Member `json:"participants,omitempty" doc:"not in lists, and not for who is outside"`

	IsCommunity    bool   `json:"isCommunity" doc:"it holds groups, not messages"`
	CommunityID    string `json:"communityId,omitempty" doc:"the community that it is part of"`
	IsAnnouncement bool   `json:"isAnnouncement" doc:"the group that all members of its community are in"`
	IsSuspended    bool   `json:"isSuspended" doc:"WhatsApp has closed it for now"`
}

// Member is somebody in a group.
type Member struct {
	ID     string `json:"id"`
	Number string `json:"number,omitempty" doc:"phone number in digits, where known"`
	LID    string `json:"lid,omitempty" doc:"hidden id, where known"`
	Name   string `json:"name,omitempty" doc:"best known name"`
	Role   string `json:"role,omitempty" enum:"member,admin,superadmin"`
}

// GroupSettings are what the admins of a group decide.
type GroupSettings struct {
	Announce     bool   `json:"announce" doc:"only admins send"`
	Locked       bool   `json:"locked" doc:"only admins change subject, description, picture and the timer"`
	JoinApproval bool   `json:"joinApproval" doc:"admins approve who joins by the link"`
	MembersAdd   string `json:"membersAdd" enum:"all,admins" doc:"who adds participants"`
	Disappearing uint32 `json:"disappearing" doc:"after how many seconds messages disappear; 0 for never"`
}

// ListGroups asks for the groups and communities that the account is in, oldest
// first; the reply is a [GroupList].
type ListGroups struct{}

// GroupList is groups without their participants.
type GroupList struct {
	Groups []Group `json:"groups"`
}

func (ListGroups) perform(ctx context.Context, l *link) (any, error) {
	infos, err := l.client.GetJoinedGroups(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(infos, func(a, b *types.GroupInfo) int {
		return cmp.Or(a.GroupCreated.Compare(b.GroupCreated), cmp.Compare(a.JID.User, b.JID.User))
	})
	list := GroupList{make([]Group, len(infos))}
	for i, info := range infos {
		if list.Groups[i], err = l.outline(ctx, info); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// GetGroup asks for a group that the account is in; the reply is a [Group].
type GetGroup struct{ ID string }

func (r GetGroup) perform(ctx context.Context, l *link) (any, error) {
	info, err := l.groupInfo(ctx, "groupId", r.ID)
	if err != nil {
		return nil, err
	}
	return l.describe(ctx, info)
}

// groupInfo asks for the group that a field of the request names.
func (l *link) groupInfo(ctx context.Context, field, id string) (*types.GroupInfo, error) {
	jid, err := parseGroup(field, id)
	if err != nil {
		return nil, err
	}
	info, err := l.client.GetGroupInfo(ctx, jid)
	return info, groupRefused(err)
}

// administered is groupInfo, and refuses where the account is no admin of it.
func (l *link) administered(ctx context.Context, field, id string) (*types.GroupInfo, error) {
	info, err := l.groupInfo(ctx, field, id)
	if err != nil {
		return nil, err
	}
	if role := l.ownRole(info); role != roleAdmin && role != roleSuperAdmin {
		return nil, Refuse(CodeForbidden, "only admins of the group do this")
	}
	return info, nil
}

// describe shows a group with everybody in it.
func (l *link) describe(ctx context.Context, info *types.GroupInfo) (Group, error) {
	group, err := l.outline(ctx, info)
	if err != nil {
		return group, err
	}
	for _, participant := range info.Participants {
		if participant.Error != 0 {
			continue
		}
		member, err := l.participant(ctx, participant)
		if err != nil {
			return group, err
		}
		member.Role = roleOf(participant)
		group.Participants = append(group.Participants, member)
	}
	return group, nil
}

// outline shows a group without who is in it.
func (l *link) outline(ctx context.Context, info *types.GroupInfo) (Group, error) {
	group := Group{
		ID: FormatChat(info.JID), Subject: info.Name, Description: info.Topic, Addressing: string(info.AddressingMode),
		Settings: settingsOf(info), Role: l.ownRole(info), ParticipantCount: max(info.ParticipantCount, len(info.Participants)),
		IsCommunity: info.IsParent, CommunityID: FormatChat(info.LinkedParentJID), IsAnnouncement: info.IsDefaultSubGroup,
		IsSuspended: info.Suspended,
	}
	if !info.GroupCreated.IsZero() {
		group.CreatedAt = new(info.GroupCreated.UTC())
	}
	owner := cmp.Or(info.OwnerPN, info.OwnerJID)
	if owner.IsEmpty() {
		return group, nil
	}
	member, err := l.member(ctx, owner)
	group.Owner = &member
	return group, err
}

func settingsOf(info *types.GroupInfo) GroupSettings {
	return GroupSettings{
		Announce: info.IsAnnounce, Locked: info.IsLocked, JoinApproval: info.IsJoinApprovalRequired,
		MembersAdd: membersAdd(info.MemberAddMode), Disappearing: info.DisappearingTimer,
	}
}

// ownRole is the account's in a group; empty where it is not in it.
func (l *link) ownRole(info *types.GroupInfo) string {
	ownLID := l.client.Store.GetLID()
	for _, participant := range info.Participants {
		own := participant.PhoneNumber.User == l.device.User || !ownLID.IsEmpty() && participant.LID.User == ownLID.User
		if own && participant.Error == 0 {
			return roleOf(participant)
		}
	}
	return ""
}

func roleOf(participant types.GroupParticipant) string {
	switch {
	case participant.IsSuperAdmin:
		return roleSuperAdmin
	case participant.IsAdmin:
		return roleAdmin
	default:
		return roleMember
	}
}

// member shows a person.
func (l *link) member(ctx context.Context, jid types.JID) (Member, error) {
	person, err := l.inbound.people.person(ctx, l.inbound.ledger.journal, jid, "")
	return Member{ID: address(person, jid), Number: person.Number, LID: person.LID, Name: person.Name}, err
}

// members shows several.
func (l *link) members(ctx context.Context, jids []types.JID) ([]Member, error) {
	members := make([]Member, len(jids))
	for i, jid := range jids {
		var err error
		if members[i], err = l.member(ctx, jid); err != nil {
			return nil, err
		}
	}
	return members, nil
}

// participant shows somebody whom WhatsApp may have named by both addresses.
func (l *link) participant(ctx context.Context, p types.GroupParticipant) (Member, error) {
	member, err := l.member(ctx, cmp.Or(p.PhoneNumber, p.JID))
	member.LID = cmp.Or(member.LID, FormatChat(p.LID))
	return member, err
}
