package simulator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// ErrBadPrivacy is the refusal of a privacy setting or value that does not exist.
var ErrBadPrivacy = errors.New("no such privacy setting")

// audience are the values of most settings. Phones here have no address book: contacts are everybody.
var audience = []string{"all", "contacts", "contact_blacklist", "none"}

// privacyValues are the settings that whatsmeow knows (types.PrivacySettingType) with what each may be; the first is
// what it is at first.
var privacyValues = map[string][]string{
	"groupadd":     audience,
	"last":         audience,
	"status":       audience,
	"profile":      audience,
	"readreceipts": {"all", "none"},
	"online":       {"all", "match_last_seen"},
	"calladd":      {"all", "known"},
	"messages":     {"all", "contacts"},
	"defense":      {"off", "on_standard"},
	"stickers":     {"contacts", "contact_allowlist", "none"},
}

// privacyLocked is what a setting is now.
func (a *account) privacyLocked(name string) string {
	if value, set := a.privacy[name]; set {
		return value
	}
	return privacyValues[name][0]
}

// hidesLocked tells whether others may not see what a setting protects.
func (a *account) hidesLocked(name string) bool { return a.privacyLocked(name) == "none" }

func privacyCategory(name, value string) waBinary.Node {
	return element("category", waBinary.Attrs{"name": name, "value": value})
}

func (s *Simulator) answerPrivacy(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	var categories []waBinary.Node
	for name := range privacyValues {
		categories = append(categories, privacyCategory(name, d.account.privacyLocked(name)))
	}
	return result(request, element("privacy", nil, categories...))
}

// setPrivacy takes a companion's change. The others are told; the one that asked knows.
func (s *Simulator) setPrivacy(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	category, ok := request.GetOptionalChildByTag("privacy", "category")
	name, value := attr(&category, "name"), attr(&category, "value")
	if !ok || !slices.Contains(privacyValues[name], value) {
		return failed(request, 400, "bad-request")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changePrivacyLocked(d.account, d, name, value)
	return result(request, element("privacy", nil, privacyCategory(name, value)))
}

func (s *Simulator) changePrivacyLocked(a *account, author *device, name, value string) {
	if a.privacy == nil {
		a.privacy = map[string]string{}
	}
	a.privacy[name] = value
	s.tellOwnLocked(a, author, notification(a.pn, "account_sync", element("privacy", nil, privacyCategory(name, value))))
}

// tellOwnLocked tells an account's companions something, save the one that said it; nil if the phone did.
func (s *Simulator) tellOwnLocked(a *account, author *device, notice waBinary.Node) {
	for _, d := range a.devices {
		if d != author {
			s.enqueueLocked(d, notice)
		}
	}
}

// SetPrivacy changes one of the account's privacy settings; the names and values are those of
// [types.PrivacySettings]. What is none for last, online, status and profile is hidden from others, and readreceipts
// none turns the phone's read receipts into notes to its own companions.
func (p *Phone) SetPrivacy(_ context.Context, name types.PrivacySettingType, value types.PrivacySetting) error {
	values, known := privacyValues[string(name)]
	switch {
	case !known:
		return fmt.Errorf("%w: %q", ErrBadPrivacy, name)
	case !slices.Contains(values, string(value)):
		return fmt.Errorf("%w: %s is one of %q", ErrBadPrivacy, name, values)
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.changePrivacyLocked(p.account, nil, string(name), string(value))
	return nil
}

// discreet is the receipt that a phone sends for what was read, which others may not be allowed to know.
func (p *Phone) discreet(kind types.ReceiptType) types.ReceiptType {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	switch {
	case !p.account.hidesLocked("readreceipts"):
		return kind
	case kind == types.ReceiptTypeRead:
		return types.ReceiptTypeReadSelf
	case kind == types.ReceiptTypePlayed:
		return types.ReceiptTypePlayedSelf
	default:
		return kind
	}
}

// issueTokens gives the companions of those whom a device trusts a token that proves it. Clients show it when they
// write to the account or look at its profile.
func (s *Simulator) issueTokens(_ *connection, d *device, request *waBinary.Node) waBinary.Node {
	tokens := request.GetChildByTag("tokens")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, token := range tokens.GetChildrenByTag("token") {
		trusted := s.accountOfLocked(attrJID(&token, "jid"))
		if trusted == nil || attr(&token, "type") != "trusted_contact" {
			continue
		}
		issued := waBinary.Node{
			Tag: "token", Attrs: waBinary.Attrs{"type": "trusted_contact", "t": attr(&token, "t")}, Content: []byte(randomHex(privacyTokenSize)),
		}
		notice := notification(d.account.pn, "privacy_token", element("tokens", nil, issued))
		s.tellOwnLocked(trusted, nil, withAttr(notice, "sender_lid", d.account.lid))
	}
	return result(request)
}

const privacyTokenSize = 16
