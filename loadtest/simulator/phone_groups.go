package simulator

import (
	"context"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// GroupOptions describe a group to be created.
type GroupOptions struct {
	// Subject is the name, 1 to 100 characters.
	Subject string
	// Members beside the founder, each as number, JID or LID.
	Members []string
	// Settings of the group. The zero value allows everything to everybody.
	Settings GroupSettings
	// Addressing is how the group's stanzas name its members. Empty means by LID, as in all groups of today.
	Addressing types.AddressingMode
	// Community makes a community instead, together with its announcement group.
	Community bool
}

// CreateGroup founds a group and tells all members' companions. Every member must exist; who lets nobody add them to
// groups is left out.
func (p *Phone) CreateGroup(_ context.Context, o GroupOptions) (types.JID, error) {
	members, err := p.sim.resolveAll(o.Members)
	if err != nil {
		return types.JID{}, fmt.Errorf("members: %w", err)
	}
	f := founding{subject: o.Subject, mode: o.Addressing, settings: o.Settings, members: members, community: o.Community}
	if f.mode == "" {
		f.mode = types.AddressingModeLID
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	g, _, err := p.sim.foundLocked(p.account, f)
	if err != nil {
		return types.JID{}, err
	}
	return g.jid, nil
}

func (s *Simulator) resolveAll(names []string) (jids []types.JID, err error) {
	for _, name := range names {
		a, err := s.resolve(name)
		if err != nil {
			return nil, err
		}
		jids = append(jids, a.lid)
	}
	return jids, nil
}

// MemberChange is what an admin does to members.
type MemberChange string

// The changes of members. Approving and rejecting concern those who asked to join.
const (
	AddMembers     MemberChange = "add"
	RemoveMembers  MemberChange = "remove"
	PromoteMembers MemberChange = "promote"
	DemoteMembers  MemberChange = "demote"
	ApproveJoin    MemberChange = "approve"
	RejectJoin     MemberChange = "reject"
)

func (c MemberChange) apply(a groupAct, jids []types.JID) ([]outcome, error) {
	switch c {
	case AddMembers:
		return a.add(jids)
	case RemoveMembers:
		return a.remove(jids)
	case PromoteMembers:
		return a.promote(jids)
	case DemoteMembers:
		return a.demote(jids)
	case ApproveJoin, RejectJoin:
		return a.decide(c == ApproveJoin, jids)
	default:
		return nil, fmt.Errorf("%w: change %q of members", ErrBadGroup, c)
	}
}

// ChangeMembers adds, removes, promotes or demotes members, or decides who may join. The members that it can be done to
// are changed even if others are refused; the error then names the first of these.
func (p *Phone) ChangeMembers(_ context.Context, group types.JID, change MemberChange, members ...string) error {
	jids, err := p.sim.resolveAll(members)
	if err != nil {
		return err
	}
	return p.actOn(group, func(a groupAct) error {
		all, err := change.apply(a, jids)
		for i, o := range all {
			if o.code != 0 {
				return fmt.Errorf("%s %s: %w", change, members[i], o.err())
			}
		}
		return err
	})
}

// ErrFounder and ErrWantsInvitation are refusals about one person in a change of members.
var (
	ErrFounder         = errors.New("others can neither remove nor demote a group's founder")
	ErrWantsInvitation = errors.New("may be invited to groups, not added")
)

func (o outcome) err() error {
	switch o.code {
	case refusedByChoice:
		return ErrWantsInvitation
	case refusedFounder:
		return ErrFounder
	case refusedAlready:
		return ErrAlreadyMember
	case refusedFull:
		return ErrGroupFull
	default:
		return ErrNotMember
	}
}

func (p *Phone) actOn(group types.JID, do func(groupAct) error) error {
	return p.sim.actOn(p.account, group, do)
}

// SetGroupSubject renames a group.
func (p *Phone) SetGroupSubject(_ context.Context, group types.JID, subject string) error {
	return p.actOn(group, func(a groupAct) error { return a.setSubject(subject) })
}

// SetGroupDescription replaces a group's description. An empty one removes it.
func (p *Phone) SetGroupDescription(_ context.Context, group types.JID, text string) error {
	return p.actOn(group, func(a groupAct) error { return a.setTopic(newMessageID(), a.g.topic.id, text) })
}

// SetGroupPicture replaces a group's picture, a JPEG of at most 4096 pixels in each direction, and tells the members. No
// bytes remove it.
func (p *Phone) SetGroupPicture(_ context.Context, group types.JID, full []byte) error {
	var next *picture
	if len(full) > 0 {
		var err error
		if next, err = newPicture(full); err != nil {
			return err
		}
	}
	return p.actOn(group, func(a groupAct) error { return a.setPicture(next) })
}

// ChangeGroupSettings applies a change to a group's settings, which must not block.
func (p *Phone) ChangeGroupSettings(_ context.Context, group types.JID, change func(*GroupSettings)) error {
	return p.actOn(group, func(a groupAct) error { return a.changeSettings(change) })
}

// LeaveGroup leaves a group. Its oldest member becomes an admin if none is left.
func (p *Phone) LeaveGroup(_ context.Context, group types.JID) error {
	return p.actOn(group, groupAct.leave)
}

// GroupInvite returns the code of a group's link, if asked for a new one in place of the old.
func (p *Phone) GroupInvite(_ context.Context, group types.JID, renew bool) (code string, err error) {
	err = p.actOn(group, func(a groupAct) error {
		code, err = a.inviteCode(renew)
		return err
	})
	return code, err
}

// JoinGroup joins the group that a link's code leads to, or asks its admins where they want to be asked.
func (p *Phone) JoinGroup(_ context.Context, code string) (group types.JID, waiting bool, err error) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	a, err := p.sim.invitedLocked(p.account, code)
	if err != nil {
		return types.JID{}, false, err
	}
	waiting, err = a.join()
	return a.g.jid, waiting, err
}

// SendGroupInvite invites somebody, given as number, JID or LID, to a group by a message, and returns its id. The
// invitation lasts three days.
func (p *Phone) SendGroupInvite(_ context.Context, group types.JID, to string) (id string, err error) {
	guest, err := p.sim.resolve(to)
	if err != nil {
		return "", err
	}
	var invitation *waE2E.GroupInviteMessage
	err = p.actOn(group, func(a groupAct) error {
		o, err := a.offerTo(guest)
		invitation = &waE2E.GroupInviteMessage{
			GroupJID: proto.String(group.String()), GroupName: proto.String(a.g.subject.text),
			InviteCode: proto.String(o.code), InviteExpiration: proto.Int64(o.expires),
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return p.send(guest, guest.lid, &waE2E.Message{GroupInviteMessage: invitation}, withheld{})
}

// GroupMember is a member of a group, or somebody who wants to become one.
type GroupMember struct {
	Number string `json:"number"`
	LID    string `json:"lid"`
	Admin  bool   `json:"admin"`
}

// GroupInfo is a group as the service knows it.
type GroupInfo struct {
	JID         string        `json:"jid"`
	Subject     string        `json:"subject"`
	Description string        `json:"description"`
	Owner       string        `json:"owner"` // the founder's number, also after they left
	Addressing  string        `json:"addressing" enum:"lid,pn"`
	Settings    GroupSettings `json:"settings"`
	Members     []GroupMember `json:"members"`  // in the order of joining
	Requests    []GroupMember `json:"requests"` // who waits for an admin
	Invite      string        `json:"invite"`   // the code of its link
	Community   string        `json:"community,omitempty"`
	Picture     string        `json:"picture,omitempty"` // its id
}

// Group tells what the service knows of a group.
func (s *Simulator) Group(jid types.JID) (GroupInfo, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[jid]
	if g == nil {
		return GroupInfo{}, false
	}
	info := GroupInfo{
		JID: g.jid.String(), Subject: g.subject.text, Description: g.topic.text, Owner: g.creator.number,
		Addressing: string(g.mode), Settings: g.settings, Invite: g.invite, Members: []GroupMember{}, Requests: []GroupMember{},
	}
	if g.picture != nil {
		info.Picture = g.picture.id
	}
	if g.parent != nil {
		info.Community = g.parent.jid.String()
	}
	for _, m := range g.members {
		info.Members = append(info.Members, GroupMember{m.account.number, m.account.lid.String(), m.rank != ordinary})
	}
	for _, r := range g.requests {
		info.Requests = append(info.Requests, GroupMember{Number: r.account.number, LID: r.account.lid.String()})
	}
	return info, true
}
