package persist

import "time"

// AuthSession is the companion device's registration. State is JSON, as
// devicestore writes it.
type AuthSession struct {
	State     string    `col:"auth_state,secret"`
	CreatedAt time.Time `col:"created_at"`
	UpdatedAt time.Time `col:"updated_at"`
}

// Identity is a remote device's identity key by signal address.
type Identity struct {
	Address string   `col:"address,key"`
	Key     [32]byte `col:"identity"`
}

// SignalSession is a ratchet with a remote device, serialized.
type SignalSession struct {
	Address string `col:"address,key"`
	Session []byte `col:"session,secret"`
}

// PreKey is an own one-time prekey.
type PreKey struct {
	ID       uint32   `col:"id,key"`
	Key      [32]byte `col:"private_key,secret"`
	Uploaded bool     `col:"uploaded"`
}

// SenderKey is a group ratchet by group and sender device.
type SenderKey struct {
	Group  string `col:"chat,key"`
	Sender string `col:"sender,key"`
	Key    []byte `col:"sender_key,secret"`
}

// AppStateKey is a key shared by the phone.
type AppStateKey struct {
	ID          []byte `col:"id,key"`
	Data        []byte `col:"data,secret"`
	Fingerprint []byte `col:"fingerprint"`
	Timestamp   int64  `col:"timestamp"` // as the phone gave it
}

// AppStateVersion is how far a collection has been synced.
type AppStateVersion struct {
	Name    string    `col:"name,key"`
	Version uint64    `col:"state_version"`
	Hash    [128]byte `col:"hash"`
}

// AppStateMAC is the value MAC of one index of a collection.
type AppStateMAC struct {
	Name     string `col:"name,key"`
	IndexMAC []byte `col:"index_mac,key"`
	Version  uint64 `col:"state_version"`
	ValueMAC []byte `col:"value_mac"`
}

// MessageSecret decrypts later additions to a message (votes, edits).
type MessageSecret struct {
	Chat   string `col:"chat,key"`
	Sender string `col:"sender,key"`
	ID     string `col:"id,key"`
	Secret []byte `col:"secret,secret"`
}

// PrivacyToken is a user's token that shows them we are trusted.
type PrivacyToken struct {
	User            string    `col:"user,key"`
	Token           []byte    `col:"token,secret"`
	Timestamp       time.Time `col:"timestamp"`
	SenderTimestamp time.Time `col:"sender_timestamp"`
}

// NCTSalt is the account's salt for tokens to strangers; one per account.
type NCTSalt struct {
	Salt []byte `col:"salt,secret"`
}

// DecryptedEvent keeps a decrypted payload until its handler is done, then its
// hash alone, so that a redelivery is not decrypted again.
type DecryptedEvent struct {
	Hash       [32]byte  `col:"hash,key"`
	Plaintext  []byte    `col:"plaintext,secret"` // empty once handled
	Replay     bool      `col:"replay"`           // from the own phone, which may not send it again, and not handled yet
	InsertedAt time.Time `col:"inserted_at"`
	ServerTime time.Time `col:"server_time"`
}

// OutgoingEvent is a sent payload, kept to answer retry receipts.
type OutgoingEvent struct {
	Chat       string    `col:"chat,key"`
	ID         string    `col:"id,key"`
	Format     string    `col:"format"`
	Plaintext  []byte    `col:"plaintext,secret"`
	InsertedAt time.Time `col:"inserted_at"`
}

// LIDMapping leads from one address of a person to the other: from the LID to
// the number or back. There are two of a person, written together, so that
// either way is a read by key.
type LIDMapping struct {
	JID   string `col:"jid,key"`
	Other string `col:"other_jid"`
}
