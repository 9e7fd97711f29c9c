package actors

import "time"

// Commands are what callers ask of an account's actor with [Ask]; each names
// its reply. An account that cannot comply answers an [*Error].

// GetStatus asks for a [Status].
type GetStatus struct{}

// Status is what an account's actor says of itself.
type Status struct {
	Account string
	Session Session
	// Running is the desired state: whether the session is to be kept up.
	Running bool
	// Paired tells whether a device is linked; Number and the rest are empty
	// until then.
	Paired bool
	Number string
	LID    string
	Name   string
	Device uint16
	// QR is the code that is showing, if any.
	QR *QR
	// Passkey is what WhatsApp asks for in the pairing, if it does.
	Passkey *Passkey
	// LastTraffic is when anything was last heard from WhatsApp.
	LastTraffic time.Time
	// Lag is how far the last message or receipt was behind WhatsApp's clock when
	// it was stored; zero before the first.
	Lag time.Duration
	// Queued counts messages that were accepted and have not reached their end.
	Queued int
	// Events is the place of the newest event in the log.
	Events Cursor
	// DeviceName, Metadata and CreatedAt are as they were set.
	DeviceName string
	Metadata   map[string]string
	CreatedAt  time.Time
}

// QR is a pairing code that is showing.
type QR struct {
	Code      string
	ExpiresAt time.Time
}

// Start asks that the session be kept up from now on; the reply is a [Status]
// once that is durable. It is idempotent. What it says of the account is kept
// unless it is empty.
type Start struct {
	// AnyNumber allows a phone of another number to link.
	AnyNumber  bool
	DeviceName string
	Metadata   map[string]string
	// Proxy is as [ParseProxy] reads it.
	Proxy string
	// Recreate unlinks the device, as far as there is a connection for it, and
	// starts over with a new code.
	Recreate bool
}

// Stop asks that the session end. The credentials are kept unless Logout asks
// WhatsApp to unlink the device. The reply is [Stopped].
type Stop struct {
	Logout bool
}

// Stopped says what a [Stop] did.
type Stopped struct {
	WasRunning bool
	// Unlinked is true when WhatsApp confirmed that the device is gone.
	Unlinked bool
	Status   Status
}

// Send asks that a draft be sent; the reply is a [Sent]. Once the reply or
// the message's queued event is there, the message survives any crash.
type Send struct {
	// To is a person, group or channel as [ParseChat] reads it, or [StatusChat].
	To     string
	Draft  Draft
	Manner Manner
	// ID is the message's own, 16 to 32 of 0-9 and A-F; empty has one made up. One that
	// a message of the chat has, or that was accepted before, is refused with
	// message_id_used.
	ID string
	// Key makes the command idempotent for 24 hours within Principal; empty means
	// it is not. RequestHash tells the same request from another.
	Key         string
	Principal   string
	RequestHash [32]byte
	// Wait is how long the reply may be held back for the server's ack; zero
	// answers at acceptance. What is scheduled is answered at acceptance.
	Wait time.Duration
	// Delivery says how it is brought to WhatsApp.
	Delivery Delivery
}

// Sent is what became of a send by the time of the reply.
type Sent struct {
	MessageID string
	ChatID    string
	// Status is queued, sent, failed, expired, cancelled, or unknown while a frame
	// without answer is to be sent again under the same id.
	Status string
	Reason Code // why it failed, or has to wait
	// Until is when what it failed for ends, where WhatsApp has said so.
	Until     time.Time
	Timestamp time.Time
	// Replayed is true when the key had been used for the same request before.
	Replayed bool
}
