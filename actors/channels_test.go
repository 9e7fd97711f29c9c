package actors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/simulator"
)

// news is a channel of the friend's, with three posts.
func (h *home) news(t *testing.T) (channel types.JID, posts []simulator.NewsletterPost) {
	t.Helper()
	channel, err := h.friend.CreateNewsletter(t.Context(), simulator.NewsletterOptions{Name: "News", Description: "of the day"})
	require.NoError(t, err)
	for _, body := range []string{"one", "two", "three"} {
		post, err := h.friend.PostToNewsletter(t.Context(), channel, &waE2E.Message{Conversation: proto.String(body)})
		require.NoError(t, err)
		posts = append(posts, post)
	}
	return channel, posts
}

func TestAChannelIsFoundFollowedAndMuted(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	channel, _ := h.news(t)
	known, _ := h.world.Newsletter(channel)
	found := answered[Channel](t, h, GetChannel{Code: known.Invite})
	require.Equal(t, channel.String(), found.ID)
	require.Empty(t, found.Role)
	shown := answered[Channel](t, h, GetChannel{ID: found.ID})
	require.Equal(t, "News", shown.Name)
	require.Equal(t, "of the day", shown.Description)
	require.Equal(t, "guest", shown.Role)
	require.Equal(t, 1, shown.Followers)
	require.Equal(t, CodeForbidden, declined(t, h, MuteChannel{found.ID, true}).Code)

	answered[Done](t, h, FollowChannel{found.ID, true})
	answered[Done](t, h, MuteChannel{found.ID, true})
	list := answered[ChannelList](t, h, ListChannels{}).Channels
	require.Len(t, list, 1)
	require.Equal(t, "subscriber", list[0].Role)
	require.True(t, *list[0].Muted)
	answered[Done](t, h, MuteChannel{found.ID, false})
	require.False(t, *answered[Channel](t, h, GetChannel{ID: found.ID}).Muted)
	answered[Done](t, h, FollowChannel{found.ID, false})
	require.Empty(t, answered[ChannelList](t, h, ListChannels{}).Channels)

	until(t, "all of it is told", func() bool { return len(logged[ChannelUpdatedEvent](t, h, EventChannelUpdated)) == 4 })
	var changes []string
	for _, event := range logged[ChannelUpdatedEvent](t, h, EventChannelUpdated) {
		require.Equal(t, found.ID, event.ChatID)
		changes = append(changes, event.Change)
	}
	require.Equal(t, []string{"followed", "muted", "unmuted", "unfollowed"}, changes)
}

func TestAChannelIsMade(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	made := answered[Channel](t, h, CreateChannel{Name: "Mine", Description: "All of it", Picture: picture(t, 64), AcceptTerms: true})
	require.Equal(t, "owner", made.Role)
	known, exists := h.world.Newsletter(jidOf(t, made.ID))
	require.True(t, exists)
	require.Equal(t, "Mine", known.Name)
	require.Equal(t, "All of it", known.Description)
	require.Equal(t, h.owner.Number(), known.Owner)
	require.Equal(t, known.Picture, made.PictureID)
	require.Equal(t, "https://whatsapp.com/channel/"+known.Invite, made.Link)
	require.Equal(t, CodeForbidden, declined(t, h, FollowChannel{made.ID, false}).Code, "an owner stays")
}

func TestPostsOfAChannelAreReadReactedToAndCounted(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	channel, posts := h.news(t)
	id := channel.String()
	list := answered[ChannelPostList](t, h, ListChannelPosts{ID: id, Limit: 2}).Messages
	require.Equal(t, []string{"two", "three"}, []string{list[0].Body, list[1].Body})
	require.Equal(t, "text", list[0].Type)
	list = answered[ChannelPostList](t, h, ListChannelPosts{ID: id, Limit: 2, Before: list[0].ServerID}).Messages
	require.Len(t, list, 1)
	require.Equal(t, posts[0].ID, list[0].ID)

	answered[Done](t, h, ReactToChannelPost{id, list[0].ServerID, "👍"})
	answered[Done](t, h, ViewChannelPosts{id, []int{list[0].ServerID, list[0].ServerID + 1}})
	seen := func() []simulator.NewsletterPost { known, _ := h.world.Newsletter(channel); return known.Posts }
	until(t, "the service has both", func() bool { return seen()[0].Reactions["👍"] == 1 && seen()[1].Views == 1 })
	updates := answered[ChannelPostList](t, h, ListChannelUpdates{ID: id, Limit: 10, After: list[0].ServerID}).Messages
	require.Len(t, updates, 2)
	require.Equal(t, 1, updates[0].Views)
	answered[Done](t, h, ReactToChannelPost{id, list[0].ServerID, ""})
	until(t, "the reaction is taken back", func() bool { return len(seen()[0].Reactions) == 0 })
}

func TestAWatchedChannelTellsItsCounts(t *testing.T) {
	h := newTown(t).newHome(t)
	told := make(chan Event, 64)
	h.listener.Store(new(func(event Event) {
		if event.Kind == EventChannelPost {
			told <- event
		}
	}))
	h.link(t)
	channel, posts := h.news(t)
	watch := answered[ChannelWatch](t, h, WatchChannel{channel.String()})
	require.True(t, watch.Until.After(time.Now()))
	require.NoError(t, h.friend.ReactToPost(t.Context(), channel, posts[1].Server, "🎉"))
	until(t, "the reaction is told", func() bool { return len(told) > 0 })
	require.Contains(t, string((<-told).Data), `"reactions":{"🎉":1}`)
}

func TestWhatAChannelDoesNotHaveIsNotFound(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	const nowhere = "120363000000000404@newsletter"
	for name, request := range map[string]Request{
		"info": GetChannel{ID: nowhere}, "code": GetChannel{Code: "neverwas"}, "follow": FollowChannel{nowhere, true},
		"mute": MuteChannel{nowhere, true}, "posts": ListChannelPosts{ID: nowhere}, "updates": ListChannelUpdates{ID: nowhere},
		"view": ViewChannelPosts{nowhere, []int{100}}, "react": ReactToChannelPost{nowhere, 100, "👍"}, "watch": WatchChannel{nowhere},
	} {
		require.Equal(t, CodeChatNotFound, declined(t, h, request).Code, name)
	}
	channel, posts := h.news(t)
	beyond := int(posts[2].Server) + 1
	require.Equal(t, CodeMessageNotFound, declined(t, h, ReactToChannelPost{channel.String(), beyond, "👍"}).Code)
	require.Equal(t, CodeMessageNotFound, declined(t, h, ViewChannelPosts{channel.String(), []int{beyond}}).Code)
	for field, request := range map[string]Request{
		"channelId": GetChannel{ID: "120363000000000404@g.us"}, "name": CreateChannel{}, "serverIds": ViewChannelPosts{ID: channel.String()},
	} {
		require.Equal(t, field, declined(t, h, request).Field)
	}
	require.Equal(t, CodeUnsupportedMedia, declined(t, h, CreateChannel{Name: "N", Picture: []byte("GIF89a")}).Code)
}
