package httpapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/actors"
)

// channel is the address of a channel.
type channel string

// Resolve reads the address.
func (c *channel) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	text, err := decoded(string(*c), at)
	user, server, _ := strings.Cut(text, "@")
	if _, number := actors.ParseNumber(user); err != nil || !number || server != types.NewsletterServer {
		return wrongAt(at, "expected the address of a channel, …@newsletter")
	}
	*c = channel(text)
	return nil
}

// ChannelInput is the input of what asks for nothing but a channel.
type ChannelInput struct {
	AccountNumber number  `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ChannelID     channel `path:"channelId" doc:"the channel's address" example:"120363012345678901@newsletter"`
}

func channelOperation(id, method, path, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: "/api/channels/{accountNumber}" + path, Tags: []string{"channels"}, Summary: summary,
	}
}

func (s *Server) channelRoutes() {
	performs[clientInput, actors.ChannelList](s, channelOperation("listChannels", http.MethodGet, "", "List the channels that an account follows or owns"),
		func(i *clientInput) (number, actors.Request) { return i.AccountNumber, actors.ListChannels{} })
	performs[inviteInput, actors.Channel](s, channelOperation("findChannel", http.MethodGet, "/invites/{code}", "Tell of the channel that a link leads to"),
		func(i *inviteInput) (number, actors.Request) {
			return i.AccountNumber, actors.GetChannel{Code: string(i.Code)}
		})
	performs[ChannelInput, actors.Channel](s, channelOperation("getChannel", http.MethodGet, "/{channelId}", "Tell of a channel"),
		func(i *ChannelInput) (number, actors.Request) {
			return i.AccountNumber, actors.GetChannel{ID: string(i.ChannelID)}
		})
	create := channelOperation("createChannel", http.MethodPost, "", "Make a channel")
	create.DefaultStatus = http.StatusCreated
	performs[createChannelInput, actors.Channel](s, create, (*createChannelInput).request)
	performs[ChannelInput, actors.Done](s, channelOperation("followChannel", http.MethodPost, "/{channelId}/follow", "Follow a channel"),
		func(i *ChannelInput) (number, actors.Request) {
			return i.AccountNumber, actors.FollowChannel{ID: string(i.ChannelID), Follows: true}
		})
	performs[ChannelInput, actors.Done](s, channelOperation("unfollowChannel", http.MethodPost, "/{channelId}/unfollow", "Follow a channel no longer"),
		func(i *ChannelInput) (number, actors.Request) {
			return i.AccountNumber, actors.FollowChannel{ID: string(i.ChannelID)}
		})
	performs[muteChannelInput, actors.Done](s, channelOperation("muteChannel", http.MethodPut, "/{channelId}/mute", "Have the phone stay silent about a channel"),
		(*muteChannelInput).request)
	s.channelPostRoutes()
}

type createChannelInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          struct {
		Name        string `json:"name" minLength:"1" maxLength:"100"`
		Description string `json:"description,omitempty" maxLength:"2048"`
		Picture     []byte `json:"picture,omitempty" doc:"a JPEG in base64"`
		AcceptTerms bool   `json:"acceptTerms,omitempty" doc:"accept WhatsApp's terms on channels first, which whoever makes one has done once"`
	}
}

func (i *createChannelInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.CreateChannel(i.Body)
}

type muteChannelInput struct {
	ChannelInput

	Body struct {
		Muted bool `json:"muted"`
	}
}

func (i *muteChannelInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.MuteChannel{ID: string(i.ChannelID), Muted: i.Body.Muted}
}

func (s *Server) channelPostRoutes() {
	performs[channelPostsInput, actors.ChannelPostList](s, channelOperation("listChannelMessages", http.MethodGet, "/{channelId}/messages",
		"List posts of a channel, the oldest of them first"), (*channelPostsInput).request)
	performs[channelUpdatesInput, actors.ChannelPostList](s, channelOperation("listChannelUpdates", http.MethodGet, "/{channelId}/updates",
		"List the posts whose views and reactions have changed"), (*channelUpdatesInput).request)
	performs[viewedInput, actors.Done](s, channelOperation("viewChannelMessages", http.MethodPost, "/{channelId}/viewed",
		"Count posts as seen"), (*viewedInput).request)
	performs[channelReactionInput, actors.Done](s, channelOperation("reactToChannelMessage", http.MethodPut, "/{channelId}/messages/{serverId}/reaction",
		"React to a post, or take the reaction back"), (*channelReactionInput).request)
	performs[ChannelInput, actors.ChannelWatch](s, channelOperation("watchChannel", http.MethodPost, "/{channelId}/watch",
		"Have the views and reactions of a channel's posts told as they change, for a while"),
		func(i *ChannelInput) (number, actors.Request) {
			return i.AccountNumber, actors.WatchChannel{ID: string(i.ChannelID)}
		})
}

type channelPostsInput struct {
	ChannelInput

	Limit  int `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"how many at most"`
	Before int `query:"before" minimum:"0" doc:"the serverId of a post, for those before it"`
}

func (i *channelPostsInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.ListChannelPosts{ID: string(i.ChannelID), Limit: i.Limit, Before: i.Before}
}

type channelUpdatesInput struct {
	ChannelInput

	Limit int       `query:"limit" minimum:"1" maximum:"100" default:"100" doc:"how many at most"`
	Since time.Time `query:"since" doc:"leaves out what has not changed since then"`
	After int       `query:"after" minimum:"0" doc:"the serverId of a post, for those after it"`
}

func (i *channelUpdatesInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.ListChannelUpdates{ID: string(i.ChannelID), Limit: i.Limit, Since: i.Since, After: i.After}
}

type viewedInput struct {
	ChannelInput

	Body struct {
		ServerIDs []int `json:"serverIds" minItems:"1" maxItems:"100" doc:"the posts' numbers"`
	}
}

func (i *viewedInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.ViewChannelPosts{ID: string(i.ChannelID), ServerIDs: i.Body.ServerIDs}
}

type channelReactionInput struct {
	ChannelInput

	ServerID int `path:"serverId" minimum:"1" doc:"the post's number"`
	Body     struct {
		Emoji string `json:"emoji" maxLength:"32" doc:"empty takes the reaction back"`
	}
}

func (i *channelReactionInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.ReactToChannelPost{ID: string(i.ChannelID), ServerID: i.ServerID, Emoji: i.Body.Emoji}
}
