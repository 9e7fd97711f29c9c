package simulator

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/types"
)

// newsletter is a channel: what its owner posts is read by whoever follows it. Nothing of it is encrypted. It is
// guarded by Simulator.mu.
type newsletter struct {
	jid               types.JID
	owner             *account
	created           time.Time
	name, description string
	picture           *picture // nil if there is none
	invite            string   // the code of its link
	followers         map[*account]*follower
	posts             []*post // each has the next server id
	watchers          map[*device]time.Time
}

// follower is the owner or somebody who follows.
type follower struct{ muted bool }

// Errors of newsletters. Clients are refused with the code beside each in newsletterRefusals; the control API answers
// its own.
var (
	ErrUnknownNewsletter = errors.New("unknown newsletter")
	ErrUnknownPost       = errors.New("the newsletter has no such post")
	ErrBadNewsletter     = errors.New("the newsletter cannot be like that")
	ErrNotOwner          = errors.New("only the newsletter's owner does this")
	ErrOwner             = errors.New("a newsletter's owner does not leave it")
	ErrNotFollowing      = errors.New("does not follow the newsletter")
	ErrNewsletterFull    = errors.New("the newsletter is full")
)

var newsletterRefusals = []struct {
	is   error
	code int
}{
	{ErrUnknownNewsletter, 404},
	{ErrUnknownPost, 404},
	{ErrBadNewsletter, 400},
	{ErrBadProfile, 400},
	{ErrNotOwner, 403},
	{ErrOwner, 403},
	{ErrNotFollowing, 403},
	{ErrNewsletterFull, 419},
}

func newsletterRefusal(err error) (code int) {
	for _, row := range newsletterRefusals {
		if errors.Is(err, row.is) {
			return row.code
		}
	}
	return 500
}

// The limits of WhatsApp today, in characters.
const (
	maxNewsletterName        = 100
	maxNewsletterDescription = 2048
)

// NewsletterOptions describe a newsletter to be created.
type NewsletterOptions struct {
	Name        string // 1 to 100 characters
	Description string // up to 2048 characters
	Picture     []byte // a JPEG of at most 4096 pixels in each direction, or none
}

func (s *Simulator) createNewsletter(owner *account, o NewsletterOptions) (*newsletter, error) {
	if n := len([]rune(o.Name)); strings.TrimSpace(o.Name) == "" || n > maxNewsletterName {
		return nil, fmt.Errorf("%w: name: want 1 to %d characters", ErrBadNewsletter, maxNewsletterName)
	}
	if len([]rune(o.Description)) > maxNewsletterDescription {
		return nil, fmt.Errorf("%w: description: want up to %d characters", ErrBadNewsletter, maxNewsletterDescription)
	}
	var shown *picture
	if len(o.Picture) > 0 {
		var err error
		if shown, err = newPicture(o.Picture); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &newsletter{
		jid: s.unusedNewsletterLocked(), owner: owner, created: time.Now(), name: o.Name, description: o.Description,
		picture: shown, invite: newInviteCode(),
		followers: map[*account]*follower{owner: {}}, watchers: map[*device]time.Time{},
	}
	s.servedLocked(nil, shown)
	s.newsletters[n.jid], s.channels[n.invite] = n, n
	return n, nil
}

// unusedNewsletterLocked makes an 18-digit id as the real service has them.
func (s *Simulator) unusedNewsletterLocked() types.JID {
	for {
		n, _ := rand.Int(rand.Reader, big.NewInt(1_000_000_000_000_000)) // never fails
		jid := types.NewJID(fmt.Sprintf("120%015d", n), types.NewsletterServer)
		if s.newsletters[jid] == nil {
			return jid
		}
	}
}

func (s *Simulator) newsletterLocked(jid types.JID) (*newsletter, error) {
	n := s.newsletters[jid.ToNonAD()]
	if n == nil {
		return nil, fmt.Errorf("%s: %w", jid, ErrUnknownNewsletter)
	}
	return n, nil
}

// follow begins or ends that somebody reads a newsletter, and tells all of their companions.
func (s *Simulator) follow(a *account, jid types.JID, follows bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.newsletterLocked(jid)
	switch {
	case err != nil:
		return err
	case !follows && n.owner == a:
		return ErrOwner
	case (n.followers[a] != nil) == follows:
		return nil
	}
	if !follows {
		delete(n.followers, a)
		s.notifyMexLocked(a, "NotificationNewsletterLeave", "xwa2_notify_newsletter_on_leave",
			map[string]any{"id": n.jid, "role": upper(types.NewsletterRoleGuest)})
		return nil
	}
	n.followers[a] = &follower{}
	s.notifyMexLocked(a, "NotificationNewsletterJoin", "xwa2_notify_newsletter_on_join", s.metadataLocked(n, a))
	return nil
}

// mute changes whether a follower hears of posts, and tells all of their companions.
func (s *Simulator) mute(a *account, jid types.JID, muted bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.newsletterLocked(jid)
	if err != nil {
		return err
	}
	f := n.followers[a]
	if f == nil {
		return fmt.Errorf("%s: %w", a.number, ErrNotFollowing)
	}
	f.muted = muted
	s.notifyMexLocked(a, "NotificationNewsletterMuteChange", "xwa2_notify_newsletter_on_mute_change",
		map[string]any{"id": n.jid, "mute": upper(f.state())})
	return nil
}

func (f *follower) state() types.NewsletterMuteState {
	if f.muted {
		return types.NewsletterMuteOn
	}
	return types.NewsletterMuteOff
}
