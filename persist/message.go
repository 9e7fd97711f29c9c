package persist

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// MessageID is the id under which a message is kept: WhatsApp's, and its digest
// where a sender made up one too long for a key. It comes from remote clients,
// in references to other messages unseen by WhatsApp's servers.
func MessageID(id string) string {
	id = Storable(id)
	if len(id) <= MaxKeyBytes {
		return id
	}
	digest := sha256.Sum256([]byte(id))
	return hex.EncodeToString(digest[:])
}

// Message is a WhatsApp message of a chat. Its key holds the sender, so that
// an upsert never changes another's message.
type Message struct {
	Chat   string `col:"chat,key"`
	Sender string `col:"sender,key"` // person without device; own messages: the own number
	ID     string `col:"id,key"`
	// Seq is given by the account in the order of storing; it breaks ties of time.
	Seq       int64     `col:"seq"`
	Timestamp time.Time `col:"timestamp"`
	FromMe    bool      `col:"from_me"`
	Type      string    `col:"type"` // text, image, …
	PushName  string    `col:"push_name"`
	// Status of own messages: queued, sending, sent, delivered, read, played,
	// failed, expired, cancelled, unknown. Others': received.
	Status    string    `col:"status"`
	StatusAt  time.Time `col:"status_at"`
	Error     string    `col:"error"` // why it failed: an error code
	EditedAt  time.Time `col:"edited_at"`
	RevokedAt time.Time `col:"revoked_at"`
	// QuotedID is the message it replies to.
	QuotedID string `col:"quoted_id"`
	// Raw is the serialized waE2E.Message as it was sent or received: with the keys of
	// its media, and its secret.
	Raw []byte `col:"raw,secret"`
	// Starred is what the account's own devices say of it.
	Starred bool `col:"starred"`
	// ViewOnce messages can be looked at a single time on a phone.
	ViewOnce bool `col:"view_once"`
	// ExpiresAt is when it disappears from people's devices; zero is never. It stays
	// here.
	ExpiresAt time.Time `col:"expires_at"`
}

// MessageContent is the readable text of a message, and what it is found by. It is
// made by [NewMessageContent].
type MessageContent struct {
	Chat   string `col:"chat,key"`
	Sender string `col:"sender,key"`
	ID     string `col:"id,key"`
	Body   string `col:"body,content"`
	// Timestamp and Seq are the message's as it was stored: findings are in their
	// order.
	Timestamp time.Time `col:"timestamp"`
	Seq       int64     `col:"seq"`
	Words     string    `col:"words,searched"`
}

// NewMessageContent makes body findable, by its words and by [ChatTerm].
func NewMessageContent(message Message, body string) MessageContent {
	return MessageContent{
		Chat: message.Chat, Sender: message.Sender, ID: message.ID, Body: body,
		Timestamp: message.Timestamp, Seq: message.Seq, Words: Words(body) + " " + ChatTerm(message.Chat),
	}
}

// MessageAmendment is an edit or a deletion that could not be applied yet: its
// message has not come, or who may delete it is not known. There is one of each
// person for a message.
type MessageAmendment struct {
	Chat      string    `col:"chat,key"`
	MessageID string    `col:"message_id,key"`
	Sender    string    `col:"sender,key"` // who amends
	Author    string    `col:"author"`     // of the message, as the sender has it
	Revoked   bool      `col:"revoked"`
	Timestamp time.Time `col:"timestamp"`
	// Raw is the serialized waE2E.Message that an edit puts in the place of the first.
	Raw []byte `col:"raw,secret"`
}

// MessageReaction is one person's reaction to a message. One that was taken back
// stays, without an emoji, so that an older one delivered again does not return.
type MessageReaction struct {
	Chat      string    `col:"chat,key"`
	MessageID string    `col:"message_id,key"`
	Sender    string    `col:"sender,key"`
	Emoji     string    `col:"emoji,content"`
	Timestamp time.Time `col:"timestamp"`
}

// PollVote is one person's choice in a poll; nothing is chosen in one that was taken
// back.
type PollVote struct {
	Chat   string `col:"chat,key"`
	PollID string `col:"poll_id,key"`
	Voter  string `col:"voter,key"`
	// Options is a JSON array of the names of what was chosen.
	Options   string    `col:"options,content"`
	Timestamp time.Time `col:"timestamp"`
}

// UserReceipt is what one recipient has said of an own message. Times only
// grow more: what was read stays read.
type UserReceipt struct {
	Chat        string    `col:"chat,key"`
	MessageID   string    `col:"message_id,key"`
	User        string    `col:"user,key"`
	DeliveredAt time.Time `col:"delivered_at"`
	ReadAt      time.Time `col:"read_at"`
	PlayedAt    time.Time `col:"played_at"`
}

// Media is how the bytes of a message are described and fetched.
type Media struct {
	Chat          string `col:"chat,key"`
	Sender        string `col:"sender,key"`
	MessageID     string `col:"message_id,key"`
	MIMEType      string `col:"mime_type"`
	FileName      string `col:"file_name,content"`
	Size          int64  `col:"size"` // bytes
	Width         int64  `col:"width"`
	Height        int64  `col:"height"`
	Duration      int64  `col:"duration"` // seconds
	DirectPath    string `col:"direct_path"`
	MediaKey      []byte `col:"media_key,secret"`
	FileSHA256    []byte `col:"file_sha256"`
	FileEncSHA256 []byte `col:"file_enc_sha256"`
}

// MediaUpload is a file that WhatsApp's media servers have, so that the same file
// need not be uploaded again.
type MediaUpload struct {
	// Digest is the hexadecimal SHA-256 of the file, Type how it was uploaded (image,
	// video, audio, document, …): each has keys of its own.
	Digest     string `col:"digest,key"`
	Type       string `col:"type,key"`
	DirectPath string `col:"direct_path"`
	URL        string `col:"url"`
	// MediaKey opens the file. One that lies there openly, for a channel, has none: in its
	// place is the handle that a post of it has to name.
	MediaKey      []byte    `col:"media_key,secret"`
	FileEncSHA256 []byte    `col:"file_enc_sha256"`
	Size          int64     `col:"size"` // bytes
	UploadedAt    time.Time `col:"uploaded_at"`
}
