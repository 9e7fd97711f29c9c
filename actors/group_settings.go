package actors

import (
	"bytes"
	"context"
	"image/jpeg"
	"slices"
	"time"

	"go.mau.fi/whatsmeow/types"
)

// SetGroupSubject renames a group; the reply is [Done].
type SetGroupSubject struct{ ID, Subject string }

func (r SetGroupSubject) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseGroup("groupId", r.ID)
	if err != nil {
		return nil, err
	}
	if err := checkSubject(r.Subject); err != nil {
		return nil, err
	}
	return Done{}, changed(l.client.SetGroupName(ctx, jid, r.Subject))
}

// SetGroupDescription replaces what a group says of itself; an empty text removes
// it. The reply is [Done].
type SetGroupDescription struct{ ID, Description string }

func (r SetGroupDescription) perform(ctx context.Context, l *link) (any, error) {
	if err := checkLength("description", r.Description, maxDescription); err != nil {
		return nil, err
	}
	// whatsmeow would ask as well, and not tell why that failed.
	info, err := l.groupInfo(ctx, "groupId", r.ID)
	if err != nil {
		return nil, err
	}
	return Done{}, changed(l.client.SetGroupTopic(ctx, info.JID, info.TopicID, "", r.Description))
}

// SetGroupPicture replaces a group's picture by a JPEG; none removes it. The reply
// is a [PictureID].
type SetGroupPicture struct {
	ID      string
	Picture []byte
}

// PictureID names a picture; empty where there is none any more.
type PictureID struct {
	ID string `json:"pictureId" doc:"empty where the picture was removed"`
}

func (r SetGroupPicture) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseGroup("groupId", r.ID)
	if err != nil {
		return nil, err
	}
	return l.setPicture(ctx, jid, r.Picture)
}

// setPicture gives a group, or with an empty address the account itself, another
// picture.
func (l *link) setPicture(ctx context.Context, of types.JID, picture []byte) (PictureID, error) {
	if len(picture) == 0 {
		_, err := l.client.SetGroupPhoto(ctx, of, nil)
		return PictureID{}, changed(err)
	}
	if err := checkPicture(picture); err != nil {
		return PictureID{}, err
	}
	id, err := l.client.SetGroupPhoto(ctx, of, picture)
	return PictureID{id}, changed(err)
}

// maxPictureSide is more pixels in one direction than any client shows of a
// profile picture.
const maxPictureSide = 4096

func checkPicture(picture []byte) error {
	config, err := jpeg.DecodeConfig(bytes.NewReader(picture))
	switch {
	case err != nil:
		return &Error{Code: CodeUnsupportedMedia, Message: "picture: expected a JPEG", Field: "picture", Cause: err}
	case config.Width > maxPictureSide || config.Height > maxPictureSide:
		return refuseInput("picture", "expected at most %d pixels in each direction", maxPictureSide)
	default:
		return nil
	}
}

// ChangeGroupSettings changes the settings that are given; the reply is the
// [GroupSettings] as they are then.
type ChangeGroupSettings struct {
	ID     string
	Change GroupSettingsChange
}

// GroupSettingsChange is a change of [GroupSettings]; nil leaves what is there.
type GroupSettingsChange struct {
	Announce     *bool   `json:"announce,omitempty" doc:"only admins send"`
	Locked       *bool   `json:"locked,omitempty" doc:"only admins change subject, description, picture and the timer"`
	JoinApproval *bool   `json:"joinApproval,omitempty" doc:"admins approve who joins by the link"`
	MembersAdd   *string `json:"membersAdd,omitempty" enum:"all,admins" doc:"who adds participants"`
	Disappearing *uint32 `json:"disappearing,omitempty" enum:"0,86400,604800,7776000" doc:"after how many seconds messages disappear; 0 for never"`
}

func (r ChangeGroupSettings) perform(ctx context.Context, l *link) (any, error) {
	if err := r.Change.check(); err != nil {
		return nil, err
	}
	info, err := l.groupInfo(ctx, "groupId", r.ID)
	if err != nil {
		return nil, err
	}
	if role := l.ownRole(info); role == roleMember && (info.IsLocked || r.Change.restricted()) {
		return nil, Refuse(CodeForbidden, "only admins of the group do this") // before half of it is done
	}
	if err := r.Change.apply(ctx, l, info); err != nil {
		return nil, changed(err)
	}
	return settingsOf(info), nil
}

func (c GroupSettingsChange) check() error {
	if c == (GroupSettingsChange{}) {
		return refuseInput("settings", "expected at least one setting")
	}
	if c.MembersAdd != nil {
		if _, err := addMode(*c.MembersAdd); err != nil {
			return err
		}
	}
	if c.Disappearing == nil {
		return nil
	}
	return checkTimer("disappearing", *c.Disappearing)
}

// restricted tells whether the change is for admins alone in every group.
func (c GroupSettingsChange) restricted() bool {
	c.Disappearing = nil
	return c != GroupSettingsChange{}
}

// apply makes the change one setting after the other, as WhatsApp takes them, and
// brings info up to it.
func (c GroupSettingsChange) apply(ctx context.Context, l *link, info *types.GroupInfo) (err error) {
	if c.Announce != nil {
		err = l.client.SetGroupAnnounce(ctx, info.JID, *c.Announce)
		info.IsAnnounce = *c.Announce
	}
	if err == nil && c.Locked != nil {
		err = l.client.SetGroupLocked(ctx, info.JID, *c.Locked)
		info.IsLocked = *c.Locked
	}
	if err == nil && c.JoinApproval != nil {
		err = l.client.SetGroupJoinApprovalMode(ctx, info.JID, *c.JoinApproval)
		info.IsJoinApprovalRequired = *c.JoinApproval
	}
	if err == nil && c.MembersAdd != nil {
		info.MemberAddMode, _ = addMode(*c.MembersAdd)
		err = l.client.SetGroupMemberAddMode(ctx, info.JID, info.MemberAddMode)
	}
	if err == nil && c.Disappearing != nil {
		info.DisappearingTimer = *c.Disappearing
		err = l.client.SetDisappearingTimer(ctx, info.JID, time.Duration(*c.Disappearing)*time.Second, time.Time{})
	}
	return err
}

// addMode reads who adds participants; everybody where nothing is said.
func addMode(who string) (types.GroupMemberAddMode, error) {
	switch who {
	case addAll, "":
		return types.GroupMemberAddModeAllMember, nil
	case addAdmins:
		return types.GroupMemberAddModeAdmin, nil
	default:
		return "", refuseInput("membersAdd", "expected all or admins")
	}
}

// timers are the times after which messages may disappear, in seconds: a day, a
// week, 90 days.
var timers = []uint32{0, 86400, 604800, 7776000}

func checkTimer(field string, seconds uint32) error {
	if !slices.Contains(timers, seconds) {
		return refuseInput(field, "expected one of %v seconds", timers)
	}
	return nil
}
