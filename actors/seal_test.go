package actors

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

func TestReactionsToACommunitysAnnouncementsAreSealed(t *testing.T) {
	c := newCircle(t)
	community := answered[CreatedGroup](t, c.home, CreateGroup{Subject: "Village", Community: true}).Group
	answered[Done](t, c.home, LinkSubgroup{community.ID, c.group.String()})
	subgroups := answered[SubgroupList](t, c.home, ListSubgroups{community.ID}).Subgroups
	var group string
	for _, subgroup := range subgroups {
		if subgroup.IsAnnouncement {
			group = subgroup.ID
		}
	}
	// whatsmeow enters who joins into the list that a send may be reading, without a lock.
	until(t, "that the friend came along is heard", func() bool {
		return slices.ContainsFunc(logged[GroupUpdatedEvent](t, c.home, EventGroupUpdated), func(update GroupUpdatedEvent) bool {
			return update.ChatID == group && len(update.Joined) > 0
		})
	})
	thread := &thread{home: c.home, chat: group}
	post := thread.send(t, Text{"the well is dry"}, Manner{}).ID
	reaction := thread.send(t, Reaction{post, "😢"}, Manner{})
	require.True(t, reaction.Sealed)
	require.Equal(t, post, reaction.Target)
	require.Equal(t, "😢", reaction.Emoji)

	thumb := simulator.Draft{To: group, DraftContent: simulator.DraftContent{Reaction: &simulator.DraftReaction{ID: post, Emoji: "👍"}}}
	_, err := c.friend.SendDraft(t.Context(), thumb)
	require.NoError(t, err)
	require.NoError(t, c.owner.ChangeMembers(t.Context(), jidOf(t, group), simulator.PromoteMembers, c.friend.Number()))
	thread.theirs, err = c.friend.SendText(t.Context(), group, "water comes at noon")
	require.NoError(t, err)
	until(t, "the friend's post is stored", func() bool { return thread.knows(t, thread.theirs) })
	reaction = thread.send(t, Reaction{thread.theirs, "🎉"}, Manner{})
	require.True(t, reaction.Sealed)
	require.Equal(t, thread.theirs, reaction.Target)

	until(t, "each reaction is told", func() bool { return len(logged[ReactionEvent](t, c.home, EventReaction)) == 3 })
	emojis := map[string]string{}
	for _, reaction := range rows(t, c.home, persist.MessageReactions) {
		emojis[reaction.Emoji] = reaction.MessageID
	}
	require.Equal(t, map[string]string{"😢": post, "👍": post, "🎉": thread.theirs}, emojis)
}
