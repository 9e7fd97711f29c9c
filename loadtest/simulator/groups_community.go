package simulator

import (
	"maps"
	"slices"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// linkNodes tell a group's place: a community, or a part of one.
func (g *group) linkNodes() []waBinary.Node {
	var nodes []waBinary.Node
	if g.community {
		nodes = append(nodes, element("parent", waBinary.Attrs{"default_membership_approval_mode": "request_required"}))
	}
	if g.parent != nil {
		nodes = append(nodes, element("linked_parent", waBinary.Attrs{"jid": g.parent.jid}))
	}
	if g.general {
		nodes = append(nodes, element("default_sub_group", nil))
	}
	return nodes
}

// target names a group in a list of others.
func (g *group) target() waBinary.Node {
	n := element("group", waBinary.Attrs{"id": g.jid.User, "jid": g.jid, "subject": g.subject.text, "s_t": g.subject.at})
	if g.general {
		n.Content = []waBinary.Node{element("default_sub_group", nil)}
	}
	return n
}

// parts are the groups of a community, oldest first.
func (a groupAct) parts() []*group {
	var parts []*group
	for _, g := range a.s.groups {
		if g.parent == a.g {
			parts = append(parts, g)
		}
	}
	slices.SortFunc(parts, byAge)
	return parts
}

func (a groupAct) answerSubGroups(*waBinary.Node) ([]waBinary.Node, error) {
	var targets []waBinary.Node
	for _, g := range a.parts() {
		targets = append(targets, g.target())
	}
	return []waBinary.Node{element("sub_groups", nil, targets...)}, a.requireMember()
}

func (a groupAct) answerLinkedParticipants(*waBinary.Node) ([]waBinary.Node, error) {
	seen := map[*account]bool{}
	var all []*account
	for _, g := range a.parts() {
		for _, m := range g.members {
			if !seen[m.account] {
				seen[m.account] = true
				all = append(all, m.account)
			}
		}
	}
	return []waBinary.Node{element("linked_groups_participants", nil, a.g.participantNodes(all)...)}, a.requireMember()
}

// answerLink makes existing groups part of the community.
func (a groupAct) answerLink(asked *waBinary.Node) ([]waBinary.Node, error) {
	link := asked.GetChildByTag("link")
	return a.changeLinks(asked.Tag, &link, func(child groupAct) {
		child.g.parent = a.g
		a.tellLink(child, "link", nil)
		child.bringUp(child.g.accounts())
	})
}

func (a groupAct) answerUnlink(asked *waBinary.Node) ([]waBinary.Node, error) {
	return a.changeLinks(asked.Tag, asked, func(child groupAct) {
		child.g.parent = nil
		a.tellLink(child, "unlink", waBinary.Attrs{"unlink_reason": "unlink_group"})
	})
}

// bringUp lets members of a community's part into the community and its announcement group.
func (a groupAct) bringUp(people []*account) {
	if a.g.parent == nil {
		return
	}
	community := groupAct{a.s, a.g.parent, a.by}
	for _, above := range append(community.parts(), community.g) {
		if !above.general && !above.community {
			continue
		}
		up := groupAct{a.s, above, a.by}
		entered := slices.DeleteFunc(slices.Clone(people), above.has)
		for _, person := range entered {
			up.enter(person)
		}
		up.tellEntered(entered, "linked_group_join")
	}
}

// changeLinks applies a change to the listed groups, of which the one who acts must be an admin as of the community.
func (a groupAct) changeLinks(tag string, list *waBinary.Node, apply func(child groupAct)) ([]waBinary.Node, error) {
	if err := a.requireRight(true); err != nil {
		return nil, err
	}
	if !a.g.community {
		return nil, ErrBadGroup
	}
	var done []waBinary.Node
	for _, n := range list.GetChildrenByTag("group") {
		child := groupAct{a.s, a.s.groups[attrJID(&n, "jid")], a.by}
		if child.g == nil {
			return nil, ErrUnknownGroup
		}
		if err := child.requireRight(true); err != nil {
			return nil, err
		}
		apply(child)
		done = append(done, element("group", waBinary.Attrs{"jid": child.g.jid}))
	}
	return []waBinary.Node{element(tag, nil, done...)}, nil
}

// tellLink tells the community about its part and the part about its community.
func (a groupAct) tellLink(child groupAct, tag string, attrs waBinary.Attrs) {
	news := func(kind string, of *group) waBinary.Node {
		n := element(tag, waBinary.Attrs{tag + "_type": kind}, of.target())
		maps.Copy(n.Attrs, attrs)
		return n
	}
	a.tell(news("sub_group", child.g))
	child.tell(news("parent_group", a.g))
}
