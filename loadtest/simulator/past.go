package simulator

import (
	"cmp"
	"slices"
	"sync"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// maxPast bounds the messages that a phone remembers. Beyond it, the oldest of a chat make room for its next.
const maxPast = 100_000

// past is what the user of a phone can scroll through: its chats with their messages. It is a leaf lock.
type past struct {
	mu    sync.Mutex
	chats map[types.JID]*pastChat // people by LID
	count int                     // of all messages
}

// pastChat is one chat, its messages in the order of their time.
type pastChat struct {
	jid      types.JID
	unread   uint32
	expires  uint32 // seconds after which new messages disappear, 0 for never
	messages []pastMessage
}

// pastMessage is a message as a chat shows it. Its content is kept encoded, which takes a tenth of the memory.
type pastMessage struct {
	id        string
	author    *account
	at        int64 // Unix seconds
	status    waWeb.WebMessageInfo_Status
	content   []byte // nil once it is revoked
	reactions []*waWeb.Reaction
	votes     []*waWeb.PollUpdate
}

func (h *past) chatLocked(jid types.JID) *pastChat {
	if h.chats == nil {
		h.chats = map[types.JID]*pastChat{}
	}
	if h.chats[jid] == nil {
		h.chats[jid] = &pastChat{jid: jid}
	}
	return h.chats[jid]
}

// addLocked puts messages where their time belongs. Equals stay in the order of their coming.
func (h *past) addLocked(chat *pastChat, messages ...pastMessage) {
	inOrder := true
	for _, m := range messages {
		inOrder = inOrder && (len(chat.messages) == 0 || chat.messages[len(chat.messages)-1].at <= m.at)
		chat.messages = append(chat.messages, m)
	}
	if !inOrder {
		slices.SortStableFunc(chat.messages, func(a, b pastMessage) int { return cmp.Compare(a.at, b.at) })
	}
	h.count += len(messages)
	if excess := min(max(h.count-maxPast, 0), len(chat.messages)-1); excess > 0 {
		excess = max(excess, len(chat.messages)/4) // not one by one
		chat.messages = slices.Clone(chat.messages[excess:])
		h.count -= excess
	}
}

// find looks for a message from the newest to the oldest: most that are asked for are new.
func (c *pastChat) find(id string) *pastMessage {
	for i := len(c.messages) - 1; i >= 0; i-- {
		if c.messages[i].id == id {
			return &c.messages[i]
		}
	}
	return nil
}

// known finds a message in any chat.
func (h *past) known(id string) (m knownMessage, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, chat := range h.chats {
		if found := chat.find(id); found != nil && found.content != nil {
			return knownMessage{author: found.author, chat: chat.jid, message: decoded(found.content)}, true
		}
	}
	return knownMessage{}, false
}

// snapshot copies the chats, the one with the newest message first.
func (h *past) snapshot() []pastChat {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []pastChat
	for _, chat := range h.chats {
		all = append(all, chat.copyLocked())
	}
	slices.SortFunc(all, func(a, b pastChat) int {
		return cmp.Or(cmp.Compare(b.latest(), a.latest()), cmp.Compare(a.jid.String(), b.jid.String()))
	})
	return all
}

// copyLocked copies a chat, as its messages can change.
func (c *pastChat) copyLocked() pastChat {
	same := *c
	same.messages = slices.Clone(c.messages)
	for i := range same.messages {
		same.messages[i].reactions = slices.Clone(same.messages[i].reactions)
		same.messages[i].votes = slices.Clone(same.messages[i].votes)
	}
	return same
}

func (c *pastChat) latest() int64 {
	if len(c.messages) == 0 {
		return 0
	}
	return c.messages[len(c.messages)-1].at
}

// chat copies one chat.
func (h *past) chat(jid types.JID) (pastChat, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if chat := h.chats[jid]; chat != nil {
		return chat.copyLocked(), true
	}
	return pastChat{}, false
}

// markRead tells that the user has seen a chat.
func (h *past) markRead(jid types.JID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if chat := h.chats[jid]; chat != nil {
		chat.unread = 0
	}
}

// advance notes how far messages have come. They never go back.
func (h *past) advance(jid types.JID, status waWeb.WebMessageInfo_Status, ids []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	chat := h.chats[jid]
	if chat == nil {
		return
	}
	for _, id := range ids {
		if m := chat.find(id); m != nil {
			m.status = max(m.status, status)
		}
	}
}

// remember shows a message in its chat, or what it does to an earlier one.
func (h *past) remember(own *account, chat types.JID, m pastMessage, whole *waE2E.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch words := innermost(whole); {
	case words.ReactionMessage != nil:
		h.chatLocked(chat).reactLocked(own, m, words.ReactionMessage)
	case words.ProtocolMessage != nil:
		h.chatLocked(chat).changeLocked(words.ProtocolMessage)
	case words.PollUpdateMessage != nil, words.PinInChatMessage != nil, words.EncReactionMessage != nil:
	default:
		m.content = encoded(whole)
		c := h.chatLocked(chat)
		if m.author == own {
			m.status, c.unread = waWeb.WebMessageInfo_SERVER_ACK, 0
		} else {
			c.unread++
		}
		h.addLocked(c, m)
	}
}

// reactLocked replaces what somebody has said of a message.
func (c *pastChat) reactLocked(own *account, m pastMessage, reaction *waE2E.ReactionMessage) {
	target := c.find(reaction.GetKey().GetID())
	if target == nil {
		return
	}
	key := keyOf(own, c.jid, m.id, m.author)
	target.reactions = slices.DeleteFunc(target.reactions, func(r *waWeb.Reaction) bool {
		return sameAuthor(r.GetKey(), key)
	})
	if reaction.GetText() != "" {
		target.reactions = append(target.reactions, &waWeb.Reaction{Key: key, Text: reaction.Text, SenderTimestampMS: reaction.SenderTimestampMS})
	}
}

// vote replaces what somebody has chosen in a poll.
func (h *past) vote(own *account, chat types.JID, m pastMessage, update *waE2E.PollUpdateMessage, vote *waE2E.PollVoteMessage) {
	h.mu.Lock()
	defer h.mu.Unlock()
	poll := h.chatLocked(chat).find(update.GetPollCreationMessageKey().GetID())
	if poll == nil {
		return
	}
	key := keyOf(own, chat, m.id, m.author)
	poll.votes = slices.DeleteFunc(poll.votes, func(v *waWeb.PollUpdate) bool {
		return sameAuthor(v.GetPollUpdateMessageKey(), key)
	})
	poll.votes = append(poll.votes, &waWeb.PollUpdate{
		PollUpdateMessageKey: key, Vote: vote, SenderTimestampMS: update.SenderTimestampMS, ServerTimestampMS: proto.Int64(m.at * 1000),
	})
}

// sameAuthor tells whether two messages of a chat are by the same person.
func sameAuthor(a, b *waCommon.MessageKey) bool {
	return a.GetFromMe() == b.GetFromMe() && a.GetParticipant() == b.GetParticipant()
}

// changeLocked revokes or edits a message, or makes new ones disappear after a while.
func (c *pastChat) changeLocked(change *waE2E.ProtocolMessage) {
	target := c.find(change.GetKey().GetID())
	switch kind := change.GetType(); {
	case kind == waE2E.ProtocolMessage_EPHEMERAL_SETTING:
		c.expires = change.GetEphemeralExpiration()
	case target == nil:
	case kind == waE2E.ProtocolMessage_REVOKE:
		target.content = nil
	case kind == waE2E.ProtocolMessage_MESSAGE_EDIT:
		target.content = encoded(change.GetEditedMessage())
	default:
	}
}

// encoded is a message without the wrapping of an own device's copy.
func encoded(m *waE2E.Message) []byte {
	if sent := m.GetDeviceSentMessage().GetMessage(); sent != nil {
		m = sent
	}
	raw, _ := proto.Marshal(m) // what came over the wire, or goes there, can be encoded
	return raw
}

func decoded(raw []byte) *waE2E.Message {
	m := &waE2E.Message{}
	_ = proto.Unmarshal(raw, m) // it was encoded here
	return m
}
