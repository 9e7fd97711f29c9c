package actors

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
)

// MemberChange is what is done to participants of a group.
type MemberChange string

// The changes of participants.
const (
	AddMembers     MemberChange = "add"
	RemoveMembers  MemberChange = "remove"
	PromoteMembers MemberChange = "promote"
	DemoteMembers  MemberChange = "demote"
	ApproveJoins   MemberChange = "approve"
	RejectJoins    MemberChange = "reject"
)

// ChangeMembers adds, removes, promotes or demotes participants of a group, or
// decides on who asked to be let in; the reply is [MemberResults]. Some may be
// refused while others are not.
type ChangeMembers struct {
	ID     string
	Change MemberChange
	People []string
}

// MemberResults tells of each person what became of it.
type MemberResults struct {
	Results []MemberResult `json:"results"`
}

// MemberResult is what became of one person in a change of participants.
type MemberResult struct {
	Member
	Done bool `json:"done"`
	// Reason is a word for programs; empty where it was done.
	Reason string `json:"reason,omitempty" enum:"not_allowed,invitation_needed,not_found,recently_left,owner,already,full,refused"`
	// Status is WhatsApp's own code behind the reason.
	Status     int         `json:"status,omitempty" doc:"WhatsApp's code behind the reason"`
	Invitation *Invitation `json:"invitation,omitempty" doc:"where the person wants to be asked: what a message can invite them with"`
}

// Invitation lets one person into a group, by a message.
type Invitation struct {
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// memberRefusals are the reasons by WhatsApp's codes for a single person.
var memberRefusals = map[int]string{
	401: "not_allowed", 403: "invitation_needed", 404: "not_found", 406: "owner", 408: "recently_left", 409: "already", 419: "full",
}

func (r ChangeMembers) perform(ctx context.Context, l *link) (any, error) {
	people, err := parsePeople("participants", r.People)
	if err != nil {
		return nil, err
	}
	info, err := l.groupInfo(ctx, "groupId", r.ID) // tells how the group names people
	if err != nil {
		return nil, err
	}
	for i, jid := range people {
		if people[i], err = l.addressed(ctx, jid, info.AddressingMode); err != nil {
			return nil, err
		}
	}
	outcomes, err := r.apply(ctx, l, info.JID, people)
	if err != nil {
		return nil, changed(err)
	}
	list := MemberResults{make([]MemberResult, len(outcomes))}
	for i, outcome := range outcomes {
		if list.Results[i], err = l.memberResult(ctx, outcome); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (r ChangeMembers) apply(ctx context.Context, l *link, group types.JID, people []types.JID) ([]types.GroupParticipant, error) {
	switch r.Change {
	case AddMembers, RemoveMembers, PromoteMembers, DemoteMembers:
		return l.client.UpdateGroupParticipants(ctx, group, people, whatsmeow.ParticipantChange(r.Change))
	case ApproveJoins, RejectJoins:
		return l.client.UpdateGroupRequestParticipants(ctx, group, people, whatsmeow.ParticipantRequestChange(r.Change))
	default:
		return nil, refuseInput("change", "expected add, remove, promote, demote, approve or reject")
	}
}

// addressed names a person as a group does, where that address is known.
func (l *link) addressed(ctx context.Context, jid types.JID, mode types.AddressingMode) (types.JID, error) {
	wanted := types.DefaultUserServer
	if mode == types.AddressingModeLID {
		wanted = types.HiddenUserServer
	}
	if jid.Server == wanted {
		return jid, nil
	}
	other, err := l.inbound.people.other(ctx, l.inbound.ledger.journal, jid)
	if err != nil || other.IsEmpty() {
		return jid, err
	}
	return other, nil
}

func (l *link) memberResult(ctx context.Context, outcome types.GroupParticipant) (MemberResult, error) {
	member, err := l.participant(ctx, outcome)
	result := MemberResult{Member: member, Done: outcome.Error == 0, Status: outcome.Error}
	if result.Done {
		return result, err
	}
	result.Reason = firstOf(memberRefusals[outcome.Error], "refused")
	if offer := outcome.AddRequest; offer != nil {
		result.Invitation = &Invitation{offer.Code, offer.Expiration.UTC()}
	}
	return result, err
}

// ListJoinRequests asks who wants to be let into a group; the reply is a
// [JoinRequestList].
type ListJoinRequests struct{ ID string }

// JoinRequestList is who wants to be let into a group.
type JoinRequestList struct {
	Requests []JoinRequest `json:"requests"`
}

// JoinRequest is somebody who wants to be let into a group.
type JoinRequest struct {
	Member
	RequestedAt time.Time `json:"requestedAt"`
}

func (r ListJoinRequests) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseGroup("groupId", r.ID)
	if err != nil {
		return nil, err
	}
	found, err := l.client.GetGroupRequestParticipants(ctx, jid)
	if err != nil {
		return nil, groupRefused(err)
	}
	list := JoinRequestList{make([]JoinRequest, len(found))}
	for i, request := range found {
		member, err := l.member(ctx, request.JID)
		if err != nil {
			return nil, err
		}
		list.Requests[i] = JoinRequest{member, request.RequestedAt.UTC()}
	}
	return list, nil
}
