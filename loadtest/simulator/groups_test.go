package simulator_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

const carol = "491700000003"

// circle is a group of Alice, who founded it, Bob and Carol; Alice and Bob have a companion each.
type circle struct {
	sim              *simulator.Simulator
	group            types.JID
	alice, bob       *companion
	phoneA, b, carol *simulator.Phone
}

func newCircle(t *testing.T, o simulator.GroupOptions) circle {
	t.Helper()
	c := circle{sim: simulatortest.Start(t)}
	c.phoneA, c.b, c.carol = addPhone(t, c.sim, alice), addPhone(t, c.sim, bob), addPhone(t, c.sim, carol)
	c.alice, c.bob = newCompanion(t, c.sim).pair(c.phoneA), newCompanion(t, c.sim).pair(c.b)
	o.Subject, o.Members = "Circle", []string{bob, carol}
	group, err := c.phoneA.CreateGroup(t.Context(), o)
	require.NoError(t, err)
	c.group = group
	for _, member := range []*companion{c.alice, c.bob} {
		require.Equal(t, group, next[*events.JoinedGroup](member).JID)
	}
	return c
}

func (c *companion) sendTo(chat types.JID, text string) (whatsmeow.SendResponse, error) {
	return c.client.SendMessage(within(c.t), chat, &waE2E.Message{Conversation: proto.String(text)})
}

// nextChange returns the next news of the group.
func (c *companion) nextChange() *events.GroupInfo { return next[*events.GroupInfo](c) }

func lidsOf(phones ...*simulator.Phone) (lids []types.JID) {
	for _, phone := range phones {
		lids = append(lids, phone.LID())
	}
	return lids
}

func TestACompanionCreatesAGroupThatItsMembersLearnOf(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b, c := addPhone(t, sim, alice), addPhone(t, sim, bob), addPhone(t, sim, carol)
	founder, member := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(b)

	info, err := founder.client.CreateGroup(within(t), whatsmeow.ReqCreateGroup{
		Name:           "Hikers",
		Participants:   []types.JID{types.NewJID(bob, types.DefaultUserServer), c.LID()},
		GroupAnnounce:  types.GroupAnnounce{IsAnnounce: true},
		GroupLocked:    types.GroupLocked{IsLocked: true},
		GroupEphemeral: types.GroupEphemeral{IsEphemeral: true, DisappearingTimer: 86400},
		MemberAddMode:  types.GroupMemberAddModeAdmin,
	})
	require.NoError(t, err)
	joined := next[*events.JoinedGroup](member)
	require.Equal(t, "new", joined.Type)
	require.Equal(t, a.LID(), *joined.Sender)
	require.Equal(t, info.JID, next[*events.JoinedGroup](founder).JID)

	for _, seen := range []*types.GroupInfo{info, &joined.GroupInfo} {
		require.Equal(t, "Hikers", seen.Name)
		require.Equal(t, types.AddressingModeLID, seen.AddressingMode)
		require.Equal(t, a.LID(), seen.OwnerJID)
		require.Equal(t, 3, seen.ParticipantCount)
		require.True(t, seen.IsAnnounce && seen.IsLocked && seen.IsEphemeral)
		require.EqualValues(t, 86400, seen.DisappearingTimer)
		require.Equal(t, types.GroupMemberAddModeAdmin, seen.MemberAddMode)
		require.True(t, seen.Participants[0].IsSuperAdmin)
		require.Equal(t, lidsOf(a, b, c), memberJIDs(seen))
		require.Equal(t, bob, seen.Participants[1].PhoneNumber.User)
	}
	groups, err := member.client.GetJoinedGroups(within(t))
	require.NoError(t, err)
	require.Len(t, groups, 1)
	require.Equal(t, info.JID, groups[0].JID)
}

func memberJIDs(info *types.GroupInfo) (jids []types.JID) {
	for _, p := range info.Participants {
		jids = append(jids, p.JID)
	}
	return jids
}

func TestAMessageToAGroupIsReadByEveryMemberAndAnsweredByPhones(t *testing.T) {
	for _, mode := range []types.AddressingMode{types.AddressingModeLID, types.AddressingModePN} {
		t.Run(string(mode), func(t *testing.T) {
			c := newCircle(t, simulator.GroupOptions{Addressing: mode})
			for _, words := range []string{"hello all", "hello again"} {
				sent, err := c.alice.sendTo(c.group, words)
				require.NoError(t, err)
				got := c.bob.nextText()
				require.Equal(t, words, got.Message.GetConversation())
				require.Equal(t, sent.ID, got.Info.ID)
				require.Equal(t, c.group, got.Info.Chat)
				require.True(t, got.Info.IsGroup)
				require.Equal(t, mode, got.Info.AddressingMode)
				for _, phone := range []*simulator.Phone{c.b, c.carol, c.phoneA} {
					requireText(t, phone, c.group, alice, words)
				}
			}
			_, err := c.carol.SendText(t.Context(), c.group.String(), "and hello from me")
			require.NoError(t, err)
			for _, member := range []*companion{c.alice, c.bob} {
				got := member.nextText()
				require.Equal(t, "and hello from me", got.Message.GetConversation())
				require.Equal(t, carol, phoneNumber(got.Info.MessageSource))
			}
			requireText(t, c.b, c.group, carol, "and hello from me")
			_, err = c.phoneA.SendText(t.Context(), c.group.String(), "from my other device")
			require.NoError(t, err)
			got := c.alice.nextText()
			require.True(t, got.Info.IsFromMe)
			require.Equal(t, c.group, got.Info.Chat)
			require.Zero(t, c.sim.Stats().RetryReceipts)
		})
	}
}

func phoneNumber(source types.MessageSource) string {
	if source.Sender.Server == types.DefaultUserServer {
		return source.Sender.User
	}
	return source.SenderAlt.User
}

// requireText waits until a phone has got a text in a group.
func requireText(t *testing.T, phone *simulator.Phone, group types.JID, from, words string) {
	t.Helper()
	for seq := int64(0); ; {
		messages, err := phone.WaitMessages(within(t), seq)
		require.NoError(t, err, words)
		for _, m := range messages {
			seq = m.Seq
			if m.Text == words {
				require.Equal(t, group.String(), m.Chat)
				require.Equal(t, from+"@s.whatsapp.net", m.From)
				require.Equal(t, from == phone.Number(), m.FromMe)
				return
			}
		}
	}
}

func TestReceiptsInAGroupReachTheAuthorWithTheReader(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	sent, err := c.alice.sendTo(c.group, "read me")
	require.NoError(t, err)
	got := c.bob.nextText()
	require.NoError(t, c.bob.client.MarkRead(within(t), []string{sent.ID}, got.Info.Timestamp, c.group, got.Info.Sender))
	missing := map[types.JID]types.ReceiptType{
		c.b.LID():              types.ReceiptTypeDelivered,
		c.carol.LID():          types.ReceiptTypeDelivered,
		c.phoneA.LID():         types.ReceiptTypeSender,
		onDevice(c.b.LID(), 1): types.ReceiptTypeRead,
	}
	for len(missing) > 0 {
		receipt := next[*events.Receipt](c.alice)
		if receipt.Chat == c.group && missing[receipt.Sender] == receipt.Type {
			require.Equal(t, []string{sent.ID}, receipt.MessageIDs)
			delete(missing, receipt.Sender)
		}
	}

	requireText(t, c.carol, c.group, alice, "read me")
	require.NoError(t, c.carol.MarkRead(t.Context(), c.group.String(), sent.ID))
	for read := next[*events.Receipt](c.alice); read.Type != types.ReceiptTypeRead; read = next[*events.Receipt](c.alice) {
	}
	require.ErrorIs(t, c.carol.MarkRead(t.Context(), c.group.String(), "nonsense"), simulator.ErrUnknownMessage)

	id, err := c.carol.SendText(t.Context(), c.group.String(), "and me")
	require.NoError(t, err)
	for got = c.bob.nextText(); got.Info.ID != id; got = c.bob.nextText() {
	}
	require.NoError(t, c.bob.client.MarkRead(within(t), []string{id}, time.Now(), c.group, got.Info.Sender))
	requireReceipt(t, c.carol, id, "read", bob)
}

func onDevice(jid types.JID, device uint16) types.JID {
	jid.Device = device
	return jid
}

// requireReceipt waits until a phone has got a receipt for a message from somebody's companion.
func requireReceipt(t *testing.T, phone *simulator.Phone, id, kind, reader string) {
	t.Helper()
	for seq := int64(0); ; {
		receipts, err := phone.WaitReceipts(within(t), seq)
		require.NoError(t, err)
		for _, r := range receipts {
			seq = r.Seq
			if slices.Contains(r.IDs, id) && r.Type == kind && r.From == reader+":1@s.whatsapp.net" {
				return
			}
		}
	}
}

func TestChangesOfMembersReachAllAndDecideWhoReads(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	_, err := c.alice.client.UpdateGroupParticipants(within(t), c.group, lidsOf(c.b), whatsmeow.ParticipantChangePromote)
	require.NoError(t, err)
	require.Equal(t, lidsOf(c.b), c.bob.nextChange().Promote)
	results, err := c.bob.client.UpdateGroupParticipants(within(t), c.group, lidsOf(c.carol, c.phoneA), whatsmeow.ParticipantChangeRemove)
	require.NoError(t, err)
	require.Equal(t, 406, results[1].Error, "the founder stays")
	removed := c.alice.nextChange()
	for ; removed.Leave == nil; removed = c.alice.nextChange() {
	}
	require.Equal(t, lidsOf(c.carol), removed.Leave)
	require.Equal(t, c.b.LID(), *removed.Sender)

	_, err = c.alice.sendTo(c.group, "without her")
	require.NoError(t, err)
	requireText(t, c.b, c.group, alice, "without her")
	require.Empty(t, c.carol.Messages(0))
	_, err = c.carol.SendText(t.Context(), c.group.String(), "let me in")
	require.ErrorIs(t, err, simulator.ErrNotMember)

	results, err = c.alice.client.UpdateGroupParticipants(within(t), c.group,
		[]types.JID{types.NewJID(carol, types.DefaultUserServer), types.NewJID("4999999", types.DefaultUserServer)}, whatsmeow.ParticipantChangeAdd)
	require.NoError(t, err)
	require.Equal(t, []int{0, 404}, []int{results[0].Error, results[1].Error})
	for removed = c.alice.nextChange(); removed.Join == nil; removed = c.alice.nextChange() {
	}
	require.Equal(t, lidsOf(c.carol), removed.Join)
	_, err = c.alice.sendTo(c.group, "welcome back")
	require.NoError(t, err)
	requireText(t, c.carol, c.group, alice, "welcome back")

	require.NoError(t, c.phoneA.ChangeMembers(t.Context(), c.group, simulator.DemoteMembers, bob))
	_, err = c.bob.client.UpdateGroupParticipants(within(t), c.group, lidsOf(c.carol), whatsmeow.ParticipantChangeRemove)
	require.ErrorIs(t, err, whatsmeow.ErrIQNotAuthorized)
	require.ErrorIs(t, c.phoneA.ChangeMembers(t.Context(), c.group, simulator.AddMembers, bob), simulator.ErrAlreadyMember)
}

func TestWhoLeavesAGroupIsGoneAndTheOldestMemberInheritsIt(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	require.NoError(t, c.alice.client.LeaveGroup(within(t), c.group))
	require.Equal(t, lidsOf(c.phoneA), c.bob.nextChange().Leave)
	require.Equal(t, lidsOf(c.b), c.bob.nextChange().Promote)
	_, err := c.alice.client.GetGroupInfo(within(t), c.group)
	require.ErrorIs(t, err, whatsmeow.ErrNotInGroup)
	require.NoError(t, c.b.LeaveGroup(t.Context(), c.group))
	require.NoError(t, c.carol.LeaveGroup(t.Context(), c.group))
	_, err = c.alice.client.GetGroupInfo(within(t), c.group)
	require.ErrorIs(t, err, whatsmeow.ErrGroupNotFound)
}

func TestSettingsOfAGroupAreToldAndHold(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	client := c.alice.client
	require.NoError(t, client.SetGroupName(within(t), c.group, "Renamed"))
	change := c.bob.nextChange()
	require.Equal(t, "Renamed", change.Name.Name)
	require.Equal(t, c.phoneA.LID(), change.Name.NameSetBy)
	require.NoError(t, client.SetGroupTopic(within(t), c.group, "", "", "what it is about"))
	require.Equal(t, "what it is about", c.bob.nextChange().Topic.Topic)
	require.NoError(t, client.SetGroupTopic(within(t), c.group, "", "", ""))
	require.True(t, c.bob.nextChange().Topic.TopicDeleted)
	require.NoError(t, client.SetGroupTopic(within(t), c.group, "", "", "once more"))
	require.Equal(t, "once more", c.bob.nextChange().Topic.Topic)
	require.NoError(t, client.SetDisappearingTimer(within(t), c.group, 24*time.Hour, time.Time{}))
	require.EqualValues(t, 86400, c.bob.nextChange().Ephemeral.DisappearingTimer)
	require.NoError(t, client.SetDisappearingTimer(within(t), c.group, 0, time.Time{}))
	require.False(t, c.bob.nextChange().Ephemeral.IsEphemeral)
	require.ErrorIs(t, client.SetDisappearingTimer(within(t), c.group, time.Minute, time.Time{}), whatsmeow.ErrInvalidDisappearingTimer)
	require.NoError(t, client.SetGroupLocked(within(t), c.group, true))
	require.True(t, c.bob.nextChange().Locked.IsLocked)
	require.NoError(t, client.SetGroupMemberAddMode(within(t), c.group, types.GroupMemberAddModeAdmin))
	require.Equal(t, "member_add_mode", c.bob.nextChange().UnknownChanges[0].Tag)
	require.NoError(t, client.SetGroupJoinApprovalMode(within(t), c.group, true))
	require.True(t, c.bob.nextChange().MembershipApprovalMode.IsJoinApprovalRequired)
	require.NoError(t, client.SetGroupAnnounce(within(t), c.group, true))
	require.True(t, c.bob.nextChange().Announce.IsAnnounce)

	_, err := c.bob.sendTo(c.group, "may I?")
	require.ErrorIs(t, err, whatsmeow.ErrServerReturnedError)
	require.ErrorIs(t, c.bob.client.SetGroupName(within(t), c.group, "Mine"), whatsmeow.ErrIQNotAuthorized)
	require.ErrorIs(t, client.SetGroupName(within(t), c.group, " "), whatsmeow.ErrIQNotAcceptable)
	info, err := c.bob.client.GetGroupInfo(within(t), c.group)
	require.NoError(t, err)
	require.Equal(t, "once more", info.Topic)
	require.True(t, info.IsAnnounce && info.IsLocked && info.IsJoinApprovalRequired && !info.IsEphemeral)
	require.NoError(t, client.SetGroupAnnounce(within(t), c.group, false))
	require.False(t, c.bob.nextChange().Announce.IsAnnounce)
	_, err = c.bob.sendTo(c.group, "now I may")
	require.NoError(t, err)
}

func TestAGroupsPictureIsSetByThoseWhoMayAndSeenByItsMembers(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	_, err := c.alice.client.GetProfilePictureInfo(within(t), c.group, nil)
	require.ErrorIs(t, err, whatsmeow.ErrProfilePictureNotSet)

	full := photo(t, 200, 100)
	id, err := c.bob.client.SetGroupPhoto(within(t), c.group, full)
	require.NoError(t, err)
	for _, member := range []*companion{c.alice, c.bob} {
		changed := next[*events.Picture](member)
		require.Equal(t, id, changed.PictureID)
		require.Equal(t, c.group, changed.JID)
		require.Equal(t, c.b.LID(), changed.Author)
	}
	info, err := c.alice.client.GetProfilePictureInfo(within(t), c.group, nil)
	require.NoError(t, err)
	require.Equal(t, full, fetch(t, info.URL))
	preview, err := c.alice.client.GetProfilePictureInfo(within(t), c.group, &whatsmeow.GetProfilePictureParams{Preview: true})
	require.NoError(t, err)
	require.NotEqual(t, full, fetch(t, preview.URL))

	require.NoError(t, c.phoneA.ChangeGroupSettings(t.Context(), c.group, func(s *simulator.GroupSettings) { s.Locked = true }))
	_, err = c.bob.client.SetGroupPhoto(within(t), c.group, photo(t, 8, 8))
	require.ErrorIs(t, err, whatsmeow.ErrIQNotAuthorized)
	_, err = c.alice.client.SetGroupPhoto(within(t), c.group, []byte("no picture"))
	require.ErrorIs(t, err, whatsmeow.ErrInvalidImageFormat)
	_, err = c.alice.client.SetGroupPhoto(within(t), c.group, nil)
	require.NoError(t, err)
	require.True(t, next[*events.Picture](c.bob).Remove)
	_, err = c.bob.client.GetProfilePictureInfo(within(t), c.group, nil)
	require.ErrorIs(t, err, whatsmeow.ErrProfilePictureNotSet)
}

func TestAGroupsPictureIsForMembersAndWhoHasItsLink(t *testing.T) {
	c := newCircle(t, simulator.GroupOptions{})
	outsider := newCompanion(t, c.sim).pair(addPhone(t, c.sim, "491700000004"))
	require.NoError(t, c.phoneA.SetGroupPicture(t.Context(), c.group, photo(t, 8, 8)))
	group, _ := c.sim.Group(c.group)
	_, err := outsider.client.GetProfilePictureInfo(within(t), c.group, nil)
	require.ErrorIs(t, err, whatsmeow.ErrProfilePictureUnauthorized)
	_, err = outsider.client.SetGroupPhoto(within(t), c.group, photo(t, 8, 8))
	require.ErrorIs(t, err, whatsmeow.ErrIQForbidden)
	info, err := outsider.client.GetProfilePictureInfo(within(t), c.group, &whatsmeow.GetProfilePictureParams{InviteCode: group.Invite})
	require.NoError(t, err)
	require.Equal(t, group.Picture, info.ID)
}
