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
