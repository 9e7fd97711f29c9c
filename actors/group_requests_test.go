package actors

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/loadtest/simulator"
)

// answered has the account carry out a request, which succeeds.
func answered[R any](t *testing.T, h *home, request Request) R {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	reply, err := Ask[any](ctx, h.current(), request)
	require.NoError(t, err)
	require.IsType(t, *new(R), reply)
	return reply.(R)
}

// declined has the account carry out a request, which fails with a refusal.
func declined(t *testing.T, h *home, request Request) *Error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := Ask[any](ctx, h.current(), request)
	require.ErrorAs(t, err, new(*Error))
	refusal, _ := err.(*Error) //nolint:errorlint // it is the refusal itself that is answered
	return refusal
}

// circle is an account with a group of its own, and people.
type circle struct {
	*home
	t          *testing.T
	group      types.JID
	bob, carol *simulator.Phone
}

func newCircle(t *testing.T) *circle {
	t.Helper()
	h := newTown(t).newHome(t)
	h.link(t)
	c := &circle{home: h, t: t}
	var err error
	c.bob, err = h.world.AddPhone("31800000001", "Bob")
	require.NoError(t, err)
	c.carol, err = h.world.AddPhone("31800000002", "Carol")
	require.NoError(t, err)
	created := answered[CreatedGroup](t, h, CreateGroup{Subject: "Team", Participants: []string{h.friend.Number()}})
	require.Empty(t, created.Refused)
	c.group = jidOf(t, created.Group.ID)
	return c
}

func jidOf(t *testing.T, text string) types.JID {
	t.Helper()
	jid, err := types.ParseJID(text)
	require.NoError(t, err)
	return jid
}

// seen is the group as the service has it.
func (c *circle) seen() simulator.GroupInfo {
	c.t.Helper()
	info, known := c.world.Group(c.group)
	require.True(c.t, known)
	return info
}

// ranks are the group's members by number, true for admins.
func (c *circle) ranks() map[string]bool {
	ranks := map[string]bool{}
	for _, member := range c.seen().Members {
		ranks[member.Number] = member.Admin
	}
	return ranks
}

func (c *circle) change(change MemberChange, people ...string) []MemberResult {
	c.t.Helper()
	return answered[MemberResults](c.t, c.home, ChangeMembers{ID: c.group.String(), Change: change, People: people}).Results
}

// foreign is a group of the friend's that the account is an ordinary member of.
func (c *circle) foreign(settings simulator.GroupSettings) string {
	c.t.Helper()
	group, err := c.friend.CreateGroup(c.t.Context(), simulator.GroupOptions{Subject: "Theirs", Members: []string{c.owner.Number()}, Settings: settings})
	require.NoError(c.t, err)
	return group.String()
}

func TestAGroupIsMadeAsItWasAskedFor(t *testing.T) {
	c := newCircle(t)
	require.NoError(t, c.bob.SetPrivacy(t.Context(), types.PrivacySettingTypeGroupAdd, types.PrivacySettingNone))
	settings := GroupSettings{Announce: true, Locked: true, JoinApproval: true, MembersAdd: addAdmins, Disappearing: 604800}
	created := answered[CreatedGroup](t, c.home, CreateGroup{
		Subject: "Crew", Description: "All hands", Settings: settings,
		Participants: []string{c.friend.Number() + "@c.us", c.carol.LID().String(), "+" + c.bob.Number()},
	})
	c.group = jidOf(t, created.Group.ID)
	seen := c.seen()
	require.Equal(t, "Crew", seen.Subject)
	require.Equal(t, "All hands", seen.Description)
	require.Equal(t, simulator.GroupSettings{Announce: true, Locked: true, AdminsAdd: true, JoinApproval: true, Ephemeral: 604800}, seen.Settings)
	require.Equal(t, map[string]bool{c.owner.Number(): true, c.friend.Number(): false, c.carol.Number(): false}, c.ranks())

	require.Len(t, created.Refused, 1)
	require.Equal(t, "invitation_needed", created.Refused[0].Reason)
	require.Equal(t, c.bob.Number(), created.Refused[0].Number)
	require.NotEmpty(t, created.Refused[0].Invitation.Code)

	group := answered[Group](t, c.home, GetGroup{created.Group.ID})
	require.Equal(t, created.Group.ID, group.ID)
	require.Equal(t, settings, group.Settings)
	require.Equal(t, "superadmin", group.Role)
	require.Equal(t, "All hands", group.Description)
	require.Equal(t, c.owner.Number(), group.Owner.Number)
	require.Len(t, group.Participants, 3)
	for _, participant := range group.Participants {
		require.NotEmpty(t, participant.Number)
		require.NotEmpty(t, participant.LID)
		require.Equal(t, participant.Number == c.owner.Number(), participant.Role == roleSuperAdmin)
	}
	list := answered[GroupList](t, c.home, ListGroups{}).Groups
	require.Len(t, list, 2)
	require.Empty(t, list[0].Participants)
}

func TestParticipantsAreChangedWithAResultForEach(t *testing.T) {
	c := newCircle(t)
	require.NoError(t, c.carol.SetPrivacy(t.Context(), types.PrivacySettingTypeGroupAdd, types.PrivacySettingNone))
	results := c.change(AddMembers, c.bob.Number(), c.carol.LID().String(), c.friend.Number(), "39999999999")
	require.True(t, results[0].Done)
	require.Equal(t, c.bob.Number()+"@c.us", results[0].ID)
	require.Equal(t, []string{"", "invitation_needed", "already", "not_found"},
		[]string{results[0].Reason, results[1].Reason, results[2].Reason, results[3].Reason})
	require.True(t, results[1].Invitation.ExpiresAt.After(time.Now()))
	require.Equal(t, map[string]bool{c.owner.Number(): true, c.friend.Number(): false, c.bob.Number(): false}, c.ranks())

	require.True(t, c.change(PromoteMembers, c.bob.Number())[0].Done)
	require.True(t, c.ranks()[c.bob.Number()])
	require.True(t, c.change(DemoteMembers, c.bob.Number())[0].Done)
	require.False(t, c.ranks()[c.bob.Number()])
	require.True(t, c.change(RemoveMembers, c.bob.Number())[0].Done)
	require.NotContains(t, c.ranks(), c.bob.Number())
	require.Equal(t, "not_found", c.change(RemoveMembers, c.bob.Number())[0].Reason)
	until(t, "the list that is kept follows", func() bool {
		roles := c.roles(t, c.group)
		return len(roles) == 2 && roles[c.friend.Number()] == roleMember && roles[c.owner.Number()] == roleSuperAdmin
	})
}

func TestAGroupsTextsAndSettingsAreChanged(t *testing.T) {
	c := newCircle(t)
	id := c.group.String()
	answered[Done](t, c.home, SetGroupSubject{id, "Crew"})
	require.Equal(t, "Crew", c.seen().Subject)
	for _, text := range []string{"one", "two", ""} {
		answered[Done](t, c.home, SetGroupDescription{id, text})
		require.Equal(t, text, c.seen().Description)
	}
	settings := answered[GroupSettings](t, c.home, ChangeGroupSettings{id, GroupSettingsChange{
		Announce: new(true), Locked: new(true), JoinApproval: new(true), MembersAdd: new(addAdmins), Disappearing: new(uint32(86400)),
	}})
	require.Equal(t, GroupSettings{true, true, true, addAdmins, 86400}, settings)
	require.Equal(t, simulator.GroupSettings{Announce: true, Locked: true, AdminsAdd: true, JoinApproval: true, Ephemeral: 86400}, c.seen().Settings)
	settings = answered[GroupSettings](t, c.home, ChangeGroupSettings{id, GroupSettingsChange{Announce: new(false), Disappearing: new(uint32(0))}})
	require.Equal(t, GroupSettings{false, true, true, addAdmins, 0}, settings)
	require.Equal(t, simulator.GroupSettings{Locked: true, AdminsAdd: true, JoinApproval: true}, c.seen().Settings)
}

// picture encodes a square.
func picture(t *testing.T, side int) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, image.NewGray(image.Rect(0, 0, side, side)), nil))
	return out.Bytes()
}

func TestAGroupsPictureIsChangedAndRemoved(t *testing.T) {
	c := newCircle(t)
	id := answered[PictureID](t, c.home, SetGroupPicture{c.group.String(), picture(t, 64)}).ID
	require.Equal(t, id, c.seen().Picture)
	require.Empty(t, answered[PictureID](t, c.home, SetGroupPicture{ID: c.group.String()}).ID)
	require.Empty(t, c.seen().Picture)

	var other bytes.Buffer
	require.NoError(t, png.Encode(&other, image.NewGray(image.Rect(0, 0, 8, 8))))
	require.Equal(t, CodeUnsupportedMedia, declined(t, c.home, SetGroupPicture{c.group.String(), other.Bytes()}).Code)
	require.Equal(t, CodeInvalidRequest, declined(t, c.home, SetGroupPicture{c.group.String(), picture(t, maxPictureSide+1)}).Code)
	require.Empty(t, c.seen().Picture)
}

func TestAGroupIsJoinedByItsLink(t *testing.T) {
	c := newCircle(t)
	theirs := jidOf(t, c.foreign(simulator.GroupSettings{}))
	require.NoError(t, c.friend.ChangeMembers(t.Context(), theirs, simulator.RemoveMembers, c.owner.Number()))
	code, err := c.friend.GroupInvite(t.Context(), theirs, false)
	require.NoError(t, err)

	shown := answered[Group](t, c.home, GetInvitedGroup{GroupInvitation{Code: code}})
	require.Equal(t, "Theirs", shown.Subject)
	require.Empty(t, shown.Role)
	joined := answered[JoinedGroup](t, c.home, JoinGroup{GroupInvitation{Code: whatsmeow.InviteLinkPrefix + code}})
	require.Equal(t, JoinedGroup{theirs.String(), true}, joined)
	require.Equal(t, "member", answered[Group](t, c.home, GetGroup{theirs.String()}).Role)
	answered[Done](t, c.home, LeaveGroup{theirs.String()})
	require.Equal(t, CodeForbidden, declined(t, c.home, GetGroup{theirs.String()}).Code)

	require.NoError(t, c.friend.ChangeGroupSettings(t.Context(), theirs, func(s *simulator.GroupSettings) { s.JoinApproval = true }))
	require.Equal(t, JoinedGroup{theirs.String(), false}, answered[JoinedGroup](t, c.home, JoinGroup{GroupInvitation{Code: code}}))

	_, err = c.friend.GroupInvite(t.Context(), theirs, true)
	require.NoError(t, err)
	require.Equal(t, CodeNotFound, declined(t, c.home, GetInvitedGroup{GroupInvitation{Code: code}}).Code)
	require.Equal(t, CodeNotFound, declined(t, c.home, JoinGroup{GroupInvitation{Code: "neverwas"}}).Code)
}

func TestAGroupIsJoinedByAMessagesInvitation(t *testing.T) {
	c := newCircle(t)
	theirs := jidOf(t, c.foreign(simulator.GroupSettings{}))
	require.NoError(t, c.friend.ChangeMembers(t.Context(), theirs, simulator.RemoveMembers, c.owner.Number()))
	require.NoError(t, c.owner.SetPrivacy(t.Context(), types.PrivacySettingTypeGroupAdd, types.PrivacySettingNone))
	require.Error(t, c.friend.ChangeMembers(t.Context(), theirs, simulator.AddMembers, c.owner.Number()))
	_, err := c.friend.SendGroupInvite(t.Context(), theirs, c.owner.Number())
	require.NoError(t, err)
	wrong := GroupInvitation{Code: "wrong", GroupID: theirs.String(), Inviter: c.friend.Number(), ExpiresAt: time.Now().Add(time.Hour)}
	require.Equal(t, CodeNotFound, declined(t, c.home, JoinGroup{wrong}).Code)
	require.Equal(t, CodeNotFound, declined(t, c.home, GetInvitedGroup{wrong}).Code)
}

func TestAnInviteLinkIsToldAndRenewed(t *testing.T) {
	c := newCircle(t)
	invite := answered[GroupInvite](t, c.home, GetGroupInvite{ID: c.group.String()})
	require.Equal(t, c.seen().Invite, invite.Code)
	require.Equal(t, whatsmeow.InviteLinkPrefix+invite.Code, invite.Link)
	renewed := answered[GroupInvite](t, c.home, GetGroupInvite{ID: c.group.String(), Reset: true})
	require.NotEqual(t, invite.Code, renewed.Code)
	_, _, err := c.bob.JoinGroup(t.Context(), invite.Code)
	require.Error(t, err)
	_, _, err = c.bob.JoinGroup(t.Context(), renewed.Code)
	require.NoError(t, err)
}

func TestWhoAsksToJoinIsListedAndDecidedOn(t *testing.T) {
	c := newCircle(t)
	answered[GroupSettings](t, c.home, ChangeGroupSettings{c.group.String(), GroupSettingsChange{JoinApproval: new(true)}})
	for _, phone := range []*simulator.Phone{c.bob, c.carol} {
		_, waiting, err := phone.JoinGroup(t.Context(), c.seen().Invite)
		require.NoError(t, err)
		require.True(t, waiting)
	}
	until(t, "both are known by number", func() bool { return len(logged[GroupUpdatedEvent](t, c.home, EventGroupUpdated)) >= 3 })
	requests := answered[JoinRequestList](t, c.home, ListJoinRequests{c.group.String()}).Requests
	require.Len(t, requests, 2)
	require.Equal(t, c.bob.LID().String(), requests[0].LID)

	require.True(t, c.change(ApproveJoins, requests[0].LID)[0].Done)
	require.True(t, c.change(RejectJoins, requests[1].LID)[0].Done)
	require.Contains(t, c.ranks(), c.bob.Number())
	require.NotContains(t, c.ranks(), c.carol.Number())
	require.Empty(t, answered[JoinRequestList](t, c.home, ListJoinRequests{c.group.String()}).Requests)
	require.Equal(t, "not_found", c.change(ApproveJoins, requests[1].LID)[0].Reason)
}

func TestACommunityHoldsGroups(t *testing.T) {
	c := newCircle(t)
	community := answered[CreatedGroup](t, c.home, CreateGroup{Subject: "Village", Community: true}).Group
	require.True(t, community.IsCommunity)
	inside := answered[CreatedGroup](t, c.home, CreateGroup{Subject: "Inside", CommunityID: community.ID, Participants: []string{c.bob.Number()}}).Group
	require.Equal(t, community.ID, inside.CommunityID)

	answered[Done](t, c.home, LinkSubgroup{community.ID, c.group.String()})
	require.Equal(t, community.ID, c.seen().Community)
	subjects := map[string]bool{}
	for _, subgroup := range answered[SubgroupList](t, c.home, ListSubgroups{community.ID}).Subgroups {
		subjects[subgroup.Subject] = subgroup.IsAnnouncement
	}
	require.Len(t, subjects, 3)
	require.Contains(t, subjects, "Inside")
	require.Contains(t, subjects, "Team")
	numbers := map[string]bool{}
	for _, member := range answered[MemberList](t, c.home, ListCommunityMembers{community.ID}).Participants {
		numbers[member.Number] = true
	}
	require.Equal(t, map[string]bool{c.owner.Number(): true, c.bob.Number(): true, c.friend.Number(): true}, numbers)

	answered[Done](t, c.home, UnlinkSubgroup{community.ID, c.group.String()})
	require.Empty(t, c.seen().Community)
	require.Equal(t, CodeInvalidRequest, declined(t, c.home, LinkSubgroup{c.group.String(), inside.ID}).Code)
}

func TestWhatOnlyAdminsDoIsForbiddenToOthers(t *testing.T) {
	c := newCircle(t)
	theirs := c.foreign(simulator.GroupSettings{Locked: true, AdminsAdd: true})
	before, _ := c.world.Group(jidOf(t, theirs))
	for name, request := range map[string]Request{
		"subject": SetGroupSubject{theirs, "Mine"}, "description": SetGroupDescription{theirs, "mine"},
		"picture": SetGroupPicture{theirs, picture(t, 8)}, "settings": ChangeGroupSettings{theirs, GroupSettingsChange{Announce: new(true)}},
		"timer": ChangeGroupSettings{theirs, GroupSettingsChange{Disappearing: new(uint32(86400))}},
		"add":   ChangeMembers{theirs, AddMembers, []string{c.bob.Number()}}, "remove": ChangeMembers{theirs, RemoveMembers, []string{c.friend.Number()}},
		"promote": ChangeMembers{theirs, PromoteMembers, []string{c.owner.Number()}}, "requests": ListJoinRequests{theirs},
		"approve": ChangeMembers{theirs, ApproveJoins, []string{c.bob.Number()}},
		"invite":  GetGroupInvite{ID: theirs}, "reset": GetGroupInvite{ID: theirs, Reset: true},
		"community": LinkSubgroup{theirs, c.group.String()},
	} {
		require.Equal(t, CodeForbidden, declined(t, c.home, request).Code, name)
	}
	after, _ := c.world.Group(jidOf(t, theirs))
	require.Equal(t, before, after)
}

func TestAGroupThatDoesNotExistIsNotFound(t *testing.T) {
	c := newCircle(t)
	const nowhere = "120363000000000404@g.us"
	for name, request := range map[string]Request{
		"info": GetGroup{nowhere}, "subject": SetGroupSubject{nowhere, "Mine"}, "description": SetGroupDescription{nowhere, "mine"},
		"picture": SetGroupPicture{nowhere, picture(t, 8)}, "leave": LeaveGroup{nowhere}, "invite": GetGroupInvite{ID: nowhere},
		"add": ChangeMembers{nowhere, AddMembers, []string{c.bob.Number()}}, "requests": ListJoinRequests{nowhere},
		"subgroups": ListSubgroups{nowhere}, "members": ListCommunityMembers{nowhere}, "link": LinkSubgroup{nowhere, nowhere},
		"inside": CreateGroup{Subject: "Inside", CommunityID: nowhere},
	} {
		require.Equal(t, CodeChatNotFound, declined(t, c.home, request).Code, name)
	}
}

func TestARequestAboutAGroupThatMakesNoSenseNamesTheField(t *testing.T) {
	c := newCircle(t)
	id := c.group.String()
	for _, wrong := range []struct {
		request Request
		field   string
	}{
		{GetGroup{c.friend.Number()}, "groupId"},
		{SetGroupSubject{id, "  "}, "subject"},
		{SetGroupSubject{id, strings.Repeat("x", maxSubject+1)}, "subject"},
		{SetGroupDescription{id, strings.Repeat("x", maxDescription+1)}, "description"},
		{ChangeGroupSettings{ID: id}, "settings"},
		{ChangeGroupSettings{id, GroupSettingsChange{Disappearing: new(uint32(5))}}, "disappearing"},
		{ChangeGroupSettings{id, GroupSettingsChange{MembersAdd: new("nobody")}}, "membersAdd"},
		{ChangeMembers{ID: id, Change: AddMembers}, "participants"},
		{ChangeMembers{id, AddMembers, []string{id}}, "participants"},
		{ChangeMembers{id, "enthrone", []string{c.bob.Number()}}, "change"},
		{CreateGroup{}, "subject"},
		{CreateGroup{Subject: "S", Settings: GroupSettings{Disappearing: 1}}, "settings.disappearing"},
		{CreateGroup{Subject: "S", Community: true, CommunityID: id}, "communityId"},
		{CreateGroup{Subject: "S", Participants: []string{"nobody"}}, "participants"},
		{JoinGroup{}, "code"},
		{LinkSubgroup{id, "nowhere"}, "subgroupId"},
	} {
		refusal := declined(t, c.home, wrong.request)
		require.Equal(t, CodeInvalidRequest, refusal.Code, "%T", wrong.request)
		require.Equal(t, wrong.field, refusal.Field, "%T", wrong.request)
	}
}

func TestAChangeWhoseAnswerIsLostMayHaveBeenMade(t *testing.T) {
	for _, lost := range []error{
		context.DeadlineExceeded, context.Canceled, whatsmeow.ErrIQTimedOut, &whatsmeow.DisconnectedError{Action: "info query"},
	} {
		require.Equal(t, CodeOutcomeUnknown, CodeOf(changed(lost)), "%v", lost)
	}
	require.NoError(t, changed(nil))
	require.Equal(t, CodeAccountOffline, CodeOf(refusedBy(changed(whatsmeow.ErrNotConnected))), "nothing was sent")
}
