package simulator

import (
	"fmt"
	"slices"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// groupAct is what somebody does to a group, be it asked for by a companion or by a phone. Its methods are called
// under Simulator.mu; they check the right, change the group and tell the members.
type groupAct struct {
	s  *Simulator
	g  *group
	by *account
}

// actOn runs do on a group.
func (s *Simulator) actOn(by *account, jid types.JID, do func(groupAct) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[jid.ToNonAD()]
	if g == nil {
		return fmt.Errorf("%s: %w", jid, ErrUnknownGroup)
	}
	return do(groupAct{s, g, by})
}

func (a groupAct) requireMember() error {
	if !a.g.has(a.by) {
		return fmt.Errorf("%s in %s: %w", a.by.number, a.g.jid, ErrNotMember)
	}
	return nil
}

// requireRight demands a member, and an admin where the group's settings restrict the deed to them.
func (a groupAct) requireRight(restricted bool) error {
	if err := a.requireMember(); err != nil {
		return err
	}
	if restricted && !a.g.isAdmin(a.by) {
		return fmt.Errorf("%s in %s: %w", a.by.number, a.g.jid, ErrNotAdmin)
	}
	return nil
}

// tell notifies all members of a change, also the device that made it: clients count on the echo.
func (a groupAct) tell(change waBinary.Node) { a.tellThem(a.g.accounts(), change) }

// tellThem notifies the companions of some accounts. Phones read the group where it is kept.
func (a groupAct) tellThem(accounts []*account, change waBinary.Node) {
	note := notification(a.g.jid, "w:gp2", change)
	note.Attrs["participant"], note.Attrs["participant_pn"] = a.by.named(a.g.mode), a.by.pn
	note.Attrs["notify"], note.Attrs["addressing_mode"] = a.by.name, string(a.g.mode)
	for _, account := range accounts {
		for _, d := range account.devices {
			a.s.enqueueLocked(d, note)
		}
	}
}

func (a groupAct) setSubject(subject string) error {
	if err := a.requireRight(a.g.settings.Locked); err != nil {
		return err
	}
	if err := checkSubject(subject); err != nil {
		return err
	}
	a.g.subject = attributed{subject, a.by, now()}
	a.tell(element("subject", waBinary.Attrs{
		"subject": subject, "s_t": a.g.subject.at, "s_o": a.by.named(a.g.mode), "s_o_pn": a.by.pn,
	}))
	return nil
}

// setTopic replaces the description. previous is the id of the one that the author has seen, as a guard against two
// authors at once.
func (a groupAct) setTopic(id, previous, text string) error {
	if err := a.requireRight(a.g.settings.Locked); err != nil {
		return err
	}
	switch {
	case id == "" || len([]rune(text)) > maxTopic:
		return fmt.Errorf("%w: a description has an id and up to %d characters", ErrBadGroup, maxTopic)
	case previous != a.g.topic.id:
		return ErrTopicChanged
	}
	a.g.topic = topic{attributed{text, a.by, now()}, id}
	body := leaf("body", []byte(text))
	if text == "" {
		body, a.g.topic.id = element("delete", nil), ""
	}
	a.tell(element("description", waBinary.Attrs{"id": id}, body))
	return nil
}

// setPicture replaces the picture, none removing it.
func (a groupAct) setPicture(next *picture) error {
	if err := a.requireRight(a.g.settings.Locked); err != nil {
		return err
	}
	a.s.servedLocked(a.g.picture, next)
	a.g.picture = next
	for _, member := range a.g.accounts() {
		a.s.tellOwnLocked(member, nil, notification(a.g.jid, "picture", next.change(a.g.jid, a.by.named(a.g.mode))))
	}
	return nil
}

// disappearing are the timers that WhatsApp knows, in seconds.
var disappearing = []uint32{0, 24 * 3600, 7 * 24 * 3600, 90 * 24 * 3600}

// changeSettings applies a change and tells of each setting that became another.
func (a groupAct) changeSettings(change func(*GroupSettings)) error {
	before, after := a.g.settings, a.g.settings
	change(&after)
	timerAlone := before
	timerAlone.Ephemeral = after.Ephemeral
	if err := a.requireRight(after != timerAlone || a.g.settings.Locked); err != nil {
		return err
	}
	if !slices.Contains(disappearing, after.Ephemeral) {
		return ErrBadTimer
	}
	a.g.settings = after
	for _, change := range before.changes(after) {
		a.tell(change)
	}
	return nil
}

// changes are the differences between two settings as notifications name them.
func (s GroupSettings) changes(after GroupSettings) []waBinary.Node {
	var nodes []waBinary.Node
	if s.Announce != after.Announce {
		nodes = append(nodes, element(onOff(after.Announce, "announcement", "not_announcement"), waBinary.Attrs{"v_id": newStanzaID()}))
	}
	if s.Locked != after.Locked {
		nodes = append(nodes, element(onOff(after.Locked, "locked", "unlocked"), nil))
	}
	if s.AdminsAdd != after.AdminsAdd {
		nodes = append(nodes, after.addModeNode())
	}
	if s.JoinApproval != after.JoinApproval {
		nodes = append(nodes, after.approvalNode())
	}
	switch {
	case s.Ephemeral == after.Ephemeral:
	case after.Ephemeral == 0:
		nodes = append(nodes, element("not_ephemeral", nil))
	default:
		nodes = append(nodes, element("ephemeral", waBinary.Attrs{"expiration": int64(after.Ephemeral)}))
	}
	return nodes
}

func onOff(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}
