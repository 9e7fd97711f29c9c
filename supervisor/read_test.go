package supervisor

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
	"whatsapp-web-server/persist/memory"
)

const (
	self   = number + "@s.whatsapp.net"
	ann    = "31600000002@s.whatsapp.net"
	annLID = "900000000000002@lid"
	bob    = "31600000003@s.whatsapp.net"
	team   = "120363000000000001@g.us"
)

var (
	midday = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	all    = Page{Limit: 200}
)

// shelf is an account that is stopped, and the pen with which a test writes into
// its storage.
type shelf struct {
	*house
	t          *testing.T
	generation uint64
}

func stopped(t *testing.T) *shelf {
	t.Helper()
	h := open(t, memory.Open())
	_, err := h.Initialize(t.Context(), number, "", actors.Start{})
	require.NoError(t, err)
	_, err = h.Stop(t.Context(), number, actors.Stop{})
	require.NoError(t, err)
	generation, err := h.engine.Acquire(t.Context(), number, 0)
	require.NoError(t, err)
	return &shelf{h, t, generation}
}

func (s *shelf) write(mutations ...persist.Mutation) {
	s.t.Helper()
	batch := persist.Batch{Scope: persist.AccountScope(number), Generation: s.generation, Mutations: mutations}
	require.NoError(s.t, s.engine.Apply(s.t.Context(), []persist.Batch{batch})[0])
}

func (s *shelf) knows(lid, pn string) {
	s.write(persist.LIDMappings.Put(persist.LIDMapping{JID: lid, Other: pn}),
		persist.LIDMappings.Put(persist.LIDMapping{JID: pn, Other: lid}))
}

func (s *shelf) chat(jid string, at time.Time) {
	s.write(persist.Chats.Put(persist.Chat{JID: jid, LastMessageAt: at, Unread: 1}))
}

func (s *shelf) message(m persist.Message) {
	if m.Type == "" {
		m.Type = "text"
	}
	s.write(persist.Messages.Put(m),
		persist.MessageContents.Put(persist.NewMessageContent(m, "body of "+m.ID)))
}

func (s *shelf) messages(chat, before string, page Page) MessageList {
	s.t.Helper()
	list, err := s.Messages(s.t.Context(), number, chat, before, page)
	require.NoError(s.t, err)
	return list
}

func (s *shelf) contacts(search string, page Page) (names []string) {
	s.t.Helper()
	list, err := s.Contacts(s.t.Context(), number, search, page)
	require.NoError(s.t, err)
	for _, contact := range list.Contacts {
		names = append(names, contact.Person.Name)
	}
	return names
}

func ids(list MessageList) (ids []string) {
	for _, message := range list.Messages {
		ids = append(ids, message.ID)
	}
	return ids
}

func TestReadsOfAnUnknownAccountAreRefused(t *testing.T) {
	h := open(t, memory.Open())
	_, err := h.Conversations(t.Context(), number, all)
	require.Equal(t, actors.CodeAccountNotFound, actors.CodeOf(err))
	_, err = h.Conversation(t.Context(), number, ann)
	require.Equal(t, actors.CodeAccountNotFound, actors.CodeOf(err))
	_, err = h.Messages(t.Context(), number, ann, "", all)
	require.Equal(t, actors.CodeAccountNotFound, actors.CodeOf(err))
	_, err = h.Contacts(t.Context(), number, "", all)
	require.Equal(t, actors.CodeAccountNotFound, actors.CodeOf(err))
}

func TestStorageThatDoesNotAnswerIsToldAsSuch(t *testing.T) {
	s := stopped(t)
	require.NoError(t, s.engine.Close())
	_, err := s.Conversations(t.Context(), number, all)
	require.Equal(t, actors.CodeStorageUnavailable, actors.CodeOf(err))
}

func TestChatsComeNewestActivityFirst(t *testing.T) {
	s := stopped(t)
	s.chat(ann, midday)
	s.chat(team, midday.Add(time.Hour))
	s.chat(bob, midday.Add(time.Minute))
	s.write(persist.Counters.Put(persist.Counter{Name: persist.CountChats, Value: 3}),
		persist.ChatSettings.Put(persist.ChatSetting{JID: bob, Pinned: true}))

	var seen []string
	page := Page{Limit: 2}
	for {
		list, err := s.Conversations(t.Context(), number, page)
		require.NoError(t, err)
		require.Equal(t, 3, list.Total)
		for _, c := range list.Conversations {
			seen = append(seen, c.ID)
			require.Equal(t, c.Record.JID == bob, c.Setting.Pinned)
		}
		if page.Cursor = list.Next; page.Cursor == "" {
			break
		}
	}
	require.Equal(t, []string{team, "31600000003@c.us", "31600000002@c.us"}, seen)
}

func TestAChatIsFoundByNumberAndByLID(t *testing.T) {
	for name, kept := range map[string]string{"kept by number": ann, "kept by LID, before the number was known": annLID} {
		t.Run(name, func(t *testing.T) {
			s := stopped(t)
			s.chat(kept, midday)
			s.knows(annLID, ann)
			for _, address := range []string{ann, annLID, "31600000002@c.us", "+31600000002"} {
				found, err := s.Conversation(t.Context(), number, address)
				require.NoError(t, err)
				require.Equal(t, "31600000002@c.us", found.ID)
				require.Equal(t, actors.Person{Number: "31600000002", LID: annLID}, found.Person)
				require.Equal(t, []Participant{{found.Person, "member"}}, found.Participants)
			}
			_, err := s.Conversation(t.Context(), number, bob)
			require.Equal(t, actors.CodeChatNotFound, actors.CodeOf(err))
		})
	}
}

func TestAGroupTellsItsMembers(t *testing.T) {
	s := stopped(t)
	s.chat(team, midday)
	s.write(persist.GroupParticipants.Put(persist.GroupParticipant{Group: team, JID: ann, Role: "admin"}))
	found, err := s.Conversation(t.Context(), number, team)
	require.NoError(t, err)
	require.True(t, found.Group)
	require.Equal(t, []Participant{{actors.Person{Number: "31600000002"}, "admin"}}, found.Participants)
}

func TestEveryOldMessageIsSeenOnceWhileNewOnesArrive(t *testing.T) {
	s := stopped(t)
	s.chat(ann, midday)
	for i := range 25 { // five at the same instant
		s.message(persist.Message{
			Chat: ann, Sender: ann, ID: fmt.Sprintf("old-%02d", i), Seq: int64(i), Timestamp: midday.Add(time.Duration(i/5) * time.Second),
		})
	}
	var seen []string
	page := Page{Limit: 4}
	for i := 0; ; i++ {
		list := s.messages(ann, "", page)
		seen = append(seen, ids(list)...)
		s.message(persist.Message{Chat: ann, Sender: ann, ID: fmt.Sprintf("new-%02d", i), Seq: int64(100 + i), Timestamp: midday.Add(time.Hour)})
		if page.Cursor = list.Next; page.Cursor == "" {
			break
		}
	}
	require.Len(t, seen, 25)
	for i, id := range seen {
		require.Equal(t, fmt.Sprintf("old-%02d", 24-i), id)
	}
}

func TestMessagesBeforeOneOfThem(t *testing.T) {
	s := stopped(t)
	s.chat(ann, midday)
	for i := range 5 {
		s.message(persist.Message{Chat: ann, Sender: ann, ID: fmt.Sprint("M", i), Seq: int64(i), Timestamp: midday})
	}
	require.Equal(t, []string{"M2", "M1"}, ids(s.messages(ann, "M3", Page{Limit: 2})))
	require.Empty(t, ids(s.messages(ann, "M0", all)))
	_, err := s.Messages(t.Context(), number, ann, "elsewhere", all)
	require.Equal(t, actors.CodeMessageNotFound, actors.CodeOf(err))
	_, err = s.Messages(t.Context(), number, bob, "M3", all)
	require.Equal(t, actors.CodeChatNotFound, actors.CodeOf(err))
}

func TestTwoMessagesWithOneIDAreToldApartBySender(t *testing.T) {
	s := stopped(t)
	s.chat(team, midday)
	s.message(persist.Message{Chat: team, Sender: bob, ID: "M1", Seq: 1, Timestamp: midday})
	s.message(persist.Message{Chat: team, Sender: ann, ID: "M1", Seq: 2, Timestamp: midday.Add(time.Second)})
	require.Equal(t, []string{"M1~31600000002@c.us", "M1"}, ids(s.messages(team, "", all)))
	require.Equal(t, []string{"M1"}, ids(s.messages(team, "M1~31600000002@c.us", all)))
	require.Empty(t, ids(s.messages(team, "M1", all)))
	_, err := s.Messages(t.Context(), number, team, "M1~31600000009@c.us", all)
	require.Equal(t, actors.CodeMessageNotFound, actors.CodeOf(err))
}

func TestAMessageComesWithAllThatBelongsToIt(t *testing.T) {
	s := stopped(t)
	s.chat(ann, midday)
	s.knows(annLID, ann)
	raw, err := proto.Marshal(&waE2E.Message{ImageMessage: &waE2E.ImageMessage{ContextInfo: &waE2E.ContextInfo{
		StanzaID: proto.String("M0"), Participant: proto.String(annLID), QuotedMessage: &waE2E.Message{Conversation: proto.String("why?")},
	}}})
	require.NoError(t, err)
	s.message(persist.Message{
		Chat: ann, Sender: self, ID: "M1", Timestamp: midday, FromMe: true, Type: "image", Status: "read", QuotedID: "M0", Raw: raw,
	})
	s.write(
		persist.MediaData.Put(persist.Media{Chat: ann, Sender: self, MessageID: "M1", MIMEType: "image/png", Size: 7}),
		persist.MessageReactions.Put(persist.MessageReaction{Chat: ann, MessageID: "M1", Sender: ann, Emoji: "👍", Timestamp: midday}),
		persist.MessageReactions.Put(persist.MessageReaction{Chat: ann, MessageID: "M1", Sender: bob, Timestamp: midday}), // taken back
		persist.UserReceipts.Put(persist.UserReceipt{Chat: ann, MessageID: "M1", User: ann, ReadAt: midday}),
	)
	annie := actors.Person{Number: "31600000002", LID: annLID}
	message := s.messages(annLID, "", all).Messages[0]
	require.Equal(t, "31600000002@c.us", message.Chat)
	require.Equal(t, "body of M1", message.Body)
	require.Equal(t, "image/png", message.Media.MIMEType)
	require.Equal(t, &Quote{ID: "M0", Sender: annie, Type: "text", Body: "why?"}, message.Quote)
	require.Len(t, message.Reactions, 1)
	require.Equal(t, annie, message.Reactions[0].Sender)
	require.Len(t, message.Receipts, 1)
	require.Equal(t, midday, message.Receipts[0].Record.ReadAt)
}

func TestSomebodyWithTwoAddressesIsOneContact(t *testing.T) {
	s := stopped(t)
	s.knows(annLID, ann)
	s.write(
		persist.Contacts.Put(persist.Contact{JID: ann, FullName: "Ann Jansen"}),
		persist.Contacts.Put(persist.Contact{JID: annLID, PushName: "Annie"}),
		persist.Contacts.Put(persist.Contact{JID: bob, PushName: "Bob"}),
		persist.Contacts.Put(persist.Contact{JID: "900000000000009@lid", PushName: "Hidden"}),
	)
	require.Equal(t, []string{"Ann Jansen", "Bob", "Hidden"}, s.contacts("", all))
	require.Equal(t, []string{"Bob"}, s.contacts("", Page{Limit: 1, Offset: 1}))

	list, err := s.Contacts(t.Context(), number, "", all)
	require.NoError(t, err)
	require.Equal(t, "Annie", list.Contacts[0].Names.PushName)

	for search, want := range map[string][]string{
		"annie": {"Ann Jansen"}, "jans": {"Ann Jansen"}, "ansen": nil, "hid": {"Hidden"}, "ann bob": nil,
		"+31 6 0000 0002": {"Ann Jansen"}, "316": {"Ann Jansen", "Bob"}, "!": nil,
	} {
		require.Equal(t, want, s.contacts(search, all), search)
	}
}

func TestContactsArePagedThroughLongStretchesOfOthers(t *testing.T) {
	s := stopped(t)
	var want []string
	for i := range 3 * contactStride {
		name := "Somebody"
		if i%100 == 0 {
			name = fmt.Sprintf("Élodie %04d", i)
			want = append(want, name)
		}
		s.write(persist.Contacts.Put(persist.Contact{JID: fmt.Sprintf("3160000%04d@s.whatsapp.net", i), PushName: name}))
	}
	var found []string
	page := Page{Limit: 3}
	for {
		list, err := s.Contacts(t.Context(), number, "ELODIE", page)
		require.NoError(t, err)
		for _, contact := range list.Contacts {
			found = append(found, contact.Person.Name)
		}
		if page.Cursor = list.Next; page.Cursor == "" {
			break
		}
	}
	require.Equal(t, want, found)
}

func TestCursorsOfOtherListsAreRefused(t *testing.T) {
	s := stopped(t)
	s.chat(ann, midday)
	s.chat(bob, midday)
	list, err := s.Conversations(t.Context(), number, Page{Limit: 1})
	require.NoError(t, err)
	for _, cursor := range []string{list.Next, "nonsense", "!", "W10", "WyJtZXNzYWdlcyJd"} {
		_, err := s.Messages(t.Context(), number, ann, "", Page{Limit: 1, Cursor: cursor})
		require.Equal(t, actors.CodeInvalidRequest, actors.CodeOf(err), cursor)
	}
}

func FuzzCursorIsAPlaceOrRefused(f *testing.F) {
	q := persist.Query{Table: persist.Messages.Table, Index: "by_time", Prefix: persist.Messages.Key(ann), Limit: 1}
	f.Add(formatPlace(q, persist.Key{int64(5), int64(6), ann, "M1"}))
	for _, cursor := range []string{"", "W10", "bnVsbA", "WyJtZXNzYWdlcyIsMWU5OSwxLCIiLCIiXQ"} {
		f.Add(cursor)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		place, err := parsePlace(cursor, q)
		if err != nil {
			require.Equal(t, actors.CodeInvalidRequest, actors.CodeOf(err))
			return
		}
		q := q
		q.Scope, q.After = persist.AccountScope(number), place
		require.NoError(t, q.Check())
		again, err := parsePlace(formatPlace(q, place), q)
		require.NoError(t, err)
		require.Equal(t, place, again)
	})
}

func TestARevokedMessageIsShownWithoutWhatItSaid(t *testing.T) {
	s := stopped(t)
	s.chat(ann, midday)
	revoked := persist.Message{Chat: ann, Sender: ann, ID: "M1", Timestamp: midday, Type: "text", QuotedID: "M0", RevokedAt: midday}
	s.write(persist.Messages.Put(revoked), persist.Chats.Put(persist.Chat{
		JID: ann, LastMessageAt: midday, LastMessageID: "M1", LastMessageSender: ann,
	}))
	message := s.messages(ann, "", all).Messages[0]
	require.Equal(t, midday, message.Record.RevokedAt)
	require.Empty(t, message.Body)
	require.Nil(t, message.Quote)

	found, err := s.Conversation(t.Context(), number, ann)
	require.NoError(t, err)
	require.Equal(t, midday, found.Last.Record.RevokedAt)
}

func TestAChatThatIsBeingMergedIsReadWhole(t *testing.T) {
	s := stopped(t)
	s.knows(annLID, ann)
	s.chat(ann, midday)
	s.write(persist.Counters.Put(persist.Counter{Name: persist.CountMerging + annLID, Value: 1}),
		persist.Counters.Put(persist.Counter{Name: persist.CountMessages + ann, Value: 9}))
	var want []string
	for i := range 9 {
		chat := ann
		if i%3 == 0 {
			chat = annLID // still to come
		}
		id := fmt.Sprint("M", i)
		s.message(persist.Message{Chat: chat, Sender: chat, ID: id, Seq: int64(i), Timestamp: midday.Add(time.Duration(i/2) * time.Second)})
		want = append([]string{id}, want...)
	}
	// One that was read in both while it moved.
	s.message(persist.Message{Chat: ann, Sender: ann, ID: "M3", Seq: 3, Timestamp: midday.Add(time.Second)})

	require.Equal(t, want, ids(s.messages(ann, "", all)))
	require.Equal(t, want, ids(s.messages(annLID, "", all)))
	require.Equal(t, want[2:5], ids(s.messages(ann, "", Page{Limit: 3, Offset: 2})))
	require.Equal(t, want[3:], ids(s.messages(ann, want[2], all)))
	var paged []string
	for page := (Page{Limit: 2}); ; {
		list := s.messages(ann, "", page)
		paged = append(paged, ids(list)...)
		if list.Next == "" {
			break
		}
		page.Cursor = list.Next
	}
	require.Equal(t, want, paged)
	for _, message := range s.messages(ann, "", all).Messages {
		require.Equal(t, "31600000002@c.us", message.Chat)
		require.Equal(t, "31600000002", message.Sender.Number)
		require.NotEmpty(t, message.Body)
	}
}

func TestMessagesAreFoundByTheBeginningsOfTheirWordsNewestFirst(t *testing.T) {
	s := stopped(t)
	s.knows(annLID, ann)
	s.chat(ann, midday)
	s.chat(team, midday)
	write := func(chat, id, body string, at time.Time) {
		m := persist.Message{Chat: chat, Sender: bob, ID: id, Timestamp: at, Type: "text"}
		s.write(persist.Messages.Put(m), persist.MessageContents.Put(persist.NewMessageContent(m, body)))
	}
	write(ann, "A1", "Die Rechnung für Jörg", midday)
	write(team, "T1", "rechnungen, bitte", midday.Add(time.Minute))
	write(ann, "A2", "keine Abrechnung", midday.Add(time.Hour))
	search := func(text, chat string, page Page) MessageList {
		list, err := s.Search(t.Context(), number, text, chat, page)
		require.NoError(t, err)
		return list
	}
	require.Equal(t, []string{"T1", "A1"}, ids(search("RECHN", "", all)))
	require.Equal(t, []string{"A1"}, ids(search("rechnung jorg", "", all)))
	require.Equal(t, []string{"A1"}, ids(search("rechnung", annLID, all)))
	require.Empty(t, ids(search("nothing", "", all)))
	found := search("rechn", team, all).Messages[0]
	require.Equal(t, "rechnungen, bitte", found.Body)
	require.Equal(t, team, found.Chat)

	first := search("rechn", "", Page{Limit: 1})
	write(team, "T2", "noch eine Rechnung", midday.Add(2*time.Hour))
	require.Equal(t, []string{"A1"}, ids(search("rechn", "", Page{Limit: 1, Cursor: first.Next})))
	require.Equal(t, []string{"A1"}, ids(search("rechn", "", Page{Limit: 1, Offset: 2})))
}

func TestASearchThatCannotBeMadeIsRefused(t *testing.T) {
	s := stopped(t)
	for _, text := range []string{"", " ", "?!", "🙂"} {
		_, err := s.Search(t.Context(), number, text, "", all)
		require.Equal(t, actors.CodeInvalidRequest, actors.CodeOf(err), text)
	}
	_, err := s.Search(t.Context(), number, "a", ann, all)
	require.Equal(t, actors.CodeChatNotFound, actors.CodeOf(err))
	_, err = s.Search(t.Context(), number, "a", "", Page{Limit: 1, Cursor: "nonsense"})
	require.Equal(t, actors.CodeInvalidRequest, actors.CodeOf(err))
}

func TestOneMessageIsReadByItsID(t *testing.T) {
	s := stopped(t)
	s.chat(ann, midday)
	s.message(persist.Message{Chat: ann, Sender: ann, ID: "M1", Seq: 1, Timestamp: midday})
	s.message(persist.Message{Chat: ann, Sender: self, ID: "M1", Seq: 2, Timestamp: midday})
	for id, sender := range map[string]string{"M1": ann, "M1~31600000001@c.us": self} {
		message, err := s.Message(t.Context(), number, ann, id)
		require.NoError(t, err)
		require.Equal(t, id, message.ID)
		require.Equal(t, sender, message.Record.Sender)
	}
	_, err := s.Message(t.Context(), number, ann, "M2")
	require.Equal(t, actors.CodeMessageNotFound, actors.CodeOf(err))
	_, err = s.Message(t.Context(), number, bob, "M1")
	require.Equal(t, actors.CodeChatNotFound, actors.CodeOf(err))
}
