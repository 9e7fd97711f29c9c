package actors

import (
	"context"

	"go.mau.fi/whatsmeow/types"
)

// ListSubgroups asks for the groups of a community; the reply is a [SubgroupList].
type ListSubgroups struct{ ID string }

// SubgroupList is the groups of a community.
type SubgroupList struct {
	Subgroups []Subgroup `json:"subgroups"`
}

// Subgroup is a group of a community.
type Subgroup struct {
	ID             string `json:"id"`
	Subject        string `json:"subject"`
	IsAnnouncement bool   `json:"isAnnouncement" doc:"the group that all members of the community are in"`
}

func (r ListSubgroups) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseGroup("groupId", r.ID)
	if err != nil {
		return nil, err
	}
	found, err := l.client.GetSubGroups(ctx, jid)
	if err != nil {
		return nil, groupRefused(err)
	}
	list := SubgroupList{make([]Subgroup, len(found))}
	for i, group := range found {
		list.Subgroups[i] = Subgroup{FormatChat(group.JID), group.Name, group.IsDefaultSubGroup}
	}
	return list, nil
}

// LinkSubgroup makes a group part of a community; the account is an admin of both.
// The reply is [Done].
type LinkSubgroup struct{ ID, GroupID string }

func (r LinkSubgroup) perform(ctx context.Context, l *link) (any, error) {
	community, group, err := subgroup(ctx, l, r.ID, r.GroupID)
	if err != nil {
		return nil, err
	}
	return Done{}, changed(l.client.LinkGroup(ctx, community, group))
}

// UnlinkSubgroup takes a group out of its community. The reply is [Done].
type UnlinkSubgroup struct{ ID, GroupID string }

func (r UnlinkSubgroup) perform(ctx context.Context, l *link) (any, error) {
	community, group, err := subgroup(ctx, l, r.ID, r.GroupID)
	if err != nil {
		return nil, err
	}
	return Done{}, changed(l.client.UnlinkGroup(ctx, community, group))
}

// subgroup reads the addresses of a community and a group.
func subgroup(ctx context.Context, l *link, communityID, groupID string) (community, group types.JID, err error) {
	if group, err = parseGroup("subgroupId", groupID); err != nil {
		return community, group, err
	}
	info, err := l.administered(ctx, "groupId", communityID)
	if err != nil {
		return community, group, err
	}
	if !info.IsParent {
		return community, group, refuseInput("groupId", "expected a community, not a group")
	}
	return info.JID, group, nil
}

// ListCommunityMembers asks who is in the groups of a community; the reply is a
// [MemberList].
type ListCommunityMembers struct{ ID string }

// MemberList is persons.
type MemberList struct {
	Participants []Member `json:"participants"`
}

func (r ListCommunityMembers) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseGroup("groupId", r.ID)
	if err != nil {
		return nil, err
	}
	found, err := l.client.GetLinkedGroupsParticipants(ctx, jid)
	if err != nil {
		return nil, groupRefused(err)
	}
	members, err := l.members(ctx, found)
	return MemberList{members}, err
}
