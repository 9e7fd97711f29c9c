package actors

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

// ChannelUpdatedEvent tells that the account follows a channel or no longer, or
// has muted it or no longer, on whichever device.
type ChannelUpdatedEvent struct {
	ClientID  string `json:"clientId"`
	ChatID    string `json:"chatId"`
	Change    string `json:"change" enum:"followed,unfollowed,muted,unmuted"`
	Name      string `json:"name,omitempty" doc:"the channel's, where it is told"`
	Timestamp int64  `json:"timestamp" doc:"Unix seconds"`
}

// ChannelPostEvent tells how often a post was seen and how it was reacted to.
type ChannelPostEvent struct {
	ClientID string      `json:"clientId"`
	ChatID   string      `json:"chatId"`
	Post     ChannelPost `json:"post"`
}

// channel tells a change of one. Nothing is stored: what the account follows is
// asked for.
func (in *inbound) channel(ctx context.Context, channel types.JID, at time.Time, change, name string) error {
	return in.ledger.record(ctx, func(u *unit) error {
		return in.tellOnce(ctx, u, EventChannelUpdated, channel, ChannelUpdatedEvent{
			ClientID: in.account, ChatID: channel.String(), Change: change, Name: name, Timestamp: at.Unix(),
		})
	})
}

// channelEvent takes what whatsmeow says of channels.
func (l *link) channelEvent(event any) error {
	switch e := event.(type) {
	case *events.NewsletterJoin:
		return l.inbound.channel(l.ctx, e.ID, e.Mex.Timestamp, "followed", e.ThreadMeta.Name.Text)
	case *events.NewsletterLeave:
		return l.inbound.channel(l.ctx, e.ID, e.Mex.Timestamp, "unfollowed", "")
	case *events.NewsletterMuteChange:
		change := "unmuted"
		if e.Mute == types.NewsletterMuteOn {
			change = "muted"
		}
		return l.inbound.channel(l.ctx, e.ID, e.Mex.Timestamp, change, "")
	case *events.NewsletterLiveUpdate:
		l.channelPosts(e)
	}
	return nil
}

func (l *link) channelPosts(e *events.NewsletterLiveUpdate) {
	for _, post := range e.Messages {
		l.publish(EventChannelPost, ChannelPostEvent{ClientID: l.inbound.account, ChatID: e.JID.String(), Post: showPost(post)})
	}
}
