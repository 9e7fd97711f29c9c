package simulator_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
)

const dave = "491700000004"

func TestALinkLeadsIntoAGroupUntilItIsReset(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	guest := newCompanion(t, c.sim).pair(addPhone(t, c.sim, dave))
	_, err := c.bob.client.GetGroupInviteLink(within(t), c.group, false)
	require.ErrorIs(t, err, whatsmeow.ErrGroupInviteLinkUnauthorized)
	_, err = guest.client.GetGroupInviteLink(within(t), c.group, false)
	require.ErrorIs(t, err, whatsmeow.ErrNotInGroup)

	old, err := c.alice.client.GetGroupInviteLink(within(t), c.group, false)
	require.NoError(t, err)
	link, err := c.alice.client.GetGroupInviteLink(within(t), c.group, true)
	require.NoError(t, err)
	require.Equal(t, link, *c.bob.nextChange().NewInviteLink)
	_, err = guest.client.JoinGroupWithLink(within(t), old)
	require.ErrorIs(t, err, whatsmeow.ErrInviteLinkRevoked)
	_, err = guest.client.GetGroupInfoFromLink(within(t), whatsmeow.InviteLinkPrefix+"nonsense")
	require.ErrorIs(t, err, whatsmeow.ErrInviteLinkInvalid)

	info, err := guest.client.GetGroupInfoFromLink(within(t), link)
	require.NoError(t, err)
	require.Equal(t, "Circle", info.Name)
	require.Equal(t, 3, info.ParticipantCount)
	require.Empty(t, info.Participants)
	joined, err := guest.client.JoinGroupWithLink(within(t), link)
	require.NoError(t, err)
	require.Equal(t, c.group, joined)
	require.Equal(t, "invite", next[*events.JoinedGroup](guest).Reason)
	change := c.bob.nextChange()
	require.Equal(t, "invite", change.JoinReason)
	require.Equal(t, guest.client.Store.GetLID().ToNonAD(), change.Join[0])
	_, err = guest.sendTo(c.group, "thanks for having me")
	require.NoError(t, err)
	requireText(t, c.carol, c.group, dave, "thanks for having me")
	require.Equal(t, "thanks for having me", c.bob.nextText().Message.GetConversation())
}

func TestWhoMustBeApprovedWaitsForAnAdmin(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{Settings: simulator.GroupSettings{JoinApproval: true}})
	phone := addPhone(t, c.sim, dave)
	guest := newCompanion(t, c.sim).pair(phone)
	code, err := c.phoneA.GroupInvite(t.Context(), c.group, false)
	require.NoError(t, err)
	ask := func() {
		group, err := guest.client.JoinGroupWithLink(within(t), code)
		require.NoError(t, err)
		require.Equal(t, c.group, group)
		require.Equal(t, "created_membership_requests", c.alice.nextChange().UnknownChanges[0].Tag)
		waiting, err := c.alice.client.GetGroupRequestParticipants(within(t), c.group)
		require.NoError(t, err)
		require.Len(t, waiting, 1)
		require.Equal(t, phone.LID(), waiting[0].JID)
		require.False(t, waiting[0].RequestedAt.IsZero())
	}
	ask()
	_, err = c.bob.client.GetGroupRequestParticipants(within(t), c.group)
	require.ErrorIs(t, err, whatsmeow.ErrIQNotAuthorized)
	_, err = c.alice.client.UpdateGroupRequestParticipants(within(t), c.group, lidsOf(phone), whatsmeow.ParticipantChangeReject)
	require.NoError(t, err)
	_, err = guest.client.GetGroupInfo(within(t), c.group)
	require.ErrorIs(t, err, whatsmeow.ErrNotInGroup)

	ask()
	results, err := c.alice.client.UpdateGroupRequestParticipants(within(t), c.group, lidsOf(phone, c.b), whatsmeow.ParticipantChangeApprove)
	require.NoError(t, err)
	require.Equal(t, []int{0, 404}, []int{results[0].Error, results[1].Error})
	require.Equal(t, c.group, next[*events.JoinedGroup](guest).JID)
}

func TestAnInvitationByMessageIsForItsReceiverAlone(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	guest := newCompanion(t, c.sim).pair(addPhone(t, c.sim, dave))
	_, err := c.phoneA.SendGroupInvite(t.Context(), c.group, dave)
	require.NoError(t, err)
	message := next[*events.Message](guest)
	for message.Message.GetGroupInviteMessage() == nil {
		message = next[*events.Message](guest)
	}
	invitation, admin := message.Message.GetGroupInviteMessage(), message.Info.Sender
	require.Equal(t, "Circle", invitation.GetGroupName())
	join := func(c *companion, code string) error {
		group, err := types.ParseJID(invitation.GetGroupJID())
		require.NoError(t, err)
		return c.client.JoinGroupWithInvite(within(t), group, admin, code, invitation.GetInviteExpiration())
	}
	info, err := guest.client.GetGroupInfoFromInvite(within(t), c.group, admin, invitation.GetInviteCode(), invitation.GetInviteExpiration())
	require.NoError(t, err)
	require.Equal(t, "Circle", info.Name)
	require.ErrorIs(t, join(guest, strings.ToLower(invitation.GetInviteCode())), whatsmeow.ErrIQNotAcceptable)
	require.NoError(t, join(guest, invitation.GetInviteCode()))
	require.Equal(t, c.group, next[*events.JoinedGroup](guest).JID)
	require.ErrorIs(t, join(guest, invitation.GetInviteCode()), whatsmeow.ErrIQNotAcceptable, "an invitation counts once")
}

func TestWhoLetsNobodyAddThemIsInvitedInstead(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	shy := addPhone(t, c.sim, dave)
	guest := newCompanion(t, c.sim).pair(shy)
	require.NoError(t, shy.SetPrivacy(t.Context(), types.PrivacySettingTypeGroupAdd, types.PrivacySettingNone))
	require.ErrorIs(t, c.phoneA.ChangeMembers(t.Context(), c.group, simulator.AddMembers, dave), simulator.ErrWantsInvitation)
	results, err := c.alice.client.UpdateGroupParticipants(within(t), c.group, lidsOf(shy), whatsmeow.ParticipantChangeAdd)
	require.NoError(t, err)
	require.Equal(t, 403, results[0].Error)
	offer := results[0].AddRequest
	require.NoError(t, guest.client.JoinGroupWithInvite(within(t), c.group, c.phoneA.LID(), offer.Code, offer.Expiration.Unix()))
	require.Equal(t, c.group, next[*events.JoinedGroup](guest).JID)
}
