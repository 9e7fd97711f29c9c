package simulator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// HistoryChat is a chat that a phone had before the test began.
type HistoryChat struct {
	Chat     string           `json:"chat" doc:"a number, a JID, a LID or a group"`
	Name     string           `json:"name,omitempty" doc:"in the address book; a group has its subject"`
	Unread   uint32           `json:"unread,omitempty" doc:"how many of the messages nobody has read"`
	Archived bool             `json:"archived,omitempty"`
	Pinned   bool             `json:"pinned,omitempty"`
	Messages []HistoryMessage `json:"messages,omitempty"`
}

// HistoryMessage is a text of long ago.
type HistoryMessage struct {
	ID          string    `json:"id,omitempty" doc:"made up if left out"`
	FromMe      bool      `json:"fromMe,omitempty"`
	Participant string    `json:"participant,omitempty" doc:"who wrote it, in a group: a number, a JID or a LID"`
	Text        string    `json:"text"`
	Timestamp   time.Time `json:"timestamp,omitzero" doc:"left out, messages are a minute apart and the last is of now"`
	Status      string    `json:"status,omitempty" enum:"sent,delivered,read,played" doc:"how far one of mine has come, read if left out"`
}

// ErrBadHistory is the refusal of a history that no phone could have. It names the field.
var ErrBadHistory = errors.New("bad history")

// givenStatus are the states of an own message by their names.
var givenStatus = map[string]waWeb.WebMessageInfo_Status{
	"sent": waWeb.WebMessageInfo_SERVER_ACK, "delivered": waWeb.WebMessageInfo_DELIVERY_ACK,
	"read": waWeb.WebMessageInfo_READ, "": waWeb.WebMessageInfo_READ, "played": waWeb.WebMessageInfo_PLAYED,
}

// AddHistory gives a phone chats and messages that it has had for long: companions that are linked from now on get them.
// Nobody is told and nothing is sent, except that companions learn which chats are pinned, archived and in the address
// book. People and groups must exist. It adds to chats that are there, and adds nothing if anything is refused: with
// [ErrBadHistory], [ErrUnknownPhone], [ErrUnknownGroup] or [ErrPhoneOffline].
func (p *Phone) AddHistory(ctx context.Context, chats ...HistoryChat) error {
	if !p.Online() {
		return ErrPhoneOffline
	}
	given, err := p.readHistory(chats)
	if err != nil {
		return err
	}
	if err := p.past.take(given); err != nil {
		return err
	}
	for i, chat := range chats {
		if err := p.shareHistory(ctx, given[i].jid.String(), chat); err != nil {
			return err
		}
	}
	return nil
}

// readHistory checks all chats but for what the phone has of them already.
func (p *Phone) readHistory(chats []HistoryChat) (read []pastChat, err error) {
	for i, chat := range chats {
		c, err := p.readChat(chat)
		if err != nil {
			return nil, fmt.Errorf("chats[%d].%w", i, err)
		}
		read = append(read, c)
	}
	return read, nil
}

func (p *Phone) readChat(chat HistoryChat) (read pastChat, err error) {
	if read.jid, err = p.givenChat(chat); err != nil {
		return read, err
	}
	if int(chat.Unread) > len(chat.Messages) {
		return read, fmt.Errorf("unread: %w: %d of %d messages", ErrBadHistory, chat.Unread, len(chat.Messages))
	}
	read.unread = chat.Unread
	for i, message := range chat.Messages {
		ago := time.Duration(len(chat.Messages)-1-i) * time.Minute
		m, err := p.readMessage(read.jid, message, time.Now().Add(-ago))
		if err != nil {
			return read, fmt.Errorf("messages[%d].%w", i, err)
		}
		read.messages = append(read.messages, m)
	}
	return read, nil
}

func (p *Phone) givenChat(chat HistoryChat) (types.JID, error) {
	group, isGroup := groupNamed(chat.Chat)
	if !isGroup {
		other, err := p.sim.resolve(chat.Chat)
		if err != nil {
			return types.JID{}, fmt.Errorf("chat: %w", err)
		}
		return other.lid, nil
	}
	if _, exists := p.sim.Group(group); !exists {
		return types.JID{}, fmt.Errorf("chat: %s: %w", group, ErrUnknownGroup)
	}
	if chat.Name != "" {
		return types.JID{}, fmt.Errorf("name: %w: a group is called by its subject", ErrBadHistory)
	}
	return group, nil
}

func (p *Phone) readMessage(chat types.JID, given HistoryMessage, otherwise time.Time) (m pastMessage, err error) {
	status, known := givenStatus[given.Status]
	switch {
	case given.Text == "":
		return m, fmt.Errorf("text: %w: missing", ErrBadHistory)
	case !known:
		return m, fmt.Errorf("status: %w: want sent, delivered, read or played", ErrBadHistory)
	case given.Status != "" && !given.FromMe:
		return m, fmt.Errorf("status: %w: only messages from me have one", ErrBadHistory)
	case given.Timestamp.IsZero():
		given.Timestamp = otherwise
	case given.Timestamp.Unix() <= 0 || given.Timestamp.After(time.Now()):
		return m, fmt.Errorf("timestamp: %w: want one since 1970 that is past", ErrBadHistory)
	}
	if given.ID == "" {
		given.ID = newMessageID()
	}
	m = pastMessage{id: given.ID, at: given.Timestamp.Unix(), content: encoded(&waE2E.Message{Conversation: proto.String(given.Text)})}
	if given.FromMe {
		m.status = status
	}
	m.author, err = p.givenAuthor(chat, given)
	return m, err
}

func (p *Phone) givenAuthor(chat types.JID, given HistoryMessage) (*account, error) {
	switch {
	case given.Participant != "" && (given.FromMe || !shared(chat)):
		return nil, fmt.Errorf("participant: %w: only others' messages in groups have one", ErrBadHistory)
	case given.FromMe:
		return p.account, nil
	case !shared(chat):
		return p.sim.resolve(chat.String())
	case given.Participant == "":
		return nil, fmt.Errorf("participant: %w: missing", ErrBadHistory)
	}
	author, err := p.sim.resolve(given.Participant)
	switch {
	case err != nil:
		return nil, fmt.Errorf("participant: %w", err)
	case author == p.account:
		return nil, fmt.Errorf("participant: %w: that is this phone; say fromMe", ErrBadHistory)
	}
	return author, nil
}

// take adds what was given to the chats, all or nothing.
func (h *past) take(given []pastChat) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	total, seen := h.count, map[types.JID]map[string]bool{}
	for i, chat := range given {
		if seen[chat.jid] == nil {
			seen[chat.jid] = h.idsLocked(chat.jid)
		}
		for j, m := range chat.messages {
			if seen[chat.jid][m.id] {
				return fmt.Errorf("chats[%d].messages[%d].id: %w: the chat has %q already", i, j, ErrBadHistory, m.id)
			}
			seen[chat.jid][m.id] = true
		}
		if total += len(chat.messages); total > maxPast {
			return fmt.Errorf("chats[%d].messages: %w: a phone remembers %d at most", i, ErrBadHistory, maxPast)
		}
	}
	for _, chat := range given {
		c := h.chatLocked(chat.jid)
		c.unread += chat.unread
		h.addLocked(c, chat.messages...)
	}
	return nil
}

func (h *past) idsLocked(jid types.JID) map[string]bool {
	ids := map[string]bool{}
	if chat := h.chats[jid]; chat != nil {
		for _, m := range chat.messages {
			ids[m.id] = true
		}
	}
	return ids
}

// shareHistory writes down what the account's devices share about a chat.
func (p *Phone) shareHistory(ctx context.Context, jid string, chat HistoryChat) (err error) {
	if chat.Name != "" {
		err = p.SetContact(ctx, jid, chat.Name, "")
	}
	if chat.Archived {
		err = errors.Join(err, p.Archive(ctx, jid, true))
	}
	if chat.Pinned {
		err = errors.Join(err, p.Pin(ctx, jid, true))
	}
	return err
}

// TellHistory tells the companions that are linked of a piece of history as if it were the phone's, whatever it holds.
func (p *Phone) TellHistory(notice *waE2E.HistorySyncNotification) error {
	for _, companion := range p.sim.endpoints(p.account)[1:] {
		err := p.sendPeer(companion, &waE2E.ProtocolMessage{
			Type: waE2E.ProtocolMessage_HISTORY_SYNC_NOTIFICATION.Enum(), HistorySyncNotification: notice,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
