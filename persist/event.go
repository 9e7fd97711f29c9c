package persist

import "time"

// Event is one entry of the account's log. Sequences are dense from 1.
type Event struct {
	Seq  int64     `col:"seq,key"`
	Kind string    `col:"kind"`
	At   time.Time `col:"at"`
	// Data is the JSON object that subscribers get.
	Data string `col:"data,content"`
}

// OutboxItem is a message that was accepted and has not reached its end. It is
// removed in the batch that makes its message sent, failed, expired or
// cancelled.
type OutboxItem struct {
	MessageID string `col:"message_id,key"`
	// AcceptedSeq orders the queue.
	AcceptedSeq int64  `col:"accepted_seq"`
	Chat        string `col:"chat"`      // the message's chat in the read model
	Recipient   string `col:"recipient"` // the JID it is sent to
	// State is queued, sending (the frame may have left), unknown (it may have
	// left and no answer came: the same id is sent again) or [OutboxRestored].
	State      string    `col:"state"`
	Payload    []byte    `col:"payload,secret"` // the final serialized waE2E.Message
	AcceptedAt time.Time `col:"accepted_at"`
	ExpiresAt  time.Time `col:"expires_at"`
	Attempts   int64     `col:"attempts"`
	// Lane is interactive or bulk; what is interactive goes first. Empty is interactive.
	Lane string `col:"lane"`
	// SendAt is when it is due; zero is at once.
	SendAt time.Time `col:"send_at"`
	// Hold keeps an unknown outcome as it is instead of sending again.
	Hold bool `col:"hold"`
	// Amends tells what has no message of its own in its chat: a reaction, an edit, a
	// deletion, a vote. Its end is a [SendResult].
	Amends bool `col:"amends"`
}

// SendResult is what has become of a send that left no message of its own.
type SendResult struct {
	MessageID string    `col:"message_id,key"`
	Chat      string    `col:"chat"`
	Status    string    `col:"status"` // as of [Message]
	StatusAt  time.Time `col:"status_at"`
	Error     string    `col:"error"`
	// Timestamp is WhatsApp's once it is sent, until then that of acceptance.
	Timestamp time.Time `col:"timestamp"`
	ExpiresAt time.Time `col:"expires_at"`
}

// HistoryPart is a part of the phone's history that was announced and is not
// stored yet.
type HistoryPart struct {
	MessageID string `col:"message_id,key"` // of the announcement
	// Seq orders the parts as they were announced.
	Seq int64 `col:"seq"`
	// Notification is the serialized waE2E.HistorySyncNotification.
	Notification []byte    `col:"notification,secret"`
	ReceivedAt   time.Time `col:"received_at"`
	// Done is how many of its conversations are stored.
	Done     int64 `col:"done"`
	Attempts int64 `col:"attempts"`
}

// OutboxRestored is the state of an item from a backup: it may have been sent since,
// and ends as failed.
const OutboxRestored = "restored"

// IdempotencyKey remembers which message a caller's key made, for 24 hours.
type IdempotencyKey struct {
	Principal   string    `col:"principal,key"` // whose key it is, never the key itself
	Key         string    `col:"idempotency_key,key"`
	RequestHash []byte    `col:"request_hash"` // SHA-256 of the decoded request
	MessageID   string    `col:"message_id"`
	Chat        string    `col:"chat"`
	ExpiresAt   time.Time `col:"expires_at"`
}
