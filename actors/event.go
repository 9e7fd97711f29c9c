package actors

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"whatsapp-web-server/persist"
)

// EventKind names a fact that subscribers can be told.
type EventKind string

// The catalogue. Durable kinds have a sequence number and stay in the log;
// ephemeral ones reach those who listen at the moment and no one else.
const (
	EventQR              EventKind = "qr"
	EventPasskey         EventKind = "passkey"
	EventReady           EventKind = "ready"
	EventMessage         EventKind = "message"
	EventSyncProgress    EventKind = "sync-progress"
	EventSyncComplete    EventKind = "sync-complete"
	EventConnectionState EventKind = "connection-state"
	EventMessageStatus   EventKind = "message-status"
	EventReaction        EventKind = "reaction"
	EventEdit            EventKind = "edit"
	EventRevoke          EventKind = "revoke"
	EventPresence        EventKind = "presence"
	EventChatPresence    EventKind = "chat-presence"
	EventPairRejected    EventKind = "pair-rejected"
	EventLoggedOut       EventKind = "logged-out"
	EventChatMerged      EventKind = "chat-merged"
	EventGroupJoined     EventKind = "group-joined"
	EventGroupUpdated    EventKind = "group-updated"
	EventPollVote        EventKind = "poll-vote"
	EventChatTimer       EventKind = "chat-timer"
	EventChannelUpdated  EventKind = "channel-updated"
	EventChannelPost     EventKind = "channel-post"

	EventAccountRestricted EventKind = "account-restricted"
	EventCall              EventKind = "call"
	EventChatUpdated       EventKind = "chat-updated"
	EventContactUpdated    EventKind = "contact-updated"
	EventLabel             EventKind = "label"
)

// CatalogueEntry describes one kind of event.
type CatalogueEntry struct {
	Kind    EventKind
	Durable bool
	// When says in one sentence what it tells.
	When string
	// Payload is a zero value of the struct that is the event's data.
	Payload any
}

// Catalogue lists every kind of event, in the order of documentation.
func Catalogue() []CatalogueEntry {
	return []CatalogueEntry{
		{EventQR, false, "a code to be scanned is showing; it replaces the one before", QREvent{}},
		{EventPasskey, false, "WhatsApp wants the phone's passkey for the pairing; told at each stage", PasskeyEvent{}},
		{EventPairRejected, true, "a phone was refused because its number is not the account's", PairRejectedEvent{}},
		{EventReady, true, "the account is connected and can send and receive", ReadyEvent{}},
		{EventConnectionState, true, "the account's session changed its state", ConnectionStateEvent{}},
		{EventSyncProgress, false, "a part of the history or of the offline queue has been stored", SyncProgressEvent{}},
		{EventSyncComplete, true, "what had queued up while the account was away has been stored, or the phone's history has", SyncCompleteEvent{}},
		{EventMessage, true, "a message was received, or sent from another device of the account", MessageEvent{}},
		{EventMessageStatus, true, "an own message reached another state", MessageStatusEvent{}},
		{EventReaction, true, "somebody reacted to a message, or took the reaction back", ReactionEvent{}},
		{EventEdit, true, "the author changed the text of a message", EditEvent{}},
		{EventRevoke, true, "a message was deleted for everyone", RevokeEvent{}},
		{EventPollVote, true, "somebody voted in a poll, or took the vote back", PollVoteEvent{}},
		{EventChatTimer, true, "somebody set after how long the messages of a chat disappear", ChatTimerEvent{}},
		{EventChatMerged, true, "a chat with somebody known by LID alone became part of the chat with their number", ChatMergedEvent{}},
		{EventCall, true, "somebody calls; a call was accepted, rejected or is over", CallEvent{}},
		{EventChatUpdated, true, "a device of the account pinned, archived, muted, starred, read, cleared or deleted", ChatUpdatedEvent{}},
		{EventContactUpdated, true, "the account's owner gave somebody another name", ContactUpdatedEvent{}},
		{EventLabel, true, "a device of the account made, changed or deleted a label, or put one on a chat or message, or took it off", LabelEvent{}},
		{EventGroupJoined, true, "the account came into a group", GroupJoinedEvent{}},
		{EventGroupUpdated, true, "something of a group changed, or who is in it", GroupUpdatedEvent{}},
		{EventChannelUpdated, true, "the account follows a channel or no longer, or muted it or no longer", ChannelUpdatedEvent{}},
		{EventChannelPost, false, "a post of a channel that is watched was seen or reacted to", ChannelPostEvent{}},
		{EventPresence, false, "a contact came online or went away", PresenceEvent{}},
		{EventChatPresence, false, "somebody is typing or recording in a chat, or stopped", ChatPresenceEvent{}},
		{EventAccountRestricted, true, "WhatsApp limits whom the account may write to", AccountRestrictedEvent{}},
		{EventLoggedOut, true, "the device was unlinked; a new QR code is needed", LoggedOutEvent{}},
	}
}

// Event is one fact about an account. Data is the JSON object that REST,
// WebSocket and webhooks show alike.
type Event struct {
	Account string
	Kind    EventKind
	At      time.Time
	Data    json.RawMessage
	// Cursor is the zero value for ephemeral events.
	Cursor Cursor
}

// ephemeral makes an event that is not in the log.
func ephemeral(account string, kind EventKind, payload any) Event {
	return Event{Account: account, Kind: kind, At: time.Now(), Data: encode(kind, payload)}
}

func encode(kind EventKind, payload any) json.RawMessage {
	data, err := json.Marshal(payload)
	if err != nil {
		panic(fmt.Sprintf("encode %s event: %v", kind, err)) // payloads are plain structs
	}
	return data
}

// Frame is an event as everybody outside gets it. Times have the precision of the log,
// so that an event looks the same live and read again.
type Frame struct {
	Event EventKind       `json:"event"`
	ID    string          `json:"id,omitempty"`
	Time  time.Time       `json:"time"`
	Data  json.RawMessage `json:"data"`
}

// FrameOf shows an event.
func FrameOf(event Event) Frame {
	return Frame{Event: event.Kind, ID: event.Cursor.String(), Time: stamp(event.At), Data: event.Data}
}

// Cursor is a place in an account's event log: which log, and the sequence of
// the last event seen. Sequences are dense and start at 1.
type Cursor struct {
	Log string
	Seq int64
}

// String is the form that clients keep and give back.
func (c Cursor) String() string {
	if c.Log == "" {
		return ""
	}
	return fmt.Sprintf("%s-%d", c.Log, c.Seq)
}

// ParseCursor is the inverse of [Cursor.String].
func ParseCursor(text string) (Cursor, error) {
	log, seq, found := strings.Cut(text, "-")
	n, err := strconv.ParseInt(seq, 10, 64)
	if !found || log == "" || err != nil || n < 0 {
		return Cursor{}, Refuse(CodeInvalidRequest, "not a cursor of this server")
	}
	return Cursor{Log: log, Seq: n}, nil
}

// Person is somebody in every form that is known.
type Person struct {
	Number string `json:"number,omitempty" doc:"phone number in digits, where known"`
	LID    string `json:"lid,omitempty" doc:"hidden id, where known"`
	Name   string `json:"name,omitempty" doc:"best known name"`
}

// QREvent carries the text of a QR code.
type QREvent struct {
	ClientID  string    `json:"clientId"`
	QR        string    `json:"qr"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// ReadyEvent says who is connected.
type ReadyEvent struct {
	ClientID string     `json:"clientId"`
	Info     ClientInfo `json:"info"`
}

// ClientInfo is the WhatsApp identity behind an account.
type ClientInfo struct {
	Number string `json:"number"`
	Name   string `json:"name"`
}

// ConnectionStateEvent tells a change of the session's state.
type ConnectionStateEvent struct {
	ClientID string     `json:"clientId"`
	State    string     `json:"state"`
	Previous string     `json:"previous"`
	Reason   string     `json:"reason,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
	// Metadata is the caller's notes on the account.
	Metadata map[string]string `json:"metadata,omitempty"`
}

// PairRejectedEvent names the number that tried to link.
type PairRejectedEvent struct {
	ClientID string `json:"clientId"`
	Number   string `json:"number"`
}

// AccountRestrictedEvent says until when the account may not write to people it does
// not know. That it may again is told by connection-state.
type AccountRestrictedEvent struct {
	ClientID string     `json:"clientId"`
	Reason   string     `json:"reason" doc:"in WhatsApp's words, in lower case; refused where it was learnt from a refused message"`
	Until    *time.Time `json:"until,omitempty" doc:"where WhatsApp has said so"`
}

// LoggedOutEvent says why the device is no longer linked.
type LoggedOutEvent struct {
	ClientID string `json:"clientId"`
	Reason   string `json:"reason"`
}

// SyncProgressEvent tells how far a synchronisation has come.
type SyncProgressEvent struct {
	ClientID  string `json:"clientId"`
	Source    string `json:"source" enum:"offline,history"`
	Kind      string `json:"kind,omitempty" doc:"which part of the history: INITIAL_BOOTSTRAP, RECENT, FULL, PUSH_NAME, ON_DEMAND and others"`
	Percent   int    `json:"percent" doc:"of the parts of this kind, as the phone counts"`
	RequestID string `json:"requestId,omitempty" doc:"the request for older messages that it answers"`
}

// SyncCompleteEvent tells how much had queued up.
type SyncCompleteEvent struct {
	ClientID  string `json:"clientId"`
	Source    string `json:"source" enum:"offline,history"`
	Kind      string `json:"kind,omitempty" doc:"which part of the history was the last"`
	Items     int    `json:"items" doc:"stanzas that were waiting at the server, or messages of the history that were new"`
	RequestID string `json:"requestId,omitempty" doc:"the request for older messages that it answers"`
}

// MessageEvent carries a message.
type MessageEvent struct {
	ClientID string         `json:"clientId"`
	Message  MessagePayload `json:"message"`
}

// MessagePayload is a message as events show it. Timestamp is in Unix seconds.
type MessagePayload struct {
	ID        string `json:"id"`
	From      string `json:"from" doc:"the author"`
	ChatID    string `json:"chatId"`
	Body      string `json:"body" doc:"text or caption"`
	Type      string `json:"type"`
	Timestamp int64  `json:"timestamp" doc:"Unix seconds"`
	FromMe    bool   `json:"fromMe"`
	Sender    Person `json:"sender"`
	QuotedID  string `json:"quotedId,omitempty"`
	// Media describes the file, which is read at the message's own address.
	Media     *MessageMedia `json:"media,omitempty" doc:"the file, whose bytes are at /api/messages/{accountNumber}/{chatId}/{id}/media"`
	Mentions  []Person      `json:"mentions,omitempty"`
	ViewOnce  bool          `json:"viewOnce,omitempty"`
	ExpiresAt *time.Time    `json:"expiresAt,omitempty" doc:"when it disappears"`
	Details
}

// MessageMedia describes a file that a message carries.
type MessageMedia struct {
	MIMEType string `json:"mimeType"`
	FileName string `json:"fileName,omitempty"`
	Size     int64  `json:"size" doc:"bytes"`
	Width    int64  `json:"width,omitempty" doc:"pixels"`
	Height   int64  `json:"height,omitempty" doc:"pixels"`
	Duration int64  `json:"duration,omitempty" doc:"seconds"`
}

// DescribeMedia shows a file's record; nil is none.
func DescribeMedia(m *persist.Media) *MessageMedia {
	if m == nil {
		return nil
	}
	return &MessageMedia{
		MIMEType: m.MIMEType, FileName: m.FileName, Size: m.Size, Width: m.Width, Height: m.Height, Duration: m.Duration,
	}
}

// PollVoteEvent tells what somebody chose in a poll; no option takes a vote back.
type PollVoteEvent struct {
	ClientID  string   `json:"clientId"`
	ChatID    string   `json:"chatId"`
	PollID    string   `json:"pollId" doc:"the id of the poll's message"`
	From      string   `json:"from"`
	Sender    Person   `json:"sender"`
	Options   []string `json:"options"`
	Timestamp int64    `json:"timestamp" doc:"Unix seconds"`
}

// ChatTimerEvent tells after how long messages of a chat disappear from now on.
type ChatTimerEvent struct {
	ClientID string `json:"clientId"`
	ChatID   string `json:"chatId"`
	Seconds  int64  `json:"seconds" doc:"0: they stay"`
	By       Person `json:"by"`
}

// MessageStatusEvent tells the state of an own message. Recipient is set for
// receipts.
type MessageStatusEvent struct {
	ClientID  string  `json:"clientId"`
	ID        string  `json:"id"`
	ChatID    string  `json:"chatId"`
	Status    string  `json:"status" enum:"queued,sent,delivered,read,played,failed,expired,cancelled,unknown"`
	Reason    string  `json:"reason,omitempty"`
	Recipient *Person `json:"recipient,omitempty"`
}

// ReactionEvent tells a reaction; an empty emoji takes it back.
type ReactionEvent struct {
	ClientID  string `json:"clientId"`
	ChatID    string `json:"chatId"`
	MessageID string `json:"messageId"`
	From      string `json:"from"`
	Sender    Person `json:"sender"`
	Emoji     string `json:"emoji"`
	Timestamp int64  `json:"timestamp" doc:"Unix seconds"`
}

// EditEvent carries the new text of a message.
type EditEvent struct {
	ClientID  string `json:"clientId"`
	ChatID    string `json:"chatId"`
	MessageID string `json:"messageId"`
	Body      string `json:"body"`
	Timestamp int64  `json:"timestamp" doc:"Unix seconds"`
}

// RevokeEvent names a message that was deleted for everyone, and by whom.
type RevokeEvent struct {
	ClientID  string `json:"clientId"`
	ChatID    string `json:"chatId"`
	MessageID string `json:"messageId"`
	By        Person `json:"by"`
	Timestamp int64  `json:"timestamp" doc:"Unix seconds"`
}

// ChatMergedEvent tells that two addresses of one person are one chat from now on.
// Messages keep their ids.
type ChatMergedEvent struct {
	ClientID     string `json:"clientId"`
	ChatID       string `json:"chatId" doc:"the chat that there is"`
	MergedChatID string `json:"mergedChatId" doc:"the address that the chat, or a part of it, had before"`
	Person       Person `json:"person"`
}

// PresenceEvent tells a contact's availability.
type PresenceEvent struct {
	ClientID string     `json:"clientId"`
	From     string     `json:"from"`
	Sender   Person     `json:"sender"`
	State    string     `json:"state" enum:"available,unavailable"`
	LastSeen *time.Time `json:"lastSeen,omitempty"`
}

// ChatPresenceEvent tells that somebody types, records or paused.
type ChatPresenceEvent struct {
	ClientID string `json:"clientId"`
	ChatID   string `json:"chatId"`
	From     string `json:"from"`
	Sender   Person `json:"sender"`
	State    string `json:"state" enum:"composing,recording,paused"`
}
