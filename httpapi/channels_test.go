package httpapi

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
)

func TestChannelRoutesAskTheAccount(t *testing.T) {
	const id = "120363012345678901@newsletter"
	for name, errand := range map[string]errand{
		"list": {http.MethodGet, "", "", actors.ListChannels{}, actors.ChannelList{}, 0},
		"find": {http.MethodGet, "/invites/https%3A%2F%2Fwhatsapp.com%2Fchannel%2FAbC", "", actors.GetChannel{Code: "AbC"}, actors.Channel{}, 0},
		"get":  {http.MethodGet, "/120363012345678901%40newsletter", "", actors.GetChannel{ID: id}, actors.Channel{}, 0},
		"create": {
			http.MethodPost, "", `{"name":"News","description":"of the day","picture":"cGlj","acceptTerms":true}`,
			actors.CreateChannel{Name: "News", Description: "of the day", Picture: []byte("pic"), AcceptTerms: true},
			actors.Channel{},
			http.StatusCreated,
		},
		"follow":   {http.MethodPost, "/" + id + "/follow", "", actors.FollowChannel{ID: id, Follows: true}, actors.Done{}, 0},
		"unfollow": {http.MethodPost, "/" + id + "/unfollow", "", actors.FollowChannel{ID: id}, actors.Done{}, 0},
		"mute":     {http.MethodPut, "/" + id + "/mute", `{"muted":true}`, actors.MuteChannel{ID: id, Muted: true}, actors.Done{}, 0},
		"posts":    {http.MethodGet, "/" + id + "/messages?before=102", "", actors.ListChannelPosts{ID: id, Limit: 20, Before: 102}, actors.ChannelPostList{}, 0},
		"updates": {
			http.MethodGet, "/" + id + "/updates?since=2026-01-02T12:00:00Z&after=100&limit=5", "",
			actors.ListChannelUpdates{ID: id, Limit: 5, Since: noon, After: 100},
			actors.ChannelPostList{},
			0,
		},
		"viewed": {http.MethodPost, "/" + id + "/viewed", `{"serverIds":[100,101]}`, actors.ViewChannelPosts{ID: id, ServerIDs: []int{100, 101}}, actors.Done{}, 0},
		"react": {
			http.MethodPut, "/" + id + "/messages/100/reaction", `{"emoji":"👍"}`,
			actors.ReactToChannelPost{ID: id, ServerID: 100, Emoji: "👍"},
			actors.Done{},
			0,
		},
		"watch": {http.MethodPost, "/" + id + "/watch", "", actors.WatchChannel{ID: id}, actors.ChannelWatch{}, 0},
	} {
		t.Run(name, func(t *testing.T) { errand.run(t, "/api/channels/") })
	}
	refusal := boot(t, Config{}, &office{}).ask(http.MethodGet, "/api/channels/"+account+"/"+groupID, "").refused(t, actors.CodeInvalidRequest)
	require.Equal(t, "channelId", refusal.Details.Field)
}
