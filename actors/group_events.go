package actors

import (
	"context"
	"errors"
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/persist"
)

// GroupJoinedEvent tells that the account is in a group from now on: it made the
// group, was added, or came by a link.
type GroupJoinedEvent struct {
	ClientID     string  `json:"clientId"`
	ChatID       string  `json:"chatId"`
	Subject      string  `json:"subject"`
	Participants int     `json:"participants" doc:"how many are in it"`
	CommunityID  string  `json:"communityId,omitempty" doc:"the community that it belongs to"`
	By           *Person `json:"by,omitempty" doc:"who added the account, where WhatsApp tells"`
	Reason       string  `json:"reason,omitempty" doc:"invite where the account came by a link"`
	New          bool    `json:"new" doc:"the group was made just now"`
}

// GroupUpdatedEvent tells what has changed of a group; what has not is absent.
type GroupUpdatedEvent struct {
	ClientID  string  `json:"clientId"`
	ChatID    string  `json:"chatId"`
	By        *Person `json:"by,omitempty" doc:"who changed it, where WhatsApp tells"`
	Timestamp int64   `json:"timestamp" doc:"Unix seconds"`

	Subject     *string `json:"subject,omitempty"`
	Description *string `json:"description,omitempty" doc:"empty where it was removed"`
	// Picture is the new one's id.
	Picture        *string `json:"picture,omitempty" doc:"id of the new picture; empty where it was removed"`
	Announce       *bool   `json:"announce,omitempty" doc:"only admins send"`
	Locked         *bool   `json:"locked,omitempty" doc:"only admins change subject, description and picture"`
	MembersAdd     *string `json:"membersAdd,omitempty" enum:"all,admins" doc:"who adds participants"`
	JoinApproval   string  `json:"joinApproval,omitempty" enum:"changed" doc:"whether admins approve who joins by the link; ask for the group, since whatsmeow does not tell which it is"`
	Disappearing   *uint32 `json:"disappearing,omitempty" doc:"after how many seconds messages disappear; 0 for never"`
	InviteLink     *string `json:"inviteLink,omitempty" doc:"the link that replaces the one before"`
	Suspended      *bool   `json:"suspended,omitempty" doc:"WhatsApp has closed the group for now"`
	Deleted        bool    `json:"deleted,omitempty"`
	LinkedChatID   string  `json:"linkedChatId,omitempty" doc:"the community, or the group of this community, that it was linked to"`
	UnlinkedChatID string  `json:"unlinkedChatId,omitempty" doc:"the community, or the group of this community, that it was unlinked from"`

	Joined       []Person `json:"joined,omitempty"`
	Left         []Person `json:"left,omitempty" doc:"who left or was removed"`
	Promoted     []Person `json:"promoted,omitempty" doc:"who became an admin"`
	Demoted      []Person `json:"demoted,omitempty" doc:"who is no admin any more"`
	JoinRequests []Person `json:"joinRequests,omitempty" doc:"who asks the admins to be let in"`
}

// groupJoined stores a group that the account came into, and tells it.
func (in *inbound) groupJoined(ctx context.Context, evt *events.JoinedGroup) error {
	return in.storeGroup(ctx, &evt.GroupInfo, func(u *unit) error {
		by, err := in.author(ctx, u, evt.Sender, evt.SenderPN)
		if err != nil {
			return err
		}
		return in.tellOnce(ctx, u, EventGroupJoined, evt.JID, GroupJoinedEvent{
			ClientID: in.account, ChatID: FormatChat(evt.JID), Subject: evt.Name, By: by, Reason: evt.Reason, New: evt.Type == "new",
			Participants: max(evt.ParticipantCount, len(evt.Participants)), CommunityID: FormatChat(evt.LinkedParentJID),
		})
	})
}

// author is who did something to a group; nil where nobody is named.
func (in *inbound) author(ctx context.Context, u *unit, jid, number *types.JID) (*Person, error) {
	if number != nil && !number.IsEmpty() {
		jid = number
	}
	if jid == nil || jid.IsEmpty() {
		return nil, nil
	}
	person, err := in.people.person(ctx, u, *jid, "")
	return &person, err
}

// tellGroup tells of a change what whatsmeow reads of it.
func (in *inbound) tellGroup(ctx context.Context, u *unit, evt *events.GroupInfo) error {
	told := GroupUpdatedEvent{
		ClientID: in.account, ChatID: FormatChat(evt.JID), Timestamp: evt.Timestamp.Unix(),
		InviteLink: evt.NewInviteLink, Deleted: evt.Delete != nil,
	}
	told.settings(evt)
	told.links(evt)
	if err := in.tellPeople(ctx, u, evt, &told); err != nil {
		return err
	}
	return in.tellOnce(ctx, u, EventGroupUpdated, evt.JID, told)
}

func (e *GroupUpdatedEvent) settings(evt *events.GroupInfo) {
	if evt.Name != nil {
		e.Subject = &evt.Name.Name
	}
	if evt.Topic != nil {
		e.Description = &evt.Topic.Topic
	}
	if evt.Announce != nil {
		e.Announce = &evt.Announce.IsAnnounce
	}
	if evt.Locked != nil {
		e.Locked = &evt.Locked.IsLocked
	}
	if evt.Ephemeral != nil {
		e.Disappearing = &evt.Ephemeral.DisappearingTimer
	}
	if evt.MembershipApprovalMode != nil {
		e.JoinApproval = "changed"
	}
	if evt.Suspended || evt.Unsuspended {
		e.Suspended = &evt.Suspended
	}
	for _, node := range evt.UnknownChanges {
		if node.Tag == "member_add_mode" {
			e.MembersAdd = new(membersAdd(types.GroupMemberAddMode(contentOf(node))))
		}
	}
}

func (e *GroupUpdatedEvent) links(evt *events.GroupInfo) {
	if evt.Link != nil {
		e.LinkedChatID = FormatChat(evt.Link.Group.JID)
	}
	if evt.Unlink != nil {
		e.UnlinkedChatID = FormatChat(evt.Unlink.Group.JID)
	}
}

func (in *inbound) tellPeople(ctx context.Context, u *unit, evt *events.GroupInfo, told *GroupUpdatedEvent) (err error) {
	if told.By, err = in.author(ctx, u, evt.Sender, evt.SenderPN); err != nil {
		return err
	}
	for _, list := range []struct {
		from []types.JID
		to   *[]Person
	}{
		{evt.Join, &told.Joined},
		{evt.Leave, &told.Left},
		{evt.Promote, &told.Promoted},
		{evt.Demote, &told.Demoted},
		{requested(evt), &told.JoinRequests},
	} {
		for _, jid := range list.from {
			person, err := in.people.person(ctx, u, jid, "")
			if err != nil {
				return err
			}
			*list.to = append(*list.to, person)
		}
	}
	return nil
}

// requested is who asks to be let in, of which whatsmeow hands on what WhatsApp
// says.
func requested(evt *events.GroupInfo) (who []types.JID) {
	for _, node := range evt.UnknownChanges {
		if node.Tag != "created_membership_requests" {
			continue
		}
		for _, user := range node.GetChildrenByTag("requested_user") {
			attrs := user.AttrGetter()
			jid := attrs.OptionalJIDOrEmpty("phone_number")
			if jid.IsEmpty() {
				jid = attrs.OptionalJIDOrEmpty("jid")
			}
			if !jid.IsEmpty() {
				who = append(who, jid)
			}
		}
	}
	return who
}

func contentOf(node *waBinary.Node) string {
	content, _ := node.Content.([]byte)
	return string(content)
}

// groupPicture tells that a group has another picture. Nothing of it is stored.
func (in *inbound) groupPicture(ctx context.Context, evt *events.Picture) error {
	return in.ledger.record(ctx, func(u *unit) error {
		by, err := in.author(ctx, u, &evt.Author, nil)
		if err != nil {
			return err
		}
		return in.tellOnce(ctx, u, EventGroupUpdated, evt.JID, GroupUpdatedEvent{
			ClientID: in.account, ChatID: FormatChat(evt.JID), By: by, Timestamp: evt.Timestamp.Unix(), Picture: &evt.PictureID,
		})
	})
}

// recentEvents is how far back the log is looked through for what was told before.
const recentEvents = 64

// tellOnce tells what is not the newest of its kind about a chat already: WhatsApp
// says again what it has seen no acknowledgement of, under no id that whatsmeow
// would hand on. What was said otherwise since then is told again.
func (in *inbound) tellOnce(ctx context.Context, u *unit, kind EventKind, chat types.JID, payload any) error {
	data, about := string(encode(kind, payload)), `"chatId":"`+FormatChat(chat)+`"`
	for seq := u.seq; seq > max(0, u.seq-recentEvents); seq-- {
		event, err := persist.Events.Get(ctx, u, in.people.scope, seq)
		if errors.Is(err, persist.ErrNotFound) {
			break // what is older is not kept
		}
		if err != nil {
			return err
		}
		if event.Kind != string(kind) || !strings.Contains(event.Data, about) {
			continue
		}
		if event.Data == data {
			return nil
		}
		break
	}
	u.tell(kind, payload)
	return nil
}

// membersAdd is who adds participants, as the API spells it.
func membersAdd(mode types.GroupMemberAddMode) string {
	if mode == types.GroupMemberAddModeAdmin {
		return addAdmins
	}
	return addAll
}

// Who adds participants to a group.
const (
	addAll    = "all"
	addAdmins = "admins"
)
