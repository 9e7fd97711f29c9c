package actors

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

// logged is the data of an account's events of one kind, oldest first.
func logged[T any](t *testing.T, h *home, kind EventKind) (all []T) {
	t.Helper()
	log, err := persist.Events.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	for _, event := range log {
		if event.Kind != string(kind) {
			continue
		}
		var data T
		require.NoError(t, json.Unmarshal([]byte(event.Data), &data))
		all = append(all, data)
	}
	return all
}

// roles are what members of a group are stored as, by number.
func (h *home) roles(t *testing.T, group types.JID) map[string]string {
	t.Helper()
	members, err := persist.GroupParticipants.Scan(t.Context(), h.engine.Engine,
		persist.Query{Scope: h.scope(), Prefix: persist.GroupParticipants.Key(group.String()), Limit: everything})
	require.NoError(t, err)
	roles := map[string]string{}
	for _, member := range members {
		jid, err := types.ParseJID(member.JID)
		require.NoError(t, err)
		require.Equal(t, types.DefaultUserServer, jid.Server, "members are kept by number where it is known")
		roles[jid.User] = member.Role
	}
	return roles
}

func TestAGroupIsToldAndStoredAsOthersChangeIt(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	bob, err := h.world.AddPhone("31800000001", "Bob")
	require.NoError(t, err)
	owner, ann := h.owner.Number(), h.friend.Number()
	group, err := h.friend.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Team", Members: []string{owner}})
	require.NoError(t, err)
	until(t, "the group is told", func() bool { return len(logged[GroupJoinedEvent](t, h, EventGroupJoined)) == 1 })
	joined := logged[GroupJoinedEvent](t, h, EventGroupJoined)[0]
	require.Equal(t, "Team", joined.Subject)
	require.Equal(t, 2, joined.Participants)
	require.Equal(t, ann, joined.By.Number)
	require.Equal(t, map[string]string{owner: roleMember, ann: roleSuperAdmin}, h.roles(t, group))

	require.NoError(t, h.friend.SetGroupSubject(t.Context(), group, "Crew"))
	require.NoError(t, h.friend.SetGroupDescription(t.Context(), group, "All hands"))
	require.NoError(t, h.friend.ChangeGroupSettings(t.Context(), group, func(s *simulator.GroupSettings) {
		s.Announce, s.Locked, s.AdminsAdd, s.JoinApproval, s.Ephemeral = true, true, true, true, 86400
	}))
	require.NoError(t, h.friend.ChangeMembers(t.Context(), group, simulator.AddMembers, bob.Number()))
	require.NoError(t, h.friend.ChangeMembers(t.Context(), group, simulator.PromoteMembers, bob.Number()))
	require.NoError(t, h.friend.ChangeMembers(t.Context(), group, simulator.PromoteMembers, owner))
	code, err := h.friend.GroupInvite(t.Context(), group, true)
	require.NoError(t, err)
	carol, err := h.world.AddPhone("31800000002", "Carol")
	require.NoError(t, err)
	_, waiting, err := carol.JoinGroup(t.Context(), code)
	require.NoError(t, err)
	require.True(t, waiting)
	require.NoError(t, bob.LeaveGroup(t.Context(), group))

	changes := changesOf(t, h, 13)
	require.Equal(t, "Crew", *changes[0].Subject)
	require.Equal(t, ann, changes[0].By.Number)
	require.Equal(t, "All hands", *changes[1].Description)
	require.True(t, *changes[2].Announce)
	require.True(t, *changes[3].Locked)
	require.Equal(t, addAdmins, *changes[4].MembersAdd)
	require.Equal(t, "changed", changes[5].JoinApproval)
	require.EqualValues(t, 86400, *changes[6].Disappearing)
	require.Equal(t, bob.Number(), changes[7].Joined[0].Number)
	require.Equal(t, bob.Number(), changes[8].Promoted[0].Number)
	require.Equal(t, owner, changes[9].Promoted[0].Number)
	require.Equal(t, whatsmeow.InviteLinkPrefix+code, *changes[10].InviteLink)
	require.Equal(t, carol.Number(), changes[11].JoinRequests[0].Number)
	require.Equal(t, bob.Number(), changes[12].Left[0].Number)
	require.Equal(t, map[string]string{owner: roleAdmin, ann: roleSuperAdmin}, h.roles(t, group))
	setting, err := persist.ChatSettings.Get(t.Context(), h.engine.Engine, h.scope(), group.String())
	require.NoError(t, err)
	require.EqualValues(t, 86400, setting.Disappearing)
}

// changesOf waits for a number of group-updated events.
func changesOf(t *testing.T, h *home, count int) (changes []GroupUpdatedEvent) {
	t.Helper()
	until(t, "all changes are told", func() bool {
		changes = logged[GroupUpdatedEvent](t, h, EventGroupUpdated)
		return len(changes) >= count
	})
	require.Len(t, changes, count)
	return changes
}

func TestAGroupsPictureIsTold(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, d.groupPicture(t.Context(), &events.Picture{JID: group, Author: ann, Timestamp: midday, PictureID: "77"}))
	require.NoError(t, d.groupPicture(t.Context(), &events.Picture{JID: group, Author: ann, Timestamp: midday, Remove: true}))
	require.JSONEq(t, `{"clientId":"31600000001","chatId":"`+group.String()+`","by":{"number":"31600000002"},"timestamp":1795521600,"picture":"77"}`,
		string(d.told[0].Data))
	require.Contains(t, string(d.told[1].Data), `"picture":""`)
}

func TestAChangeOfAGroupThatIsSaidAgainIsToldOnce(t *testing.T) {
	d := newDesk(t)
	changes := []*events.GroupInfo{
		{JID: group, Timestamp: midday, Sender: &ann, Locked: &types.GroupLocked{IsLocked: true}},
		{JID: group, Timestamp: midday, Sender: &ann, Join: []types.JID{bob}},
		{JID: group, Timestamp: midday, Sender: &bob, Join: []types.JID{bob}},
		{JID: group, Timestamp: midday, Sender: &ann, Link: &types.GroupLinkChange{Group: types.GroupLinkTarget{JID: group}}},
		{JID: group, Timestamp: midday, Sender: &ann, Unlink: &types.GroupLinkChange{Group: types.GroupLinkTarget{JID: group}}},
		{JID: group, Timestamp: midday, Unsuspended: true},
	}
	joined := &events.JoinedGroup{GroupInfo: types.GroupInfo{JID: group, GroupName: types.GroupName{Name: "Team"}}}
	for _, change := range changes {
		require.NoError(t, d.groupChanged(t.Context(), change))
		require.NoError(t, d.message(t.Context(), from(ann, "M", text("between"))))
		require.NoError(t, d.groupChanged(t.Context(), change))
	}
	for range 2 {
		require.NoError(t, d.groupJoined(t.Context(), joined))
	}
	require.Len(t, d.told, len(changes)+len([]string{"message", "group-joined"}))
	require.NoError(t, d.groupChanged(t.Context(), changes[0]))
	require.Len(t, d.told, len(changes)+3, "it may have been changed back and forth within a second")
}

func TestWhoCouldNotBeAddedIsNoMember(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, d.groupJoined(t.Context(), &events.JoinedGroup{GroupInfo: types.GroupInfo{
		JID: group, Participants: []types.GroupParticipant{{JID: own, IsSuperAdmin: true}, {JID: bob, Error: 403}},
	}}))
	_, err := persist.GroupParticipants.Get(t.Context(), d.journal, d.journal.Scope(), group.String(), bob.String())
	require.ErrorIs(t, err, persist.ErrNotFound)
}

func TestWhoAsksToJoinIsReadFromWhatWhatsmeowHandsOn(t *testing.T) {
	asked := func(attrs waBinary.Attrs) *events.GroupInfo {
		return &events.GroupInfo{UnknownChanges: []*waBinary.Node{
			{Tag: "something_new"},
			{Tag: "created_membership_requests", Content: []waBinary.Node{{Tag: "requested_user", Attrs: attrs}}},
		}}
	}
	require.Equal(t, []types.JID{ann}, requested(asked(waBinary.Attrs{"jid": annID, "phone_number": ann})))
	require.Equal(t, []types.JID{annID}, requested(asked(waBinary.Attrs{"jid": annID})))
	require.Empty(t, requested(asked(waBinary.Attrs{})))
}
