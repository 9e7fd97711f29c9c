package actors

import (
	"context"
	"errors"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
)

// GetContactLink asks for the link by which others find the account; the reply is a
// [ContactLink].
type GetContactLink struct {
	// Reset makes a new link; the one before does not work any more.
	Reset bool
}

// ContactLink is a link by which others find the account.
type ContactLink struct {
	Link string `json:"link" doc:"also as a QR code"`
}

func (r GetContactLink) perform(ctx context.Context, l *link) (any, error) {
	code, err := l.client.GetContactQRLink(ctx, r.Reset)
	return ContactLink{whatsmeow.ContactQRLinkPrefix + code}, changed(err)
}

// ResolveLink asks whom a link leads to, one of a contact or to write to a
// business; the reply is a [LinkTarget].
type ResolveLink struct{ Link string }

// LinkTarget is whom a link leads to.
type LinkTarget struct {
	Kind   string `json:"kind" enum:"contact,business"`
	Person Member `json:"person"`
	// Message is what the link has one write to the business.
	Message string `json:"message,omitempty" doc:"what the link has one write to the business"`
}

func (r ResolveLink) perform(ctx context.Context, l *link) (any, error) {
	switch {
	case hasPrefix(r.Link, whatsmeow.ContactQRLinkPrefix, whatsmeow.ContactQRLinkDirectPrefix):
		target, err := l.client.ResolveContactQRLink(ctx, r.Link)
		if err != nil {
			return nil, linkRefused(err)
		}
		return l.linkTarget(ctx, LinkTarget{Kind: "contact"}, target.JID, target.PushName)
	case hasPrefix(r.Link, whatsmeow.BusinessMessageLinkPrefix, whatsmeow.BusinessMessageLinkDirectPrefix):
		target, err := l.client.ResolveBusinessMessageLink(ctx, r.Link)
		if err != nil {
			return nil, linkRefused(err)
		}
		return l.linkTarget(ctx, LinkTarget{Kind: "business", Message: target.Message}, target.JID, firstOf(target.VerifiedName, target.PushName))
	default:
		return nil, refuseInput("link", "expected https://wa.me/qr/… or https://wa.me/message/…")
	}
}

func (l *link) linkTarget(ctx context.Context, target LinkTarget, jid types.JID, name string) (LinkTarget, error) {
	person, err := l.member(ctx, jid)
	person.Name = firstOf(person.Name, name)
	target.Person = person
	return target, err
}

func linkRefused(err error) error {
	if errors.Is(err, whatsmeow.ErrIQNotFound) || errors.Is(err, whatsmeow.ErrIQGone) {
		return &Error{Code: CodeNotFound, Message: "the link does not exist, or not any more", Cause: err}
	}
	return err
}

func hasPrefix(text string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}
