package actors

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
)

// Channel is a channel as WhatsApp has it now.
type Channel struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Link        string     `json:"link" doc:"by which anybody finds it"`
	Followers   int        `json:"followers"`
	Verified    bool       `json:"verified"`
	State       string     `json:"state" doc:"active, suspended or geosuspended"`
	CreatedAt   *time.Time `json:"createdAt,omitempty"`
	PictureID   string     `json:"pictureId,omitempty"`
	// Role and Muted are the account's; absent where the channel was found by its link.
	Role  string `json:"role,omitempty" enum:"owner,admin,subscriber,guest" doc:"the account's; absent where the channel was found by its link"`
	Muted *bool  `json:"muted,omitempty"`
}

// ListChannels asks for the channels that the account follows or owns; the reply
// is a [ChannelList].
type ListChannels struct{}

// ChannelList is channels, by name.
type ChannelList struct {
	Channels []Channel `json:"channels"`
}

func (ListChannels) perform(ctx context.Context, l *link) (any, error) {
	found, err := l.client.GetSubscribedNewsletters(ctx)
	if err != nil {
		return nil, channelRefused(err)
	}
	list := ChannelList{make([]Channel, len(found))}
	for i, channel := range found {
		list.Channels[i] = showChannel(channel)
	}
	slices.SortFunc(list.Channels, func(a, b Channel) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return list, nil
}

// GetChannel asks for a channel; the reply is a [Channel].
type GetChannel struct {
	ID string
	// Code is that of a link, or the link; it stands in the place of the ID.
	Code string
}

func (r GetChannel) perform(ctx context.Context, l *link) (any, error) {
	if r.Code != "" {
		return foundChannel(l.client.GetNewsletterInfoWithInvite(ctx, r.Code))
	}
	jid, err := parseChannel(r.ID)
	if err != nil {
		return nil, err
	}
	return foundChannel(l.client.GetNewsletterInfo(ctx, jid))
}

func foundChannel(info *types.NewsletterMetadata, err error) (any, error) {
	switch {
	case err != nil:
		return nil, channelRefused(err)
	case info == nil:
		return nil, Refuse(CodeChatNotFound, "there is no such channel")
	default:
		return showChannel(info), nil
	}
}

func showChannel(info *types.NewsletterMetadata) Channel {
	thread := info.ThreadMeta
	channel := Channel{
		ID: info.ID.String(), Name: thread.Name.Text, Description: thread.Description.Text,
		Link: whatsmeow.NewsletterLinkPrefix + thread.InviteCode, Followers: thread.SubscriberCount,
		Verified: thread.VerificationState == types.NewsletterVerificationStateVerified, State: string(info.State.Type),
	}
	if !thread.CreationTime.IsZero() {
		channel.CreatedAt = new(thread.CreationTime.UTC())
	}
	if thread.Picture != nil {
		channel.PictureID = thread.Picture.ID
	}
	if viewer := info.ViewerMeta; viewer != nil {
		channel.Role, channel.Muted = string(viewer.Role), new(viewer.Mute == types.NewsletterMuteOn)
	}
	return channel
}

// The terms on channels that WhatsApp has their makers accept, and the stage that
// says so (whatsmeow, Client.AcceptTOSNotice).
const (
	channelTerms      = "20601218"
	channelTermsStage = "5"
)

// CreateChannel makes a channel that the account owns; the reply is a [Channel].
type CreateChannel struct {
	// Name is 1 to 100 characters.
	Name, Description string
	// Picture is a JPEG, or none.
	Picture []byte
	// AcceptTerms accepts WhatsApp's terms on channels first, which whoever makes one
	// has done once.
	AcceptTerms bool
}

func (r CreateChannel) perform(ctx context.Context, l *link) (any, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.AcceptTerms {
		if err := l.client.AcceptTOSNotice(ctx, channelTerms, channelTermsStage); err != nil {
			return nil, err
		}
	}
	info, err := l.client.CreateNewsletter(ctx, whatsmeow.CreateNewsletterParams{Name: r.Name, Description: r.Description, Picture: r.Picture})
	if err != nil {
		return nil, changed(channelRefused(err))
	}
	return foundChannel(info, nil)
}

func (r CreateChannel) check() error {
	if strings.TrimSpace(r.Name) == "" {
		return refuseInput("name", "expected 1 to %d characters", maxSubject)
	}
	if err := checkLength("name", r.Name, maxSubject); err != nil {
		return err
	}
	if err := checkLength("description", r.Description, maxDescription); err != nil {
		return err
	}
	if len(r.Picture) == 0 {
		return nil
	}
	return checkPicture(r.Picture)
}

// FollowChannel follows a channel, or no longer; the reply is [Done].
type FollowChannel struct {
	ID      string
	Follows bool
}

func (r FollowChannel) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseChannel(r.ID)
	if err != nil {
		return nil, err
	}
	follow := l.client.UnfollowNewsletter
	if r.Follows {
		follow = l.client.FollowNewsletter
	}
	return Done{}, changed(channelRefused(follow(ctx, jid)))
}

// MuteChannel has the phone stay silent about a channel, or no longer; the reply
// is [Done].
type MuteChannel struct {
	ID    string
	Muted bool
}

func (r MuteChannel) perform(ctx context.Context, l *link) (any, error) {
	jid, err := parseChannel(r.ID)
	if err != nil {
		return nil, err
	}
	return Done{}, changed(channelRefused(l.client.NewsletterToggleMute(ctx, jid, r.Muted)))
}
