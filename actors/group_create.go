package actors

import (
	"context"
	"strings"
	"unicode/utf8"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
)

// Lengths that WhatsApp allows, in characters.
const (
	maxSubject     = 100
	maxDescription = 2048
)

// CreateGroup makes a group whose owner is the account; the reply is a
// [CreatedGroup].
type CreateGroup struct {
	// Subject is the name, 1 to 100 characters.
	Subject string
	// Participants beside the account, by number or address.
	Participants []string
	Description  string
	Settings     GroupSettings
	// Community makes a community in place of a group; WhatsApp adds the group for
	// its announcements.
	Community bool
	// CommunityID makes the group a part of a community of which the account is an
	// admin; empty for none.
	CommunityID string
}

// CreatedGroup is a new group, and who could not be added to it.
type CreatedGroup struct {
	Group   Group          `json:"group"`
	Refused []MemberResult `json:"refused" doc:"who could not be added, and why"`
}

func (r CreateGroup) perform(ctx context.Context, l *link) (any, error) {
	wanted, err := r.wanted()
	if err != nil {
		return nil, err
	}
	info, err := l.client.CreateGroup(ctx, wanted)
	if err != nil {
		return nil, changed(err)
	}
	created := CreatedGroup{Refused: []MemberResult{}}
	if r.Description != "" {
		if err := l.client.SetGroupTopic(ctx, info.JID, "", "", r.Description); err == nil {
			info.Topic = r.Description
		} // the group is there all the same, and its description tells that it is empty
	}
	if created.Group, err = l.describe(ctx, info); err != nil {
		return nil, err
	}
	for _, participant := range info.Participants {
		if participant.Error == 0 {
			continue
		}
		refused, err := l.memberResult(ctx, participant)
		if err != nil {
			return nil, err
		}
		created.Refused = append(created.Refused, refused)
	}
	return created, nil
}

// wanted reads the request as whatsmeow has it.
func (r CreateGroup) wanted() (wanted whatsmeow.ReqCreateGroup, err error) {
	if err := checkSubject(r.Subject); err != nil {
		return wanted, err
	}
	if err := checkLength("description", r.Description, maxDescription); err != nil {
		return wanted, err
	}
	if err := checkTimer("settings.disappearing", r.Settings.Disappearing); err != nil {
		return wanted, err
	}
	wanted = whatsmeow.ReqCreateGroup{
		Name:           r.Subject,
		GroupEphemeral: types.GroupEphemeral{IsEphemeral: r.Settings.Disappearing > 0, DisappearingTimer: r.Settings.Disappearing},
		GroupAnnounce:  types.GroupAnnounce{IsAnnounce: r.Settings.Announce}, GroupLocked: types.GroupLocked{IsLocked: r.Settings.Locked},
		GroupMembershipApprovalMode: types.GroupMembershipApprovalMode{IsJoinApprovalRequired: r.Settings.JoinApproval},
		GroupParent:                 types.GroupParent{IsParent: r.Community},
	}
	if wanted.MemberAddMode, err = addMode(r.Settings.MembersAdd); err != nil {
		return wanted, err
	}
	if r.CommunityID != "" {
		if r.Community {
			return wanted, refuseInput("communityId", "a community is not part of another")
		}
		if wanted.LinkedParentJID, err = parseGroup("communityId", r.CommunityID); err != nil {
			return wanted, err
		}
	}
	if len(r.Participants) > 0 {
		wanted.Participants, err = parsePeople("participants", r.Participants)
	}
	return wanted, err
}

// LeaveGroup leaves a group; the reply is nil.
type LeaveGroup struct{ ID string }

func (r LeaveGroup) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseGroup("groupId", r.ID)
	if err != nil {
		return nil, err
	}
	return Done{}, changed(l.client.LeaveGroup(ctx, jid))
}

// Done is the reply of what has nothing to tell but that it was done.
type Done struct{}

func checkSubject(subject string) error {
	if strings.TrimSpace(subject) == "" {
		return refuseInput("subject", "expected 1 to %d characters", maxSubject)
	}
	return checkLength("subject", subject, maxSubject)
}

func checkLength(field, text string, most int) error {
	if utf8.RuneCountInString(text) > most {
		return refuseInput(field, "expected at most %d characters", most)
	}
	return nil
}
