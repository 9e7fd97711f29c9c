package persist

import "time"

// Contact is a person or group member by one address. A person known by LID
// and by number has two; LID mappings join them.
type Contact struct {
	JID           string    `col:"jid,key"`
	FirstName     string    `col:"first_name"`
	FullName      string    `col:"full_name"`
	PushName      string    `col:"push_name"`
	BusinessName  string    `col:"business_name"`
	RedactedPhone string    `col:"redacted_phone"`
	Updated       time.Time `col:"updated_at"`
}

// Chat is a conversation. Its JID is the number's where the number is known,
// else the LID's, or the group's.
type Chat struct {
	JID         string `col:"jid,key"`
	Name        string `col:"name"`
	Description string `col:"description"`
	// The last message, for previews: its time orders the list.
	LastMessageAt     time.Time `col:"last_message_at"`
	LastMessageID     string    `col:"last_message_id"`
	LastMessageSender string    `col:"last_message_sender"`
	LastMessageType   string    `col:"last_message_type"`
	LastMessageFromMe bool      `col:"last_message_from_me"`
	Preview           string    `col:"preview,content"`
	Unread            int64     `col:"unread"`
}

// ChatSetting is what the account's own app state says of a chat.
type ChatSetting struct {
	JID        string    `col:"jid,key"`
	Pinned     bool      `col:"pinned"`
	Archived   bool      `col:"archived"`
	MutedUntil time.Time `col:"muted_until"`
	// MarkedUnread is a reminder of the owner's, apart from what was not read.
	MarkedUnread bool `col:"marked_unread"`
	// Disappearing is after how many seconds messages of the chat are forgotten; zero
	// is never. DisappearingSince is when that was said.
	Disappearing      int64     `col:"disappearing"`
	DisappearingSince time.Time `col:"disappearing_since"`
}

// Label is a label that the account's devices share.
type Label struct {
	ID   string `col:"id,key"`
	Name string `col:"name"`
	// Color is a number of WhatsApp's palette.
	Color int64 `col:"color"`
}

// LabelItem is a chat, or a message of one, that has a label.
type LabelItem struct {
	LabelID string `col:"label_id,key"`
	Chat    string `col:"chat,key"`
	// MessageID is empty where the chat itself has the label.
	MessageID string    `col:"message_id,key"`
	Timestamp time.Time `col:"timestamp"`
}

// GroupParticipant is a member of a group.
type GroupParticipant struct {
	Group string `col:"chat,key"`
	JID   string `col:"jid,key"`
	// Role is "member", "admin" or "superadmin".
	Role string `col:"role"`
}
