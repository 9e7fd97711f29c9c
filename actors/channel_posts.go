package actors

import (
	"context"
	"slices"
	"time"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// ChannelPost is a post of a channel, or what has changed of one.
type ChannelPost struct {
	ServerID  int            `json:"serverId" doc:"the post's number in its channel"`
	ID        string         `json:"id"`
	Type      string         `json:"type,omitempty" doc:"absent where only the counts are told"`
	Body      string         `json:"body,omitempty" doc:"text or caption"`
	Media     *MessageMedia  `json:"media,omitempty"`
	Timestamp time.Time      `json:"timestamp"`
	Views     int            `json:"views"`
	Reactions map[string]int `json:"reactions" doc:"how often each was given"`
}

// ChannelPostList is posts, the oldest first.
type ChannelPostList struct {
	Messages []ChannelPost `json:"messages"`
}

// ListChannelPosts asks for posts of a channel; the reply is a [ChannelPostList].
type ListChannelPosts struct {
	ID string
	// Limit is 1 to 100.
	Limit int
	// Before gives those before a post, by its number; zero gives the newest.
	Before int
}

func (r ListChannelPosts) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseChannel(r.ID)
	if err != nil {
		return nil, err
	}
	found, err := l.client.GetNewsletterMessages(ctx, jid, &whatsmeow.GetNewsletterMessagesParams{Count: r.Limit, Before: r.Before})
	return showPosts(found), channelRefused(err)
}

// ListChannelUpdates asks which posts of a channel have other counts than before;
// the reply is a [ChannelPostList].
type ListChannelUpdates struct {
	ID    string
	Limit int
	// Since leaves out what has not changed since then, After what is not newer than
	// a post; zero leaves out nothing.
	Since time.Time
	After int
}

func (r ListChannelUpdates) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseChannel(r.ID)
	if err != nil {
		return nil, err
	}
	found, err := l.client.GetNewsletterMessageUpdates(ctx, jid, &whatsmeow.GetNewsletterUpdatesParams{Count: r.Limit, Since: r.Since, After: r.After})
	return showPosts(found), channelRefused(err)
}

func showPosts(found []*types.NewsletterMessage) ChannelPostList {
	list := ChannelPostList{make([]ChannelPost, len(found))}
	for i, post := range found {
		list.Messages[i] = showPost(post)
	}
	return list
}

func showPost(found *types.NewsletterMessage) ChannelPost {
	post := ChannelPost{
		ServerID: found.MessageServerID, ID: found.MessageID, Timestamp: found.Timestamp.UTC(),
		Views: found.ViewsCount, Reactions: found.ReactionCounts,
	}
	if found.Message != nil {
		content := ReadContent(found.Message)
		post.Type, post.Body, post.Media = content.Type, content.Body, DescribeMedia(content.Media)
	}
	return post
}

// maxViewed is how many posts one request marks.
const maxViewed = 100

// ViewChannelPosts counts posts of a channel as seen; the reply is [Done] once
// WhatsApp was told.
type ViewChannelPosts struct {
	ID        string
	ServerIDs []int
}

// perform sends what whatsmeow's NewsletterMarkViewed does, which would wait for an
// answer without an end.
func (r ViewChannelPosts) perform(ctx context.Context, l *link) (any, error) {
	if len(r.ServerIDs) == 0 || len(r.ServerIDs) > maxViewed {
		return nil, refuseInput("serverIds", "expected 1 to %d posts", maxViewed)
	}
	jid, err := l.posted(ctx, r.ID, slices.Max(r.ServerIDs))
	if err != nil {
		return nil, err
	}
	items := make([]waBinary.Node, len(r.ServerIDs))
	for i, id := range r.ServerIDs {
		items[i] = waBinary.Node{Tag: "item", Attrs: waBinary.Attrs{"server_id": id}}
	}
	internals := l.client.DangerousInternals() //nolint:staticcheck // deprecated as a warning; see above
	return Done{}, internals.SendNode(ctx, waBinary.Node{
		Tag: "receipt", Attrs: waBinary.Attrs{"to": jid, "type": "view", "id": internals.GenerateRequestID()},
		Content: []waBinary.Node{{Tag: "list", Content: items}},
	})
}

// ReactToChannelPost gives a post the account's reaction; an empty emoji takes it
// back. The reply is [Done] once WhatsApp was told.
type ReactToChannelPost struct {
	ID       string
	ServerID int
	Emoji    string
}

func (r ReactToChannelPost) perform(ctx context.Context, l *link) (any, error) {
	jid, err := l.posted(ctx, r.ID, r.ServerID)
	if err != nil {
		return nil, err
	}
	return Done{}, l.client.NewsletterSendReaction(ctx, jid, r.ServerID, r.Emoji, "")
}

// posted refuses a post that its channel does not have: WhatsApp tells nothing of
// what is done to one.
func (l *link) posted(ctx context.Context, channel string, serverID int) (types.JID, error) {
	jid, err := parseChannel(channel)
	if err != nil {
		return jid, err
	}
	found, err := l.client.GetNewsletterMessages(ctx, jid, &whatsmeow.GetNewsletterMessagesParams{Count: 1, Before: serverID + 1})
	if err != nil {
		return jid, channelRefused(err)
	}
	if len(found) == 0 || found[0].MessageServerID != serverID {
		return jid, Refuse(CodeMessageNotFound, "the channel has no post %d", serverID)
	}
	return jid, nil
}

// WatchChannel has the counts of a channel's posts told as they change, for a
// while, by [EventChannelPost]; the reply is a [ChannelWatch].
type WatchChannel struct{ ID string }

// ChannelWatch tells until when counts are told.
type ChannelWatch struct {
	Until time.Time `json:"until" doc:"when to ask again"`
}

func (r WatchChannel) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseChannel(r.ID)
	if err != nil {
		return nil, err
	}
	lasts, err := l.client.NewsletterSubscribeLiveUpdates(ctx, jid)
	return ChannelWatch{time.Now().Add(lasts).UTC()}, channelRefused(err)
}
