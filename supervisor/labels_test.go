package supervisor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

func (s *shelf) labels(jid, message string, labels ...string) {
	for _, label := range labels {
		s.write(persist.LabelItems.Put(persist.LabelItem{LabelID: label, Chat: jid, MessageID: message, Timestamp: midday}))
	}
}

func TestChatsAndMessagesShowTheirLabels(t *testing.T) {
	s := stopped(t)
	s.knows(annLID, ann)
	s.chat(ann, midday)
	s.chat(team, midday)
	s.message(persist.Message{Chat: ann, Sender: ann, ID: "M", Timestamp: midday})
	for _, label := range []persist.Label{{ID: "10", Name: "Paid", Color: 4}, {ID: "2", Name: "New"}} {
		s.write(persist.Labels.Put(label))
	}
	s.labels(annLID, "", "2") // from before the number was known
	s.labels(ann, "", "10", "deleted")
	s.labels(ann, "M", "10")
	labels, err := s.Labels(t.Context(), number)
	require.NoError(t, err)
	require.Equal(t, []actors.Label{{ID: "2", Name: "New"}, {ID: "10", Name: "Paid", Color: 4}}, labels)

	list, err := s.Conversations(t.Context(), number, all)
	require.NoError(t, err)
	shown := map[string][]actors.Label{}
	for _, chat := range list.Conversations {
		shown[chat.Record.JID] = chat.Labels
	}
	require.Equal(t, map[string][]actors.Label{ann: labels, team: nil}, shown)
	require.Equal(t, labels[1:], s.messages(ann, "", all).Messages[0].Labels)
}

func TestWhatHasALabelIsListed(t *testing.T) {
	s := stopped(t)
	s.write(persist.Contacts.Put(persist.Contact{JID: ann, FullName: "Ann"}))
	s.chat(ann, midday)
	s.message(persist.Message{Chat: ann, Sender: ann, ID: "M", Timestamp: midday})
	s.write(persist.Labels.Put(persist.Label{ID: "1", Name: "New"}))
	s.labels(ann, "", "1")
	s.labels(ann, "M", "1")
	s.labels(bob, "", "1")
	s.labels(bob, "GONE", "1", "2")

	items, next, err := s.LabelItems(t.Context(), number, "1", Page{Limit: 3})
	require.NoError(t, err)
	require.Len(t, items, 3)
	require.Equal(t, LabelItem{Chat: "31600000002@c.us", Name: "Ann", AssignedAt: midday}, items[0])
	require.Equal(t, "body of M", items[1].Message.Body)
	require.Equal(t, "31600000003@c.us", items[2].Chat)
	items, next, err = s.LabelItems(t.Context(), number, "1", Page{Limit: 3, Cursor: next})
	require.NoError(t, err)
	require.Empty(t, next)
	require.Equal(t, []LabelItem{{Chat: "31600000003@c.us", MessageID: "GONE", AssignedAt: midday}}, items)

	_, _, err = s.LabelItems(t.Context(), number, "2", all)
	require.Equal(t, actors.CodeNotFound, actors.CodeOf(err))
}
