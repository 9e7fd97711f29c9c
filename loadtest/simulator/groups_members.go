package simulator

import (
	"slices"
	"strconv"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// outcome is what became of one person in a change of members.
type outcome struct {
	jid   types.JID // as asked
	code  int       // 0 when done
	offer *offer    // with code 403: what the person may be invited by
}

// Codes of single persons in a change of members.
const (
	refusedByChoice = 403 // the person wants to be asked; an offer comes along
	refusedUnknown  = 404 // not on WhatsApp, or not in the group
	refusedFounder  = 406
	refusedAlready  = 409
	refusedFull     = 419
)

// change applies a change to each person that exists.
func (a groupAct) change(jids []types.JID, each func(person *account) outcome) (changed []*account, all []outcome) {
	for _, jid := range jids {
		person, result := a.s.accountOfLocked(jid), outcome{code: refusedUnknown}
		if person != nil {
			result = each(person)
		}
		if result.code == 0 {
			changed = append(changed, person)
		}
		result.jid = jid
		all = append(all, result)
	}
	return changed, all
}

// add lets people in; those whose privacy settings forbid it get an offer instead.
func (a groupAct) add(jids []types.JID) ([]outcome, error) {
	if err := a.requireRight(a.g.settings.AdminsAdd); err != nil {
		return nil, err
	}
	changed, all := a.change(jids, a.admit)
	a.tellEntered(changed, "")
	return all, nil
}

// admit makes a person a member unless something speaks against it.
func (a groupAct) admit(person *account) outcome {
	switch {
	case a.g.has(person):
		return outcome{code: refusedAlready}
	case len(a.g.members) >= maxGroupMembers:
		return outcome{code: refusedFull}
	case person.hidesLocked("groupadd"):
		o := a.newOffer(person)
		return outcome{code: refusedByChoice, offer: &o}
	}
	a.enter(person)
	return outcome{}
}

// enter makes somebody a member, without a word.
func (a groupAct) enter(person *account) {
	a.g.members = append(a.g.members, member{account: person})
	delete(a.g.offers, person)
	a.g.requests = slices.DeleteFunc(a.g.requests, func(r joinRequest) bool { return r.account == person })
}

// tellEntered tells new members about the group, and the others about them.
func (a groupAct) tellEntered(entered []*account, reason string) {
	if len(entered) == 0 {
		return
	}
	change := a.memberChange("add", entered)
	create := element("create", waBinary.Attrs{}, a.g.node(true))
	if reason != "" {
		change.Attrs["reason"], create.Attrs["reason"] = reason, reason
	}
	a.tellThem(slices.DeleteFunc(a.g.accounts(), func(x *account) bool { return slices.Contains(entered, x) }), change)
	a.tellThem(entered, create)
	a.bringUp(entered)
}

// memberChange is the news of a change, with the next version of the list of members.
func (a groupAct) memberChange(tag string, changed []*account) waBinary.Node {
	before := a.g.version
	a.g.version++
	attrs := waBinary.Attrs{"prev_v_id": strconv.Itoa(before), "v_id": strconv.Itoa(a.g.version)}
	return element(tag, attrs, a.g.participantNodes(changed)...)
}

// remove puts members out.
func (a groupAct) remove(jids []types.JID) ([]outcome, error) {
	if err := a.requireRight(true); err != nil {
		return nil, err
	}
	changed, all := a.change(jids, func(person *account) outcome { return a.unlessFounder(person, a.drop) })
	a.tellLeft(changed)
	return all, nil
}

// unlessFounder applies a change to a member whom others may change.
func (a groupAct) unlessFounder(person *account, apply func(at int)) outcome {
	at, ok := a.g.find(person)
	switch {
	case !ok:
		return outcome{code: refusedUnknown}
	case a.g.members[at].rank == founder && person != a.by:
		return outcome{code: refusedFounder}
	}
	apply(at)
	return outcome{}
}

func (a groupAct) drop(at int) { a.g.members = slices.Delete(a.g.members, at, at+1) }

// tellLeft tells those who left and those who stay. A group without admins gets its oldest member as one; one without
// members ends.
func (a groupAct) tellLeft(left []*account) {
	if len(left) == 0 {
		return
	}
	a.tellThem(append(a.g.accounts(), left...), a.memberChange("remove", left))
	switch {
	case len(a.g.members) == 0:
		delete(a.s.groups, a.g.jid)
		delete(a.s.invites, a.g.invite)
	case !slices.ContainsFunc(a.g.members, func(m member) bool { return m.rank != ordinary }):
		a.g.members[0].rank = admin
		a.tell(a.memberChange("promote", []*account{a.g.members[0].account}))
	}
}

func (a groupAct) leave() error {
	if err := a.requireMember(); err != nil {
		return err
	}
	at, _ := a.g.find(a.by)
	a.drop(at)
	a.tellLeft([]*account{a.by})
	return nil
}

func (a groupAct) promote(jids []types.JID) ([]outcome, error) {
	return a.setRank("promote", admin, jids)
}

func (a groupAct) demote(jids []types.JID) ([]outcome, error) {
	return a.setRank("demote", ordinary, jids)
}

func (a groupAct) setRank(tag string, to rank, jids []types.JID) ([]outcome, error) {
	if err := a.requireRight(true); err != nil {
		return nil, err
	}
	changed, all := a.change(jids, func(person *account) outcome {
		return a.unlessFounder(person, func(at int) { a.g.members[at].rank = to })
	})
	if len(changed) > 0 {
		a.tell(a.memberChange(tag, changed))
	}
	return all, nil
}

// outcomeNodes are the outcomes as answers list them.
func outcomeNodes(all []outcome) []waBinary.Node {
	var nodes []waBinary.Node
	for _, o := range all {
		p := element("participant", waBinary.Attrs{"jid": o.jid})
		if o.code != 0 {
			p.Attrs["error"] = o.code
		}
		if o.offer != nil {
			p.Content = []waBinary.Node{element("add_request", waBinary.Attrs{"code": o.offer.code, "expiration": o.offer.expires})}
		}
		nodes = append(nodes, p)
	}
	return nodes
}
