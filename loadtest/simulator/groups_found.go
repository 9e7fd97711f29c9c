package simulator

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// founding is a group as its founder wants it.
type founding struct {
	subject   string
	mode      types.AddressingMode
	settings  GroupSettings
	members   []types.JID // beside the founder
	community bool
	parent    *group // the community it is for, of which the founder is an admin
	general   bool
}

// foundingInLocked reads a client's wish. Groups of today address their members by LID.
func (s *Simulator) foundingInLocked(asked *waBinary.Node) (founding, error) {
	f := founding{subject: attr(asked, "subject"), mode: types.AddressingModeLID, members: participantsIn(asked)}
	for _, child := range asked.GetChildren() {
		switch child.Tag {
		case "announcement":
			f.settings.Announce = true
		case "locked":
			f.settings.Locked = true
		case "ephemeral":
			f.settings.Ephemeral = timerIn(&child)
		case "member_add_mode":
			f.settings.AdminsAdd = adminsAddIn(&child)
		case "membership_approval_mode":
			f.settings.JoinApproval = approvalIn(&child)
		case "parent":
			f.community = true
		case "linked_parent":
			if f.parent = s.groups[attrJID(&child, "jid")]; f.parent == nil {
				return f, fmt.Errorf("community %s: %w", attrJID(&child, "jid"), ErrUnknownGroup)
			}
		}
	}
	return f, nil
}

func participantsIn(asked *waBinary.Node) (jids []types.JID) {
	for _, p := range asked.GetChildrenByTag("participant") {
		jids = append(jids, attrJID(&p, "jid"))
	}
	return jids
}

func timerIn(n *waBinary.Node) uint32 { return uint32(attrInt(n, "expiration")) }

func adminsAddIn(n *waBinary.Node) bool {
	return string(content(n)) == string(types.GroupMemberAddModeAdmin)
}

func approvalIn(n *waBinary.Node) bool {
	join := n.GetChildByTag("group_join")
	return attr(&join, "state") == "on"
}

func (s *Simulator) checkFoundingLocked(by *account, f founding) error {
	if err := checkSubject(f.subject); err != nil {
		return err
	}
	switch {
	case len(f.members) >= maxGroupMembers:
		return ErrGroupFull
	case !slices.Contains(disappearing, f.settings.Ephemeral):
		return ErrBadTimer
	case f.parent != nil && !f.parent.community:
		return fmt.Errorf("%w: %s is no community", ErrBadGroup, f.parent.jid)
	case f.parent != nil:
		return groupAct{s, f.parent, by}.requireRight(true)
	}
	return nil
}

// foundLocked makes a group and tells all its members. Who could not be added is in the failures.
func (s *Simulator) foundLocked(by *account, f founding) (g *group, failures []outcome, err error) {
	if err := s.checkFoundingLocked(by, f); err != nil {
		return nil, nil, err
	}
	g = &group{
		jid: newGroupJID(), mode: f.mode, created: now(), creator: by,
		subject: attributed{f.subject, by, now()}, settings: f.settings,
		members: []member{{by, founder}}, invite: newInviteCode(), offers: map[*account]offer{},
		community: f.community, parent: f.parent, general: f.general,
	}
	s.groups[g.jid], s.invites[g.invite] = g, g
	a := groupAct{s, g, by}
	_, all := a.change(f.members, a.admit)
	failures = slices.DeleteFunc(all, func(o outcome) bool { return o.code == 0 || o.code == refusedAlready })
	a.tell(element("create", waBinary.Attrs{"type": "new"}, g.node(true)))
	a.bringUp(g.accounts())
	if g.community {
		_, _, err = s.foundLocked(by, founding{
			subject: f.subject, mode: f.mode, members: f.members, parent: g, general: true, settings: GroupSettings{Announce: true},
		})
	}
	return g, failures, err
}

// newGroupJID was never used before, not even by an earlier simulator: clients keep sender keys under it.
func newGroupJID() types.JID {
	number, _ := rand.Int(rand.Reader, big.NewInt(1_000_000_000_000)) // never fails
	return types.NewJID(fmt.Sprintf("120363%012d", number), types.GroupServer)
}
