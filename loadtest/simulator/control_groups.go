package simulator

import (
	"fmt"
	"net/http"
	"slices"

	"go.mau.fi/whatsmeow/types"
)

// createGroupBody is a group to be made.
type createGroupBody struct {
	Subject    string        `json:"subject"`
	Owner      string        `json:"owner" doc:"the founder's number"`
	Members    []string      `json:"members,omitempty" doc:"numbers, JIDs or LIDs beside the owner"`
	Addressing string        `json:"addressing,omitempty" enum:"lid,pn" doc:"lid if left out"`
	Settings   GroupSettings `json:"settings,omitzero"`
	Community  bool          `json:"community,omitempty" doc:"makes a community with its announcement group"`
}

// groupCreated names the group that was made.
type groupCreated struct {
	JID string `json:"jid"`
}

func (s *Simulator) controlCreateGroup(r *http.Request, body createGroupBody) (v groupCreated, err error) {
	mode := types.AddressingMode(body.Addressing)
	if mode != "" && mode != types.AddressingModeLID && mode != types.AddressingModePN {
		return v, badField("addressing", "want lid or pn")
	}
	owner, ok := s.Phone(body.Owner)
	if !ok {
		return v, badField("owner", "no phone has the number %q", body.Owner)
	}
	group, err := owner.CreateGroup(r.Context(), GroupOptions{
		Subject: body.Subject, Members: body.Members, Settings: body.Settings, Addressing: mode, Community: body.Community,
	})
	return groupCreated{group.String()}, err
}

// by is who changes a group.
type by struct {
	By string `json:"by,omitempty" doc:"the number of the phone that does it; if left out, the oldest admin, who is the owner at first"`
}

// groupOf finds the group that the path names.
func (s *Simulator) groupOf(r *http.Request) (GroupInfo, types.JID, error) {
	jid, err := types.ParseJID(r.PathValue("jid"))
	if err != nil {
		return GroupInfo{}, jid, badField("jid", "want a group's JID")
	}
	info, ok := s.Group(jid)
	if !ok {
		return info, jid, fmt.Errorf("%s: %w", jid, ErrUnknownGroup)
	}
	return info, jid, nil
}

// actor is the phone that is to change the group.
func (s *Simulator) actor(info GroupInfo, wanted by) (*Phone, error) {
	number := wanted.By
	if number == "" {
		oldest := slices.IndexFunc(info.Members, func(m GroupMember) bool { return m.Admin })
		number = info.Members[oldest].Number // a group without an admin does not last
	}
	p, ok := s.Phone(number)
	if !ok {
		return nil, badField("by", "no phone has the number %q", number)
	}
	return p, nil
}

// changeGroup lets a phone do something to the group that the path names, and answers what became of it.
func (s *Simulator) changeGroup(r *http.Request, wanted by, do func(*Phone, types.JID) error) (info GroupInfo, err error) {
	info, jid, err := s.groupOf(r)
	if err != nil {
		return info, err
	}
	p, err := s.actor(info, wanted)
	if err != nil {
		return info, err
	}
	if err := do(p, jid); err != nil {
		return info, err
	}
	info, _ = s.Group(jid)
	return info, nil
}

func (s *Simulator) controlGroup(r *http.Request, _ none) (GroupInfo, error) {
	info, _, err := s.groupOf(r)
	return info, err
}

type membersBody struct {
	by
	Members []string `json:"members" doc:"numbers, JIDs or LIDs"`
}

func (s *Simulator) controlMembers(change MemberChange) func(*http.Request, membersBody) (GroupInfo, error) {
	return func(r *http.Request, body membersBody) (GroupInfo, error) {
		if len(body.Members) == 0 {
			return GroupInfo{}, badField("members", "missing")
		}
		return s.changeGroup(r, body.by, func(p *Phone, group types.JID) error {
			return p.ChangeMembers(r.Context(), group, change, body.Members...)
		})
	}
}

type subjectBody struct {
	by
	Subject string `json:"subject"`
}

func (s *Simulator) controlSubject(r *http.Request, body subjectBody) (GroupInfo, error) {
	return s.changeGroup(r, body.by, func(p *Phone, group types.JID) error {
		return p.SetGroupSubject(r.Context(), group, body.Subject)
	})
}

type descriptionBody struct {
	by
	Description string `json:"description" doc:"empty removes it"`
}

func (s *Simulator) controlDescribeGroup(r *http.Request, body descriptionBody) (GroupInfo, error) {
	return s.changeGroup(r, body.by, func(p *Phone, group types.JID) error {
		return p.SetGroupDescription(r.Context(), group, body.Description)
	})
}

type groupPictureBody struct {
	by
	pictureBody
}

func (s *Simulator) controlGroupPicture(r *http.Request, body groupPictureBody) (GroupInfo, error) {
	return s.changeGroup(r, body.by, func(p *Phone, group types.JID) error {
		return p.SetGroupPicture(r.Context(), group, body.JPEG)
	})
}

type settingsBody struct {
	by
	Settings GroupSettings `json:"settings" doc:"all of them"`
}

func (s *Simulator) controlSettings(r *http.Request, body settingsBody) (GroupInfo, error) {
	return s.changeGroup(r, body.by, func(p *Phone, group types.JID) error {
		return p.ChangeGroupSettings(r.Context(), group, func(settings *GroupSettings) { *settings = body.Settings })
	})
}

func (s *Simulator) controlResetInvite(r *http.Request, body by) (GroupInfo, error) {
	return s.changeGroup(r, body, func(p *Phone, group types.JID) error {
		_, err := p.GroupInvite(r.Context(), group, true)
		return err
	})
}

func (s *Simulator) controlJoin(r *http.Request, body by) (GroupInfo, error) {
	if body.By == "" {
		return GroupInfo{}, badField("by", "missing: who joins")
	}
	return s.changeGroup(r, body, func(p *Phone, group types.JID) error {
		info, _ := s.Group(group)
		_, _, err := p.JoinGroup(r.Context(), info.Invite)
		return err
	})
}

func (s *Simulator) controlLeave(r *http.Request, body by) (GroupInfo, error) {
	return s.changeGroup(r, body, func(p *Phone, group types.JID) error { return p.LeaveGroup(r.Context(), group) })
}

type statusBody struct {
	Text    string      `json:"text,omitempty"`
	Image   *DraftMedia `json:"image,omitempty"`
	Video   *DraftMedia `json:"video,omitempty"`
	Voice   *DraftMedia `json:"voice,omitempty"`
	Readers []string    `json:"readers" doc:"numbers, JIDs or LIDs of who sees it"`
}

func controlStatus(p *Phone, r *http.Request, body statusBody) (v idView, err error) {
	if body.Image != nil || body.Video != nil || body.Voice != nil {
		content := DraftContent{Text: body.Text, Image: body.Image, Video: body.Video, Voice: body.Voice}
		v.ID, err = p.PostFile(r.Context(), content, body.Readers...)
		return v, err
	}
	if body.Text == "" {
		return v, badField("text", "missing")
	}
	v.ID, err = p.PostStatus(r.Context(), body.Text, body.Readers...)
	return v, err
}
