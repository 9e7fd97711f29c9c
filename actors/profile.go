package actors

import (
	"context"
	"errors"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

// Lengths that WhatsApp's own clients allow, in characters.
const (
	maxName  = 25
	maxAbout = 139
)

// GetProfile asks what the account shows of itself; the reply is a [Profile].
type GetProfile struct{}

// Profile is what an account shows of itself.
type Profile struct {
	Member
	About      string `json:"about" doc:"the text under the name"`
	PictureID  string `json:"pictureId,omitempty"`
	PictureURL string `json:"pictureUrl,omitempty" doc:"where WhatsApp serves the picture, for a while"`
}

func (GetProfile) perform(ctx context.Context, l *link) (any, error) {
	own := l.device.ToNonAD()
	member, err := l.member(ctx, own)
	if err != nil {
		return nil, err
	}
	record, err := persist.Accounts.Get(ctx, l.inbound.ledger.journal, l.inbound.people.scope)
	if err != nil {
		return nil, err
	}
	member.Name = record.PushName
	profile := Profile{Member: member}
	infos, err := l.client.GetUserInfo(ctx, []types.JID{own})
	if err != nil {
		return nil, err
	}
	profile.About = infos[own].Status
	picture, err := l.client.GetProfilePictureInfo(ctx, own, nil)
	switch {
	case errors.Is(err, whatsmeow.ErrProfilePictureNotSet):
	case err != nil:
		return nil, err
	case picture != nil:
		profile.PictureID, profile.PictureURL = picture.ID, picture.URL
	}
	return profile, nil
}

// SetProfile changes the account's name, or the text under it; nil leaves what is
// there. The reply is [Done].
type SetProfile struct {
	Name  *string `json:"name,omitempty" minLength:"1" maxLength:"25" doc:"what others see who have not named the account themselves"`
	About *string `json:"about,omitempty" maxLength:"139" doc:"the text under the name"`
}

func (r SetProfile) perform(ctx context.Context, l *link) (any, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.Name != nil {
		if err := l.client.SendAppState(ctx, appstate.BuildSettingPushName(*r.Name)); err != nil {
			return nil, changed(err)
		}
	}
	if r.About != nil {
		if err := l.client.SetStatusMessage(ctx, types.SetStatusInput{Text: r.About}); err != nil {
			return nil, changed(channelRefused(err)) // in the same query language
		}
	}
	return Done{}, nil
}

func (r SetProfile) check() error {
	switch {
	case r.Name == nil && r.About == nil:
		return refuseInput("profile", "expected a name or an about text")
	case r.Name != nil && strings.TrimSpace(*r.Name) == "":
		return refuseInput("name", "expected 1 to %d characters", maxName)
	case r.Name != nil:
		if err := checkLength("name", *r.Name, maxName); err != nil {
			return err
		}
	}
	if r.About == nil {
		return nil
	}
	return checkLength("about", *r.About, maxAbout)
}

// SetPicture replaces the account's picture by a JPEG; none removes it. The reply
// is a [PictureID].
type SetPicture struct{ Picture []byte }

func (r SetPicture) perform(ctx context.Context, l *link) (any, error) {
	return l.setPicture(ctx, types.EmptyJID, r.Picture)
}
