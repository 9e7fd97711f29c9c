package simulator

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// CreateNewsletter founds a newsletter, whose owner alone posts.
func (p *Phone) CreateNewsletter(_ context.Context, o NewsletterOptions) (types.JID, error) {
	n, err := p.sim.createNewsletter(p.account, o)
	if err != nil {
		return types.JID{}, err
	}
	return n.jid, nil
}

// FollowNewsletter makes the account a reader of a newsletter, or no longer one. Its companions are told.
func (p *Phone) FollowNewsletter(_ context.Context, newsletter types.JID, follows bool) error {
	return p.sim.follow(p.account, newsletter, follows)
}

// MuteNewsletter makes the account hear no more of a newsletter that it follows, or again. Its companions are told.
func (p *Phone) MuteNewsletter(_ context.Context, newsletter types.JID, muted bool) error {
	return p.sim.mute(p.account, newsletter, muted)
}

// PostToNewsletter posts a message, for all followers' companions, and returns the number by which readers refer to it.
// Media must lie on the media servers unencrypted.
func (p *Phone) PostToNewsletter(_ context.Context, newsletter types.JID, message *waE2E.Message) (NewsletterPost, error) {
	return p.publish(newsletter, newMessageID(), message, types.EditAttributeEmpty)
}

// EditNewsletterPost replaces a post, which is given by its id; no message takes it back.
func (p *Phone) EditNewsletterPost(_ context.Context, newsletter types.JID, id string, message *waE2E.Message) (NewsletterPost, error) {
	if message == nil {
		return p.publish(newsletter, id, nil, types.EditAttributeAdminRevoke)
	}
	return p.publish(newsletter, id, message, types.EditAttributeAdminEdit)
}

func (p *Phone) publish(newsletter types.JID, id string, message *waE2E.Message, edit types.EditAttribute) (NewsletterPost, error) {
	plain, err := proto.Marshal(message)
	if err != nil {
		return NewsletterPost{}, err
	}
	shown := outsideOf(message)
	made, err := p.sim.publish(p.account, nil, newsletter, letter{id: id, kind: shown.kind, media: shown.media, edit: edit, plain: plain})
	if err != nil {
		return NewsletterPost{}, err
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	return made.view(), nil
}

// ReactToPost gives a newsletter's post the account's reaction; an empty emoji takes it back.
func (p *Phone) ReactToPost(_ context.Context, newsletter types.JID, server int64, emoji string) error {
	return p.sim.react(p.account, newsletter, server, emoji)
}

// ViewPost notes that the account has seen a newsletter's post.
func (p *Phone) ViewPost(_ context.Context, newsletter types.JID, server int64) error {
	return p.sim.view(p.account, newsletter, server)
}

// NewsletterPost is a post as the service knows it.
type NewsletterPost struct {
	Server    int64          `json:"serverId"` // by which readers refer to it
	ID        string         `json:"id"`
	Type      string         `json:"type"` // text, media, poll
	Text      string         `json:"text,omitempty"`
	Revoked   bool           `json:"revoked,omitempty"`
	Edited    bool           `json:"edited,omitempty"`
	Timestamp time.Time      `json:"timestamp"`
	Views     int            `json:"views"`
	Reactions map[string]int `json:"reactions"`
}

// NewsletterInfo is a newsletter as the service knows it.
type NewsletterInfo struct {
	JID         string           `json:"jid"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Owner       string           `json:"owner"`             // the number
	Invite      string           `json:"invite"`            // the code of its link
	Picture     string           `json:"picture,omitempty"` // its id
	Followers   int              `json:"followers"`         // with the owner
	Posts       []NewsletterPost `json:"posts"`             // the oldest first
}

// Newsletter tells what the service knows of a newsletter.
func (s *Simulator) Newsletter(jid types.JID) (NewsletterInfo, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.newsletters[jid]
	if n == nil {
		return NewsletterInfo{}, false
	}
	info := NewsletterInfo{
		JID: n.jid.String(), Name: n.name, Description: n.description, Owner: n.owner.number, Invite: n.invite,
		Followers: len(n.followers), Posts: []NewsletterPost{},
	}
	if n.picture != nil {
		info.Picture = n.picture.id
	}
	for _, p := range n.posts {
		info.Posts = append(info.Posts, p.view())
	}
	return info, true
}

func (p *post) view() NewsletterPost {
	var message waE2E.Message
	_ = proto.Unmarshal(p.plain, &message) // what is no message has no text
	return NewsletterPost{
		Server: p.server, ID: p.id, Type: p.kind, Text: text(&message), Revoked: p.plain == nil, Edited: !p.edited.IsZero(),
		Timestamp: p.at.UTC(), Views: len(p.views), Reactions: p.reactionCounts(),
	}
}
