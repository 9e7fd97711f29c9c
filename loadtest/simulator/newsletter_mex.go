package simulator

import (
	"strings"
	"time"

	"go.mau.fi/whatsmeow/types"
)

// upper is a word as the query language has it; clients read it in either case.
func upper[T ~string](word T) T { return T(strings.ToUpper(string(word))) }

// metadataLocked describes a newsletter, and what it is to somebody, unless that is nil.
func (s *Simulator) metadataLocked(n *newsletter, viewer *account) *types.NewsletterMetadata {
	described := &types.NewsletterMetadata{ID: n.jid}
	described.State.Type = upper(types.NewsletterStateActive)
	thread := &described.ThreadMeta
	thread.CreationTime.Time = n.created
	thread.InviteCode, thread.SubscriberCount = n.invite, len(n.followers)
	thread.VerificationState = upper(types.NewsletterVerificationStateUnverified)
	thread.Settings.ReactionCodes.Value = types.NewsletterReactionsModeAll
	thread.Name, thread.Description = n.text(n.name), n.text(n.description)
	if n.picture != nil {
		full := s.newsletterPicture(n.picture, "image")
		thread.Picture, thread.Preview = &full, s.newsletterPicture(n.picture, "preview")
	}
	if viewer != nil {
		described.ViewerMeta = n.viewer(viewer)
	}
	return described
}

func (n *newsletter) text(text string) (out types.NewsletterText) {
	out.Text, out.ID = text, n.jid.User
	out.UpdateTime.Time = n.created.Truncate(time.Microsecond)
	return out
}

func (s *Simulator) newsletterPicture(p *picture, size string) types.ProfilePictureInfo {
	path := p.path + "?size=" + size
	return types.ProfilePictureInfo{ID: p.id, Type: upper(size), DirectPath: path, URL: s.serviceURL() + path}
}

func (n *newsletter) viewer(a *account) *types.NewsletterViewerMetadata {
	f, role := n.followers[a], types.NewsletterRoleSubscriber
	switch {
	case f == nil:
		f, role = &follower{}, types.NewsletterRoleGuest
	case a == n.owner:
		role = types.NewsletterRoleOwner
	}
	return &types.NewsletterViewerMetadata{Mute: upper(f.state()), Role: upper(role)}
}

// The queries about newsletters.

func (s *Simulator) mexNewsletter(by *account, asked mexVariables) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.channels[asked.Input.Key]
	if asked.Input.Type == string(types.NewsletterKeyTypeJID) {
		jid, _ := types.ParseJID(asked.Input.Key)
		n = s.newsletters[jid]
	}
	if n == nil {
		return nil, ErrUnknownNewsletter
	}
	if !asked.WithViewer {
		by = nil
	}
	return map[string]any{"xwa2_newsletter": s.metadataLocked(n, by)}, nil
}

func (s *Simulator) mexSubscribed(by *account, _ mexVariables) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []*types.NewsletterMetadata{}
	for _, n := range s.newsletters {
		if n.followers[by] != nil {
			all = append(all, s.metadataLocked(n, by))
		}
	}
	return map[string]any{"xwa2_newsletter_subscribed": all}, nil
}

func (s *Simulator) mexCreate(by *account, asked mexVariables) (any, error) {
	wanted := asked.NewsletterInput
	n, err := s.createNewsletter(by, NewsletterOptions(wanted))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{"xwa2_newsletter_create": s.metadataLocked(n, by)}, nil
}

func mexFollow(follows bool) mexQuery {
	return func(s *Simulator, by *account, asked mexVariables) (any, error) {
		jid, _ := types.ParseJID(asked.NewsletterID)
		return map[string]any{}, s.follow(by, jid, follows)
	}
}

func mexMute(muted bool) mexQuery {
	return func(s *Simulator, by *account, asked mexVariables) (any, error) {
		jid, _ := types.ParseJID(asked.NewsletterID)
		return map[string]any{}, s.mute(by, jid, muted)
	}
}
