package simulator_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

func TestGroupsAreLinkedToACommunityAndUnlinked(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	client := c.alice.client
	community, err := client.CreateGroup(within(t), whatsmeow.ReqCreateGroup{Name: "Town", GroupParent: types.GroupParent{IsParent: true}})
	require.NoError(t, err)
	require.True(t, community.IsParent)
	parts, err := client.GetSubGroups(within(t), community.JID)
	require.NoError(t, err)
	require.Len(t, parts, 1)
	require.True(t, parts[0].IsDefaultSubGroup)
	general, err := client.GetGroupInfo(within(t), parts[0].JID)
	require.NoError(t, err)
	require.True(t, general.IsAnnounce && general.IsDefaultSubGroup)
	require.Equal(t, community.JID, general.LinkedParentJID)

	require.NoError(t, client.LinkGroup(within(t), community.JID, c.group))
	link := c.bob.nextChange().Link
	require.Equal(t, types.GroupLinkChangeTypeParent, link.Type)
	require.Equal(t, community.JID, link.Group.JID)
	everybody, err := client.GetLinkedGroupsParticipants(within(t), community.JID)
	require.NoError(t, err)
	require.ElementsMatch(t, lidsOf(c.phoneA, c.b, c.carol), everybody)
	born, err := client.CreateGroup(within(t), whatsmeow.ReqCreateGroup{
		Name: "Quarter", GroupLinkedParent: types.GroupLinkedParent{LinkedParentJID: community.JID},
	})
	require.NoError(t, err)
	require.Equal(t, community.JID, born.LinkedParentJID)

	require.NoError(t, client.UnlinkGroup(within(t), community.JID, c.group))
	unlink := c.bob.nextChange().Unlink
	require.Equal(t, types.GroupUnlinkReasonDefault, unlink.UnlinkReason)
	parts, err = client.GetSubGroups(within(t), community.JID)
	require.NoError(t, err)
	require.Len(t, parts, 2)
	require.ErrorIs(t, c.bob.client.LinkGroup(within(t), community.JID, c.group), whatsmeow.ErrIQNotAuthorized)
}

func TestWhoEntersAGroupOfACommunityEntersTheCommunity(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	community, err := c.alice.client.CreateGroup(within(t), whatsmeow.ReqCreateGroup{Name: "Town", GroupParent: types.GroupParent{IsParent: true}})
	require.NoError(t, err)
	require.NoError(t, c.alice.client.LinkGroup(within(t), community.JID, c.group))
	joins := func(who *companion) (all []types.JID) {
		for range 2 {
			all = append(all, next[*events.JoinedGroup](who).JID)
		}
		return all
	}
	parts, err := c.alice.client.GetSubGroups(within(t), community.JID)
	require.NoError(t, err)
	above := []types.JID{community.JID, parts[0].JID}
	if !parts[0].IsDefaultSubGroup {
		above[1] = parts[1].JID
	}
	require.ElementsMatch(t, above, joins(c.bob), "of the group that was linked")

	newcomer := newCompanion(t, c.sim).pair(addPhone(t, c.sim, dave))
	group, _ := c.sim.Group(c.group)
	_, err = newcomer.client.JoinGroupWithLink(within(t), group.Invite)
	require.NoError(t, err)
	require.Equal(t, c.group, next[*events.JoinedGroup](newcomer).JID)
	require.ElementsMatch(t, above, joins(newcomer))
	info, err := newcomer.client.GetGroupInfo(within(t), community.JID)
	require.NoError(t, err)
	require.Len(t, info.Participants, 4)
}

func TestACommunityHasAPicture(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	companion := newCompanion(t, sim).pair(a)
	community, err := a.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Town", Community: true})
	require.NoError(t, err)
	asked := &whatsmeow.GetProfilePictureParams{IsCommunity: true}
	_, err = companion.client.GetProfilePictureInfo(within(t), community, asked)
	require.ErrorIs(t, err, whatsmeow.ErrProfilePictureNotSet)
	full := photo(t, 20, 20)
	require.NoError(t, a.SetGroupPicture(t.Context(), community, full))
	info, err := companion.client.GetProfilePictureInfo(within(t), community, asked)
	require.NoError(t, err)
	require.Equal(t, full, fetch(t, info.URL))
}
