package simulator

import (
	"context"
	"errors"
	"fmt"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// profile is what an account shows of itself beside its name. Guarded by Simulator.mu.
type profile struct {
	about        string
	picture      *picture // nil if there is none
	business     *Business
	link         string // the code of its contact link, empty until asked for
	disappearing int64  // seconds after which messages of new chats disappear, 0 for never
}

// maxAbout is the length of an about text in bytes. The real bound, in characters, is not known here.
const maxAbout = 1024

// ErrBadProfile is the refusal of a profile that WhatsApp would not take.
var ErrBadProfile = errors.New("bad profile")

// SetAbout changes the text under the account's name. Who knows the account is told, unless its privacy hides it.
func (p *Phone) SetAbout(_ context.Context, text string) error {
	if len(text) > maxAbout {
		return fmt.Errorf("%w: an about text has at most %d bytes", ErrBadProfile, maxAbout)
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.setAboutLocked(p.account, text)
	return nil
}

func (s *Simulator) setAboutLocked(a *account, text string) {
	a.profile.about = text
	if !a.hidesLocked("status") {
		s.tellContactsLocked(a, notification(a.lid, "status", leaf("set", []byte(text))))
	}
}

// About is the text under the account's name.
func (p *Phone) About() string {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	return p.account.profile.about
}

// tellContactsLocked tells the companions of others that know an account: those that hold its device list.
func (s *Simulator) tellContactsLocked(a *account, notice waBinary.Node) {
	for holder := range a.holders {
		if holder.removed {
			delete(a.holders, holder)
			continue
		}
		s.enqueueLocked(holder, notice)
	}
}

// usyncProfileLocked answers what was asked of a profile, as far as the one who asks may see it.
func (a *account) usyncProfileLocked(by *account, asked map[string]bool) []waBinary.Node {
	var answers []waBinary.Node
	if asked["status"] {
		status := leaf("status", []byte(a.profile.about))
		if by != a && a.hidesLocked("status") {
			status = element("status", waBinary.Attrs{"code": 401})
		}
		answers = append(answers, status)
	}
	if shown := a.profile.picture; asked["picture"] && shown != nil && (by == a || !a.hidesLocked("profile")) {
		answers = append(answers, element("picture", waBinary.Attrs{"id": shown.id}))
	}
	if business := a.profile.business; asked["business"] && business != nil {
		answers = append(answers, element("business", nil, business.verifiedName()))
	}
	if asked["disappearing_mode"] && a.profile.disappearing > 0 {
		answers = append(answers, element("disappearing_mode", waBinary.Attrs{"duration": a.profile.disappearing}))
	}
	return answers
}

// setDisappearing changes after how long messages of an account's new chats disappear.
func (s *Simulator) setDisappearing(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	mode := request.GetChildByTag("disappearing_mode")
	s.mu.Lock()
	defer s.mu.Unlock()
	d.account.profile.disappearing = attrInt(&mode, "duration")
	s.tellOwnLocked(d.account, d, notification(d.account.pn, "disappearing_mode",
		element("disappearing_mode", waBinary.Attrs{"duration": d.account.profile.disappearing, "t": now()})))
	return result(request)
}

// contactLink gets the code of an account's contact link, or makes a new one.
func (s *Simulator) contactLink(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	qr := request.GetChildByTag("qr")
	s.mu.Lock()
	defer s.mu.Unlock()
	code := s.contactLinkLocked(d.account, attr(&qr, "action") == "revoke")
	return result(request, element("qr", waBinary.Attrs{"code": code, "type": "contact"}))
}

func (s *Simulator) contactLinkLocked(a *account, renew bool) string {
	if renew {
		delete(s.links, a.profile.link)
	}
	if a.profile.link == "" || renew {
		a.profile.link = randomHex(contactLinkSize)
		s.links[a.profile.link] = a
	}
	return a.profile.link
}

const contactLinkSize = 8

// resolveContactLink finds the account behind a contact link.
func (s *Simulator) resolveContactLink(_ *connection, _ *device, request *waBinary.Node) waBinary.Node {
	qr := request.GetChildByTag("qr")
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.links[attr(&qr, "code")]
	if a == nil {
		return failed(request, 404, "item-not-found")
	}
	return result(request, element("qr", waBinary.Attrs{"jid": a.pn, "notify": a.name, "type": "contact"}))
}

// ContactLink is the link behind the QR code by which others add the account to their contacts.
func (p *Phone) ContactLink() string {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	return "https://wa.me/qr/" + p.sim.contactLinkLocked(p.account, false)
}
