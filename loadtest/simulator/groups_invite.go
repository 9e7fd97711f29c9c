package simulator

import (
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// offer is an invitation for one person, which goes to them in a message. It lasts three days.
type offer struct {
	code    string
	expires int64
}

const offerLife = 3 * 24 * time.Hour

// joinRequest is somebody who waits to be let in.
type joinRequest struct {
	account *account
	at      int64
}

// newInviteCode has the length of the service's own codes, 22 characters of base 32 instead of their 62.
func newInviteCode() string { return rand.Text()[:22] }

// inviteCode returns the code of the group's link, for a reset a new one: the old one is void from then on.
func (a groupAct) inviteCode(reset bool) (string, error) {
	if err := a.requireRight(true); err != nil {
		return "", err
	}
	if reset {
		delete(a.s.invites, a.g.invite)
		a.s.revoked.put(a.g.invite, true)
		a.g.invite = newInviteCode()
		a.s.invites[a.g.invite] = a.g
		a.tell(element("invite", waBinary.Attrs{"code": a.g.invite}))
	}
	return a.g.invite, nil
}

// invited finds the group that a link's code leads to.
func (s *Simulator) invitedLocked(by *account, code string) (groupAct, error) {
	if _, revoked := s.revoked.get(code); revoked {
		return groupAct{}, ErrInviteRevoked
	}
	g := s.invites[code]
	if g == nil {
		return groupAct{}, ErrBadInvite
	}
	return groupAct{s, g, by}, nil
}

// join lets in who comes by the link, or keeps the request where an admin has to approve it.
func (a groupAct) join() (waiting bool, err error) {
	switch {
	case a.g.has(a.by):
		return false, fmt.Errorf("%s in %s: %w", a.by.number, a.g.jid, ErrAlreadyMember)
	case a.g.settings.JoinApproval:
		a.request()
		return true, nil
	}
	return false, a.come("invite")
}

// come makes the one who acts a member.
func (a groupAct) come(reason string) error {
	if len(a.g.members) >= maxGroupMembers {
		return ErrGroupFull
	}
	a.enter(a.by)
	a.tellEntered([]*account{a.by}, reason)
	return nil
}

// request asks the admins to be let in, once.
func (a groupAct) request() {
	if slices.ContainsFunc(a.g.requests, func(r joinRequest) bool { return r.account == a.by }) {
		return
	}
	a.g.requests = append(a.g.requests, joinRequest{a.by, now()})
	a.tellThem(slices.DeleteFunc(a.g.accounts(), func(x *account) bool { return !a.g.isAdmin(x) }),
		element("created_membership_requests", waBinary.Attrs{"request_method": "invite_link"}, a.userNode("requested_user", a.by)))
}

func (a groupAct) userNode(tag string, person *account) waBinary.Node {
	n := a.g.participantNode(person)
	n.Tag = tag
	return n
}

// offerTo invites one person by a message.
func (a groupAct) offerTo(person *account) (offer, error) {
	if err := a.requireRight(a.g.settings.AdminsAdd); err != nil {
		return offer{}, err
	}
	return a.newOffer(person), nil
}

func (a groupAct) newOffer(person *account) offer {
	o := offer{newInviteCode(), time.Now().Add(offerLife).Unix()}
	a.g.offers[person] = o
	return o
}

// offered checks the code that somebody has from an invitation of their own.
func (a groupAct) offered(code string) error {
	switch o, ok := a.g.offers[a.by]; {
	case !ok || o.code != code:
		return ErrBadInvite
	case o.expires < now():
		return ErrInviteRevoked
	}
	return nil
}

func (a groupAct) accept(code string) error {
	if err := a.offered(code); err != nil {
		return err
	}
	return a.come("invite")
}

func (a groupAct) requestNodes() ([]waBinary.Node, error) {
	if err := a.requireRight(true); err != nil {
		return nil, err
	}
	var nodes []waBinary.Node
	for _, r := range a.g.requests {
		n := a.userNode("membership_approval_request", r.account)
		n.Attrs["request_time"], n.Attrs["requested_by"] = r.at, r.account.named(a.g.mode)
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// decide approves or rejects requests.
func (a groupAct) decide(approve bool, jids []types.JID) ([]outcome, error) {
	if err := a.requireRight(true); err != nil {
		return nil, err
	}
	changed, all := a.change(jids, func(person *account) outcome {
		at := slices.IndexFunc(a.g.requests, func(r joinRequest) bool { return r.account == person })
		switch {
		case at < 0:
			return outcome{code: refusedUnknown}
		case approve && len(a.g.members) >= maxGroupMembers:
			return outcome{code: refusedFull}
		case approve:
			a.enter(person)
		default:
			a.g.requests = slices.Delete(a.g.requests, at, at+1)
		}
		return outcome{}
	})
	if approve {
		a.tellEntered(changed, "")
	}
	return all, nil
}
