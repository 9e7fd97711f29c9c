package simulator

import (
	"fmt"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

func (s *Simulator) answerCreateLocked(by *account, asked *waBinary.Node) ([]waBinary.Node, error) {
	f, err := s.foundingInLocked(asked)
	if err != nil {
		return nil, err
	}
	g, failures, err := s.foundLocked(by, f)
	if err != nil {
		return nil, err
	}
	described := g.node(true)
	described.Content = append(described.GetChildren(), outcomeNodes(failures)...)
	return []waBinary.Node{described}, nil
}

func (s *Simulator) answerLeaveLocked(by *account, asked *waBinary.Node) ([]waBinary.Node, error) {
	var left []waBinary.Node
	for _, n := range asked.GetChildrenByTag("group") {
		jid := attrJID(&n, "id")
		g := s.groups[jid]
		if g == nil {
			return nil, fmt.Errorf("%s: %w", jid, ErrUnknownGroup)
		}
		if err := (groupAct{s, g, by}).leave(); err != nil {
			return nil, err
		}
		left = append(left, element("group", waBinary.Attrs{"id": jid}))
	}
	return []waBinary.Node{element("leave", nil, left...)}, nil
}

func (s *Simulator) answerParticipatingLocked(by *account, _ *waBinary.Node) ([]waBinary.Node, error) {
	var groups []waBinary.Node
	for _, g := range s.groupsOfLocked(by) {
		groups = append(groups, g.node(true))
	}
	return []waBinary.Node{element("groups", nil, groups...)}, nil
}

func (s *Simulator) answerInviteInfoLocked(by *account, asked *waBinary.Node) ([]waBinary.Node, error) {
	a, err := s.invitedLocked(by, attr(asked, "code"))
	if err != nil {
		return nil, err
	}
	return []waBinary.Node{a.g.node(false)}, nil
}

func (s *Simulator) answerJoinLocked(by *account, asked *waBinary.Node) ([]waBinary.Node, error) {
	a, err := s.invitedLocked(by, attr(asked, "code"))
	if err != nil {
		return nil, err
	}
	waiting, err := a.join()
	if err != nil {
		return nil, err
	}
	return []waBinary.Node{element(onOff(waiting, "membership_approval_request", "group"), waBinary.Attrs{"jid": a.g.jid})}, nil
}

// answerQuery describes the group to its members, and to who was invited to it by a message.
func (a groupAct) answerQuery(asked *waBinary.Node) ([]waBinary.Node, error) {
	if request, ok := asked.GetOptionalChildByTag("add_request"); ok {
		if err := a.offered(attr(&request, "code")); err != nil {
			return nil, err
		}
		return []waBinary.Node{a.g.node(false)}, nil
	}
	if err := a.requireMember(); err != nil {
		return nil, err
	}
	return []waBinary.Node{a.g.node(true)}, nil
}

// answerPicture tells where a community's picture can be fetched; that of a group is asked for like an account's.
func (a groupAct) answerPicture(asked *waBinary.Node) ([]waBinary.Node, error) {
	if err := a.requireMember(); err != nil {
		return nil, err
	}
	wanted := asked.GetChildByTag("picture")
	shown := element("picture", waBinary.Attrs{"status": 204})
	if a.g.picture != nil {
		shown = a.s.pictureNode(a.g.picture, &wanted)
	}
	return []waBinary.Node{element("pictures", nil, shown)}, nil
}

func answerInvite(reset bool) groupRequest {
	return func(a groupAct, _ *waBinary.Node) ([]waBinary.Node, error) {
		code, err := a.inviteCode(reset)
		return []waBinary.Node{element("invite", waBinary.Attrs{"code": code})}, err
	}
}

func (a groupAct) answerAccept(asked *waBinary.Node) ([]waBinary.Node, error) {
	return []waBinary.Node{element("group", waBinary.Attrs{"jid": a.g.jid})}, a.accept(attr(asked, "code"))
}

// answerChange answers a change of members with what became of each.
func answerChange(change func(groupAct, []types.JID) ([]outcome, error)) groupRequest {
	return func(a groupAct, asked *waBinary.Node) ([]waBinary.Node, error) {
		all, err := change(a, participantsIn(asked))
		return []waBinary.Node{element(asked.Tag, nil, outcomeNodes(all)...)}, err
	}
}

func answerSetting(read func(*GroupSettings, *waBinary.Node)) groupRequest {
	return func(a groupAct, asked *waBinary.Node) ([]waBinary.Node, error) {
		return nil, a.changeSettings(func(s *GroupSettings) { read(s, asked) })
	}
}

func (a groupAct) answerSubject(asked *waBinary.Node) ([]waBinary.Node, error) {
	return nil, a.setSubject(string(content(asked)))
}

func (a groupAct) answerDescription(asked *waBinary.Node) ([]waBinary.Node, error) {
	return nil, a.setTopic(attr(asked, "id"), attr(asked, "prev"), string(contentAt(asked, "body")))
}

func (a groupAct) answerRequests(*waBinary.Node) ([]waBinary.Node, error) {
	nodes, err := a.requestNodes()
	return []waBinary.Node{element("membership_approval_requests", nil, nodes...)}, err
}

func (a groupAct) answerDecision(asked *waBinary.Node) ([]waBinary.Node, error) {
	decisions := asked.GetChildren()
	if len(decisions) != 1 {
		return nil, ErrBadGroup
	}
	all, err := a.decide(decisions[0].Tag == "approve", participantsIn(&decisions[0]))
	return []waBinary.Node{element(asked.Tag, nil, element(decisions[0].Tag, nil, outcomeNodes(all)...))}, err
}
