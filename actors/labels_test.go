package actors

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// labels are those of the account by id.
func (h *home) labels(t *testing.T) map[string]Label {
	t.Helper()
	records, err := persist.Labels.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
	require.NoError(t, err)
	labels := map[string]Label{}
	for _, record := range records {
		labels[record.ID] = ShowLabel(record)
	}
	return labels
}

// labelled are the chat with the friend and its messages that have a label, by
// message id.
func (h *home) labelled(t *testing.T, label string) (items []string) {
	t.Helper()
	records, err := persist.LabelItems.Scan(t.Context(), h.engine.Engine, persist.Query{
		Scope: h.scope(), Prefix: persist.LabelItems.Key(label, h.ann()), Limit: everything,
	})
	require.NoError(t, err)
	for _, record := range records {
		items = append(items, record.MessageID)
	}
	return items
}

func TestLabelsMadeHereAreSeenByThePhone(t *testing.T) {
	h, chat, id := newChat(t) // whose phone has label 1
	until(t, "the phone's label is stored", func() bool { return len(h.labels(t)) == 1 })
	lid := h.friend.LID().String()

	label := answered[Label](t, h, CreateLabel{Name: "Paid", Color: 3})
	require.Equal(t, Label{"2", "Paid", 3}, label)
	require.JSONEq(t, `{"name":"Paid","color":3,"deleted":false}`, h.shared(t, appstate.IndexLabelEdit, "2"))
	require.Equal(t, label, h.labels(t)["2"])

	name := "Paid in full"
	require.Equal(t, Label{"2", name, 3}, answered[Label](t, h, EditLabel{ID: "2", Name: &name}))
	require.JSONEq(t, `{"name":"Paidinfull","color":3,"deleted":false}`, h.shared(t, appstate.IndexLabelEdit, "2"))

	answered[Done](t, h, AssignLabel{ID: "2", Chat: chat, On: true})
	require.JSONEq(t, `{"labeled":true}`, h.shared(t, appstate.IndexLabelAssociationChat, "2", lid))
	answered[Done](t, h, AssignLabel{ID: "2", Chat: chat, MessageID: id, On: true})
	require.JSONEq(t, `{"labeled":true}`, h.shared(t, appstate.IndexLabelAssociationMessage, "2", lid, id))
	require.Equal(t, []string{"", id}, h.labelled(t, "2"))
	answered[Done](t, h, AssignLabel{ID: "2", Chat: chat})
	require.JSONEq(t, `{"labeled":false}`, h.shared(t, appstate.IndexLabelAssociationChat, "2", lid))
	require.Equal(t, []string{id}, h.labelled(t, "2"))

	answered[Done](t, h, DeleteLabel{"2"})
	require.Contains(t, h.shared(t, appstate.IndexLabelEdit, "2"), `"deleted":true`)
	require.Empty(t, h.labelled(t, "2"))
	require.NotContains(t, h.labels(t), "2")
	require.Equal(t, "3", answered[Label](t, h, CreateLabel{Name: "Another"}).ID, "what had label 2 must not get another's")

	until(t, "what comes back from WhatsApp is told once", func() bool { return len(logged[LabelEvent](t, h, EventLabel)) == 7 })
}

func TestWhatThePhoneDoesWithLabelsIsStoredAndTold(t *testing.T) {
	h, chat, id := newChat(t)
	friend := h.friend.Number()
	require.NoError(t, h.owner.EditLabel(t.Context(), "7", "New order", 5, false))
	require.NoError(t, h.owner.LabelChat(t.Context(), friend, "7", true))
	require.NoError(t, h.owner.LabelMessage(t.Context(), friend, id, "7", true))
	until(t, "all of it is told", func() bool { return len(logged[LabelEvent](t, h, EventLabel)) == 3 })
	require.Equal(t, Label{"7", "New order", 5}, h.labels(t)["7"])
	require.Equal(t, []string{"", id}, h.labelled(t, "7"))
	name, color, on := "New order", 5, true
	told := logged[LabelEvent](t, h, EventLabel)
	for i := range told {
		require.WithinDuration(t, time.Now(), told[i].At, patience)
		told[i].At = time.Time{}
	}
	number := h.owner.Number()
	require.ElementsMatch(t, []LabelEvent{
		{ClientID: number, LabelID: "7", Name: &name, Color: &color},
		{ClientID: number, LabelID: "7", ChatID: chat, Assigned: &on},
		{ClientID: number, LabelID: "7", ChatID: chat, MessageID: id, Assigned: &on},
	}, told)

	require.NoError(t, h.owner.LabelChat(t.Context(), friend, "7", false))
	until(t, "it is taken off", func() bool { return len(h.labelled(t, "7")) == 1 })
	answered[Done](t, h, DeleteMessage{chat, id})
	require.Empty(t, h.labelled(t, "7"), "a message that is gone")
	require.NoError(t, h.owner.LabelChat(t.Context(), friend, "7", true))
	until(t, "it is put on again", func() bool { return len(h.labelled(t, "7")) == 1 })
	require.NoError(t, h.owner.EditLabel(t.Context(), "7", "New order", 5, true))
	until(t, "the label is gone", func() bool { return len(h.labels(t)) == 1 })
	require.Empty(t, h.labelled(t, "7"))
}

func TestANewDeviceGetsTheLabelsThatThereAre(t *testing.T) {
	h := newTown(t).newHome(t)
	require.NoError(t, h.owner.EditLabel(t.Context(), "1", "VIP", 2, false))
	require.NoError(t, h.owner.LabelChat(t.Context(), h.friend.Number(), "1", true))
	require.NoError(t, h.owner.EditLabel(t.Context(), "2", "Old", 0, true))
	h.link(t)
	until(t, "the labels are there", func() bool { return len(h.labels(t)) == 1 && h.labels(t)["1"].Name == "VIP" })
	until(t, "and what has them", func() bool {
		items, err := persist.LabelItems.Scan(t.Context(), h.engine.Engine, persist.Query{Scope: h.scope(), Limit: everything})
		return err == nil && len(items) == 1
	})
	require.Empty(t, logged[LabelEvent](t, h, EventLabel), "nothing of it is news")
	until(t, "no label takes the place of one that was deleted", func() bool { return h.count(t, persist.CountLabels) == 2 })
}

func TestALabelThatCannotBeIsRefused(t *testing.T) {
	h, chat, _ := newChat(t)
	require.Equal(t, "name", declined(t, h, CreateLabel{Name: " "}).Field)
	require.Equal(t, "name", declined(t, h, CreateLabel{Name: strings.Repeat("x", MaxLabelName+1)}).Field)
	require.Equal(t, "color", declined(t, h, CreateLabel{Name: "x", Color: MaxLabelColor + 1}).Field)
	require.Equal(t, "label", declined(t, h, EditLabel{ID: "1"}).Field)
	name := "x"
	require.Equal(t, CodeNotFound, declined(t, h, EditLabel{ID: "99", Name: &name}).Code)
	require.Equal(t, CodeNotFound, declined(t, h, DeleteLabel{"99"}).Code)
	require.Equal(t, CodeNotFound, declined(t, h, AssignLabel{ID: "99", Chat: chat, On: true}).Code)
	until(t, "the phone's label is stored", func() bool { return len(h.labels(t)) == 1 })
	require.Equal(t, CodeChatNotFound, declined(t, h, AssignLabel{ID: "1", Chat: "31699999999", On: true}).Code)
	require.Equal(t, CodeMessageNotFound, declined(t, h, AssignLabel{ID: "1", Chat: chat, MessageID: "NEVER", On: true}).Code)
	require.Len(t, h.labels(t), 1)
	require.Empty(t, h.shared(t, appstate.IndexLabelAssociationChat))
}

// label has a chat, or a message of it, labelled by a device of the account.
func (d *desk) label(t *testing.T, chat types.JID, message string, on bool, at time.Time) {
	t.Helper()
	_, err := d.appState(t.Context(), &events.LabelAssociationMessage{
		JID: chat, LabelID: "1", MessageID: message, Timestamp: at, Action: &waSyncAction.LabelAssociationAction{Labeled: proto.Bool(on)},
	})
	require.NoError(t, err)
}

func TestALabelGoesAlongWhenTheNumberIsLearnt(t *testing.T) {
	d := newDesk(t)
	d.heardByLID(t, 2)
	d.label(t, annID, "L0", true, midday)
	d.label(t, annID, "L1", true, midday)
	d.meet(t)
	d.label(t, annID, "L1", false, midday.Add(time.Second)) // before it has moved
	d.merge(t)
	items := stored(t, d, persist.LabelItems, "1")
	require.Len(t, items, 1)
	require.Equal(t, persist.LabelItem{LabelID: "1", Chat: ann.String(), MessageID: "L0", Timestamp: midday.UTC()}, items[0])
}

func TestALabelThatMuchHasIsDeletedWhole(t *testing.T) {
	d := newDesk(t)
	for i := range mergeUnit + 1 {
		d.label(t, ann, fmt.Sprint("M", i), true, midday)
	}
	_, err := d.appState(t.Context(), &events.LabelEdit{
		LabelID: "1", Timestamp: midday, Action: &waSyncAction.LabelEditAction{Deleted: proto.Bool(true)},
	})
	require.NoError(t, err)
	require.Empty(t, stored(t, d, persist.LabelItems))
}
