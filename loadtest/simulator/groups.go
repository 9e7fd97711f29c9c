package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// Errors of group operations. Clients are refused with the code beside each in groupRefusals; the control API answers
// its own.
var (
	ErrUnknownGroup  = errors.New("unknown group")
	ErrNotMember     = errors.New("not a member of the group")
	ErrNotAdmin      = errors.New("the group's settings leave this to its admins")
	ErrAlreadyMember = errors.New("member of the group already")
	ErrGroupFull     = errors.New("the group is full")
	ErrBadGroup      = errors.New("the group cannot be like that")
	ErrBadTimer      = errors.New("ephemeral: messages disappear after 86400, 604800 or 7776000 seconds, or never with 0")
	ErrTopicChanged  = errors.New("the description was changed meanwhile")
	ErrBadInvite     = errors.New("no such invitation")
	ErrInviteRevoked = errors.New("the invitation was revoked or has expired")
)

// The limits of WhatsApp today.
const (
	maxGroupMembers = 1024
	maxSubject      = 100  // characters
	maxTopic        = 2048 // characters
)

// group is a group chat, or a community. It is guarded by Simulator.mu.
type group struct {
	jid      types.JID
	mode     types.AddressingMode // how members are named in its stanzas
	created  int64
	creator  *account
	subject  attributed
	topic    topic
	picture  *picture
	settings GroupSettings
	members  []member // in the order of joining
	version  int      // of the list of members
	invite   string   // the code of its link
	offers   map[*account]offer
	requests []joinRequest

	parent    *group // the community that it is linked to
	community bool
	general   bool // the community's announcement group, which comes with it
}

// attributed is a text with who set it and when.
type attributed struct {
	text string
	by   *account
	at   int64
}

// topic is a group's description; changes name the id of the one they replace.
type topic struct {
	attributed
	id string
}

// rank is a member's right as stanzas name it.
type rank string

const (
	ordinary rank = ""
	admin    rank = "admin"
	founder  rank = "superadmin"
)

type member struct {
	account *account
	rank    rank
}

// GroupSettings are what the admins of a group decide.
type GroupSettings struct {
	Announce     bool   `json:"announce"`     // only admins write
	Locked       bool   `json:"locked"`       // only admins change subject, description, picture and timer
	AdminsAdd    bool   `json:"adminsAdd"`    // only admins add members
	JoinApproval bool   `json:"joinApproval"` // who comes by the link waits for an admin
	Ephemeral    uint32 `json:"ephemeral"`    // seconds after which messages disappear, 0 for never
}

func checkSubject(subject string) error {
	if n := len([]rune(subject)); strings.TrimSpace(subject) == "" || n > maxSubject {
		return fmt.Errorf("%w: a subject has 1 to %d characters", ErrBadGroup, maxSubject)
	}
	return nil
}

func (g *group) find(a *account) (at int, ok bool) {
	at = slices.IndexFunc(g.members, func(m member) bool { return m.account == a })
	return at, at >= 0
}

func (g *group) has(a *account) bool {
	_, ok := g.find(a)
	return ok
}

func (g *group) isAdmin(a *account) bool {
	at, ok := g.find(a)
	return ok && g.members[at].rank != ordinary
}

func (g *group) accounts() []*account {
	out := make([]*account, len(g.members))
	for i, m := range g.members {
		out[i] = m.account
	}
	return out
}

// groupsOfLocked lists the groups that somebody is in, oldest first.
func (s *Simulator) groupsOfLocked(a *account) []*group {
	var in []*group
	for _, g := range s.groups {
		if g.has(a) {
			in = append(in, g)
		}
	}
	slices.SortFunc(in, byAge)
	return in
}

func byAge(a, b *group) int {
	return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.jid.User, b.jid.User))
}

// endpointsLocked lists all devices of all members.
func (g *group) endpointsLocked() []endpoint {
	var all []endpoint
	for _, m := range g.members {
		all = append(all, m.account.endpointsLocked()...)
	}
	return all
}

// hashLocked is the hash by which a sender learns that its list of the members' devices is out of date.
func (g *group) hashLocked() string {
	var names []types.JID
	for _, e := range g.endpointsLocked() {
		names = append(names, e.named(g.mode))
	}
	return participantHash(names)
}

// named is a device's JID in a chat that addresses its members so.
func (e endpoint) named(mode types.AddressingMode) types.JID {
	if mode == types.AddressingModePN {
		return e.pn()
	}
	return e.lid()
}

func (a *account) named(mode types.AddressingMode) types.JID { return endpoint{account: a}.named(mode) }

// participantNode names a member in both forms.
func (g *group) participantNode(a *account) waBinary.Node {
	if g.mode == types.AddressingModePN {
		return element("participant", waBinary.Attrs{"jid": a.pn, "lid": a.lid})
	}
	return element("participant", waBinary.Attrs{"jid": a.lid, "phone_number": a.pn})
}

func (g *group) participantNodes(accounts []*account) []waBinary.Node {
	var nodes []waBinary.Node
	for _, a := range accounts {
		nodes = append(nodes, g.participantNode(a))
	}
	return nodes
}

// node describes the group, with its members or, to those outside, with their number alone.
func (g *group) node(withMembers bool) waBinary.Node {
	children := append(g.topic.nodes(g.mode), g.settings.nodes()...)
	children = append(children, g.linkNodes()...)
	for _, m := range g.members {
		if withMembers {
			p := g.participantNode(m.account)
			if m.rank != ordinary {
				p.Attrs["type"] = string(m.rank)
			}
			children = append(children, p)
		}
	}
	return element("group", waBinary.Attrs{
		"id": g.jid.User, "creation": g.created, "creator": g.creator.named(g.mode), "creator_pn": g.creator.pn,
		"subject": g.subject.text, "s_t": g.subject.at, "s_o": g.subject.by.named(g.mode), "s_o_pn": g.subject.by.pn,
		"addressing_mode": string(g.mode), "size": len(g.members), "p_v_id": g.version, "a_v_id": g.version,
	}, children...)
}

func (t topic) nodes(mode types.AddressingMode) []waBinary.Node {
	if t.text == "" {
		return nil
	}
	attrs := waBinary.Attrs{"id": t.id, "t": t.at, "participant": t.by.named(mode), "participant_pn": t.by.pn}
	return []waBinary.Node{element("description", attrs, leaf("body", []byte(t.text)))}
}

// nodes are the settings as a group's description lists them: what is off is absent.
func (s GroupSettings) nodes() []waBinary.Node {
	nodes := []waBinary.Node{s.addModeNode()}
	if s.Announce {
		nodes = append(nodes, element("announcement", nil))
	}
	if s.Locked {
		nodes = append(nodes, element("locked", nil))
	}
	if s.JoinApproval {
		nodes = append(nodes, s.approvalNode())
	}
	if s.Ephemeral > 0 {
		nodes = append(nodes, element("ephemeral", waBinary.Attrs{"expiration": int64(s.Ephemeral)}))
	}
	return nodes
}

func (s GroupSettings) addModeNode() waBinary.Node {
	mode := types.GroupMemberAddModeAllMember
	if s.AdminsAdd {
		mode = types.GroupMemberAddModeAdmin
	}
	return leaf("member_add_mode", []byte(mode))
}

func (s GroupSettings) approvalNode() waBinary.Node {
	state := "off"
	if s.JoinApproval {
		state = "on"
	}
	return element("membership_approval_mode", nil, element("group_join", waBinary.Attrs{"state": state}))
}
