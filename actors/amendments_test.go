package actors

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

var group = types.NewJID("120363000000000001", types.GroupServer)

// inGroup is a message that somebody writes to the group.
func inGroup(sender types.JID, id string, m *waE2E.Message) *events.Message {
	evt := from(sender, id, m)
	evt.Info.Chat = group
	return evt
}

func editOf(id, body string, at time.Time) *waE2E.Message {
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), Key: key(id), EditedMessage: text(body),
		TimestampMS: proto.Int64(at.UnixMilli()),
	}}
}

// deletionOf is of the message of an author, which is nobody for the sender.
func deletionOf(id string, author types.JID) *waE2E.Message {
	named := key(id)
	if !author.IsEmpty() {
		named.Participant, named.FromMe = proto.String(author.String()), proto.Bool(false)
	}
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_REVOKE.Enum(), Key: named}}
}

func (d *desk) body(t *testing.T, chat, sender types.JID, id string) string {
	t.Helper()
	content, err := persist.MessageContents.Get(t.Context(), d.journal, d.journal.Scope(), chat.String(), sender.String(), id)
	require.NoError(t, err)
	return content.Body
}

func (d *desk) deleted(t *testing.T, chat, sender types.JID, id string) bool {
	t.Helper()
	message, err := persist.Messages.Get(t.Context(), d.journal, d.journal.Scope(), chat.String(), sender.String(), id)
	require.NoError(t, err)
	return !message.RevokedAt.IsZero()
}

// hasMembers tells of the group that Bob is its admin, and Ann in it.
func (d *desk) hasMembers(t *testing.T) {
	t.Helper()
	require.NoError(t, d.group(t.Context(), &types.GroupInfo{
		JID: group, GroupName: types.GroupName{Name: "Team"},
		Participants: []types.GroupParticipant{{JID: own}, {JID: annID, PhoneNumber: ann}, {JID: bob, IsAdmin: true}},
	}))
}

func TestAnEditThatComesBeforeItsMessageIsApplied(t *testing.T) {
	d := newDesk(t)
	for _, body := range []string{"first", "second"} {
		require.NoError(t, d.message(t.Context(), from(ann, "E", editOf("M1", body, midday.Add(time.Duration(len(body))*time.Second)))))
	}
	require.NoError(t, d.message(t.Context(), from(ann, "E", editOf("M1", "late", midday.Add(time.Second)))))
	require.NoError(t, d.message(t.Context(), from(bob, "E", editOf("M1", "forged", midday.Add(time.Hour)))))
	require.Empty(t, d.told)

	require.NoError(t, d.message(t.Context(), from(ann, "M1", text("original"))))
	require.Equal(t, "second", d.body(t, ann, ann, "M1"))
	require.Equal(t, []EventKind{EventMessage, EventEdit}, d.kinds())
	require.NotContains(t, stored(t, d, persist.MessageAmendments), "M1")
}

func TestADeletionThatComesBeforeItsMessageIsAppliedWhateverWasEdited(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, d.message(t.Context(), from(ann, "R", deletionOf("M1", types.EmptyJID))))
	require.NoError(t, d.message(t.Context(), from(ann, "E", editOf("M1", "edited", midday.Add(time.Hour)))))
	require.NoError(t, d.message(t.Context(), from(ann, "M1", text("original"))))
	require.True(t, d.deleted(t, ann, ann, "M1"))
	require.Empty(t, stored(t, d, persist.MessageContents))
	require.Equal(t, []EventKind{EventMessage, EventRevoke}, d.kinds())
	require.Empty(t, stored(t, d, persist.MessageAmendments))
}

func TestAnOlderEditDoesNotReplaceANewerOneOfTheSameSecond(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, d.message(t.Context(), from(ann, "M1", text("original"))))
	for _, edit := range []*waE2E.Message{
		editOf("M1", "one", midday.Add(100*time.Millisecond)),
		editOf("M1", "three", midday.Add(300*time.Millisecond)),
		editOf("M1", "two", midday.Add(200*time.Millisecond)),
	} {
		require.NoError(t, d.message(t.Context(), from(ann, "E", edit)))
	}
	require.Equal(t, "three", d.body(t, ann, ann, "M1"))
}

func TestReactionsOfTheSameSecondAreOrderedByTheirSendersClock(t *testing.T) {
	d := newDesk(t)
	for _, said := range []struct {
		emoji string
		at    int64
	}{{"👍", 100}, {"❤", 300}, {"😂", 200}} {
		require.NoError(t, d.message(t.Context(), from(ann, "R", &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{
			Key: key("M1"), Text: proto.String(said.emoji), SenderTimestampMS: proto.Int64(midday.UnixMilli() + said.at),
		}})))
	}
	require.Equal(t, "❤", stored(t, d, persist.MessageReactions)[0].Emoji)
	require.Len(t, d.told, 2)
}

func TestAnAdminDeletesWhatOthersWroteAndAMemberDoesNot(t *testing.T) {
	d := newDesk(t)
	d.learn(t, annID, ann)
	d.hasMembers(t)
	require.NoError(t, d.message(t.Context(), inGroup(ann, "A1", text("by Ann"))))
	require.NoError(t, d.message(t.Context(), inGroup(bob, "B1", text("by Bob"))))

	require.NoError(t, d.message(t.Context(), inGroup(ann, "R1", deletionOf("B1", bob))))
	require.False(t, d.deleted(t, group, bob, "B1"), "Ann is no admin")
	require.NoError(t, d.message(t.Context(), inGroup(bob, "E1", editOf("A1", "in her name", midday.Add(time.Hour)))))
	require.Equal(t, "by Ann", d.body(t, group, ann, "A1"), "admins don't edit")

	require.NoError(t, d.message(t.Context(), inGroup(bob, "R2", deletionOf("A1", annID))))
	require.True(t, d.deleted(t, group, ann, "A1"))

	require.NoError(t, d.groupChanged(t.Context(), &events.GroupInfo{JID: group, Promote: []types.JID{annID}, Demote: []types.JID{bob}}))
	require.NoError(t, d.message(t.Context(), inGroup(ann, "R3", deletionOf("B1", bob))))
	require.True(t, d.deleted(t, group, bob, "B1"), "Ann is one now")
}

func TestADeletionIsJudgedOnceTheMembersOfTheGroupAreKnown(t *testing.T) {
	d := newDesk(t)
	require.NoError(t, d.message(t.Context(), inGroup(ann, "A1", text("by Ann"))))
	require.NoError(t, d.message(t.Context(), inGroup(bob, "B1", text("by Bob"))))
	require.NoError(t, d.message(t.Context(), inGroup(bob, "R1", deletionOf("A1", ann))))
	require.NoError(t, d.message(t.Context(), inGroup(ann, "R2", deletionOf("B1", bob))))
	require.False(t, d.deleted(t, group, ann, "A1"))
	d.hasMembers(t)
	require.True(t, d.deleted(t, group, ann, "A1"))
	require.False(t, d.deleted(t, group, bob, "B1"))
	require.Empty(t, stored(t, d, persist.MessageAmendments))
}

func TestGroupsFollowWhatIsToldOfThem(t *testing.T) {
	d := newDesk(t)
	d.learn(t, annID, ann)
	roles := func() map[string]string {
		found := map[string]string{}
		for _, member := range stored(t, d, persist.GroupParticipants, group.String()) {
			found[member.JID] = member.Role
		}
		return found
	}
	d.hasMembers(t)
	d.hasMembers(t)
	require.Equal(t, map[string]string{own.String(): "member", ann.String(): "member", bob.String(): "admin"}, roles())
	require.EqualValues(t, 1, d.count(t, persist.CountChats))
	require.Equal(t, "Team", stored(t, d, persist.Chats)[0].Name)

	require.NoError(t, d.groupChanged(t.Context(), &events.GroupInfo{
		JID: group, Leave: []types.JID{bob}, Promote: []types.JID{annID},
		Name: &types.GroupName{Name: "Crew"}, Topic: &types.GroupTopic{Topic: "what for"},
	}))
	require.Equal(t, map[string]string{own.String(): "member", ann.String(): "admin"}, roles())
	chat := stored(t, d, persist.Chats)[0]
	require.Equal(t, []string{"Crew", "what for"}, []string{chat.Name, chat.Description})

	require.NoError(t, d.message(t.Context(), inGroup(ann, "M1", text("hello"))))
	require.EqualValues(t, 1, d.count(t, persist.CountChats))
	require.Equal(t, "Crew", stored(t, d, persist.Chats)[0].Name)
}
