package actors

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/persist"
)

// chosen is what somebody has chosen in a poll, as the read model has it.
func (c *thread) chosen(t *testing.T, poll, voter string) (options []string) {
	t.Helper()
	jid, _ := ParseChat(c.chat)
	vote, err := persist.PollVotes.Get(t.Context(), c.engine.Engine, c.scope(), jid.String(), poll, voter)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(vote.Options), &options))
	return options
}

func TestOwnVotesCountLikeThoseOfOthers(t *testing.T) {
	inEachChat(t, func(t *testing.T, c *thread) {
		own := c.send(t, Poll{Question: "When?", Options: []string{"now", "later"}}, Manner{}).ID
		for poll, options := range map[string][]string{c.poll: {"yes", "later"}, own: {"now"}} {
			require.Equal(t, options, c.send(t, Vote{poll, options}, Manner{}).Vote)
			told := heard(t, c.home, EventPollVote, func(v PollVoteEvent) bool { return v.PollID == poll && len(v.Options) > 0 })
			require.Equal(t, options, told.Options)
			require.Equal(t, c.owner.Number(), told.Sender.Number)
			require.Equal(t, options, c.chosen(t, poll, ownOf(c.home)))
			c.send(t, Vote{PollID: poll}, Manner{})
			require.Empty(t, c.chosen(t, poll, ownOf(c.home)), "taken back")
		}

		to := c.friend.Number()
		if c.chat != to {
			to = c.chat
		}
		_, err := c.owner.SendDraft(t.Context(), simulator.Draft{
			To: to, DraftContent: simulator.DraftContent{Vote: &simulator.DraftVote{ID: c.poll, Options: []string{"no"}}},
		})
		require.NoError(t, err)
		heard(t, c.home, EventPollVote, func(v PollVoteEvent) bool { return len(v.Options) == 1 && v.Options[0] == "no" && v.PollID == c.poll })
		require.Equal(t, []string{"no"}, c.chosen(t, c.poll, ownOf(c.home)), "chosen on the phone")
	})
}
