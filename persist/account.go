package persist

import "time"

// AccountEntry is an account's place in the index of accounts: it is written
// first at creation and removed last at deletion.
type AccountEntry struct {
	Number    string    `col:"account,key"`
	Version   int64     `col:"version"`
	Tenant    string    `col:"tenant"`
	CreatedAt time.Time `col:"created_at"`
}

// DataKey is a key that seals columns, itself sealed by the operator's key. The
// one with the highest id seals; the others open what they have sealed until none
// of that is left.
type DataKey struct {
	ID      uint32 `col:"id,key"`
	Version int64  `col:"version"`
	Wrapped []byte `col:"wrapped"`
	// Covers is how much is sealed without exception, so that a value that is not
	// must have been put there by someone else: a [Secrecy] and what is above it.
	// Zero: values from before the first key may be left.
	Covers    Secrecy   `col:"covers"`
	CreatedAt time.Time `col:"created_at"`
}

// Account is what we know and want of one WhatsApp account. There is one per
// scope.
type Account struct {
	// Running is the desired state: boot starts what should run.
	Running bool `col:"running"`
	// AnyNumber allows a phone of another number to link.
	AnyNumber bool `col:"any_number"`
	// Network is the endpoint that it was, or is being, paired on; empty before and
	// after. A start on another network is refused.
	Network string `col:"network"`
	// JID and LID are the companion device's addresses, empty while unpaired.
	JID      string    `col:"jid"`
	LID      string    `col:"lid"`
	PushName string    `col:"push_name"`
	PairedAt time.Time `col:"paired_at"`
	// State, Reason and Until outlive a restart where they matter: logged-out,
	// restricted, banned, conflict, outdated, quarantined.
	State   string    `col:"state"`
	Reason  string    `col:"reason"`
	Since   time.Time `col:"since"`
	Until   time.Time `col:"until"`
	LogID   string    `col:"log_id"` // names the event log; a new one starts a new numbering
	Updated time.Time `col:"updated_at"`
	// LastActive orders the boot: recently active accounts connect first.
	LastActive time.Time         `col:"last_active"`
	Proxy      string            `col:"proxy,secret"`
	DeviceName string            `col:"device_name"`
	Webhook    string            `col:"webhook,secret"`
	Metadata   map[string]string `col:"metadata,json"`
	// Crashes is how many processes have died of the account of late, and CrashedAt
	// when the last of them did.
	Crashes   int64     `col:"crashes"`
	CrashedAt time.Time `col:"crashed_at"`
	// AutoRead tells correspondents that messages are read as soon as they are stored.
	AutoRead bool `col:"auto_read"`
	// RejectCalls turns callers away, with RejectText as a message unless it is empty.
	RejectCalls bool   `col:"reject_calls"`
	RejectText  string `col:"reject_text"`
	// SendInterval and RecipientInterval are the least time, in milliseconds, between
	// two sends of the account, and between two to the same recipient.
	SendInterval      int64 `col:"send_interval"`
	RecipientInterval int64 `col:"recipient_interval"`
}

// StateMoved and ReasonMoved are of an account that lives in another storage now.
// What is left must never connect: its ratchets have gone on there.
const (
	StateMoved  = "fenced"
	ReasonMoved = "moved"
)

// Moved tells whether the account lives in another storage.
func (a Account) Moved() bool { return a.State == StateMoved && a.Reason == ReasonMoved }

// Counter is a total kept by the one writer of the scope, such as how many
// chats there are.
type Counter struct {
	Name  string `col:"name,key"`
	Value int64  `col:"value"`
}

// Names of counters. CountMessages is followed by a chat's JID, and CountMerging
// by the LID of a chat that is becoming part of the chat of its number: it is
// there until all records are under the number. CountHistory counts the messages of
// the history that is just coming, and CountHistoryLast is there once its last part
// was taken in, while earlier ones are left. CountLabels is the highest number that a
// label has had as its id.
const (
	CountChats    = "chats"
	CountContacts = "contacts"
	CountGroups   = "groups" // at the time when all were asked for; absent before
	CountMerging  = "merging/"
	CountMessages = "messages/"
	CountLabels   = "labels/last"

	CountHistory     = "history/messages"
	CountHistoryLast = "history/last"
)
