package actors

import (
	"strings"

	"go.mau.fi/whatsmeow/types"
)

// Lengths of a phone number in digits: E.164 allows 15, test ranges of some
// networks and LIDs are longer.
const (
	minDigits = 5
	maxDigits = 20
)

// ParseNumber reads an account or phone number: 5 to 20 digits, with an
// optional leading + and spaces between, which are dropped.
func ParseNumber(text string) (string, bool) {
	digits := strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(text), "+"), " ", "")
	return digits, isNumber(digits)
}

// ParseChat reads the address of a person, a group or a channel: 1234567890@c.us,
// …@s.whatsapp.net, …@lid, …@g.us, …@newsletter or a bare number. Device parts are
// refused.
func ParseChat(text string) (types.JID, bool) {
	user, server, found := strings.Cut(strings.TrimSpace(text), "@")
	if !found {
		number, ok := ParseNumber(text)
		return types.NewJID(number, types.DefaultUserServer), ok
	}
	switch server {
	case types.LegacyUserServer, types.DefaultUserServer:
		number, ok := ParseNumber(user)
		return types.NewJID(number, types.DefaultUserServer), ok
	case types.HiddenUserServer, types.NewsletterServer:
		return types.NewJID(user, server), isNumber(user)
	case types.GroupServer:
		return types.NewJID(user, server), isGroup(user)
	default:
		return types.JID{}, false
	}
}

// FormatChat writes an address as the API shows it: numbers at c.us, all else
// as WhatsApp has it.
func FormatChat(jid types.JID) string {
	if jid.IsEmpty() {
		return ""
	}
	if jid.Server == types.DefaultUserServer {
		return jid.User + "@" + types.LegacyUserServer
	}
	return jid.ToNonAD().String()
}

// byline separates a message's id from its sender. WhatsApp's clients don't use
// it in ids.
const byline = "~"

// FormatMessageID names a message within its chat: by WhatsApp's id, and by its
// sender as well where that id is shared with an earlier message of the chat.
func FormatMessageID(id string, sender types.JID, shared bool) string {
	if shared || strings.Contains(id, byline) {
		return id + byline + FormatChat(sender)
	}
	return id
}

// ParseMessageID is the inverse of [FormatMessageID]. The sender is empty for
// the first message of the chat that has the id.
func ParseMessageID(text string) (id string, sender types.JID, ok bool) {
	at := strings.LastIndex(text, byline)
	if at < 0 {
		return text, types.EmptyJID, text != ""
	}
	sender, ok = ParseChat(text[at+len(byline):])
	return text[:at], sender, ok && at > 0
}

func isNumber(digits string) bool {
	return len(digits) >= minDigits && len(digits) <= maxDigits && strings.Trim(digits, "0123456789") == ""
}

// isGroup accepts both group id forms: digits, and creator-time as old ones have.
func isGroup(user string) bool {
	return len(user) >= minDigits && len(user) <= 40 && strings.Trim(user, "0123456789-") == "" && user[0] != '-'
}
