package simulator_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// photo is a JPEG of a size.
func photo(t *testing.T, width, height int) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, image.NewRGBA(image.Rect(0, 0, width, height)), nil))
	return out.Bytes()
}

// fetch gets what a URL leads to.
func fetch(t *testing.T, url string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(within(t), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return body
}

// acquaint makes the companion hold the device list of a number.
func (c *companion) acquaint(number string) {
	c.t.Helper()
	_, err := c.client.GetUserInfo(within(c.t), []types.JID{types.NewJID(number, types.DefaultUserServer)})
	require.NoError(c.t, err)
}

func TestAProfilePictureIsFetchedInBothSizes(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion, own := newCompanion(t, sim).pair(a), newCompanion(t, sim).pair(b)
	jid := types.NewJID(bob, types.DefaultUserServer)
	_, err := companion.client.GetProfilePictureInfo(within(t), jid, nil)
	require.ErrorIs(t, err, whatsmeow.ErrProfilePictureNotSet)
	companion.acquaint(bob)

	full := photo(t, 200, 100)
	id, err := b.SetPicture(t.Context(), full)
	require.NoError(t, err)
	changed := next[*events.Picture](companion)
	require.Equal(t, id, changed.PictureID)
	require.Equal(t, b.LID(), changed.JID)
	require.Equal(t, bob, next[*events.Picture](own).JID.User)
	info, err := companion.client.GetProfilePictureInfo(within(t), jid, nil)
	require.NoError(t, err)
	require.Equal(t, id, info.ID)
	require.Equal(t, full, fetch(t, info.URL))
	preview, err := companion.client.GetProfilePictureInfo(within(t), jid, &whatsmeow.GetProfilePictureParams{Preview: true})
	require.NoError(t, err)
	size, err := jpeg.DecodeConfig(bytes.NewReader(fetch(t, preview.URL)))
	require.NoError(t, err)
	require.Equal(t, 96, size.Width)
	unchanged, err := companion.client.GetProfilePictureInfo(within(t), jid, &whatsmeow.GetProfilePictureParams{ExistingID: id})
	require.NoError(t, err)
	require.Nil(t, unchanged)

	require.NoError(t, b.SetPrivacy(t.Context(), types.PrivacySettingTypeProfile, types.PrivacySettingNone))
	_, err = companion.client.GetProfilePictureInfo(within(t), jid, nil)
	require.ErrorIs(t, err, whatsmeow.ErrProfilePictureUnauthorized)
	require.NoError(t, b.SetPrivacy(t.Context(), types.PrivacySettingTypeProfile, types.PrivacySettingAll))
	_, err = b.SetPicture(t.Context(), nil)
	require.NoError(t, err)
	require.True(t, next[*events.Picture](companion).Remove)
	_, err = b.SetPicture(t.Context(), []byte("GIF89a"))
	require.ErrorIs(t, err, simulator.ErrBadProfile)
}

func TestACompanionSetsThePictureOfItsAccount(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	companion := newCompanion(t, sim).pair(a)
	own := companion.client.Store.ID.ToNonAD()
	id, err := companion.client.SetGroupPhoto(within(t), own, photo(t, 10, 10))
	require.NoError(t, err)
	info, err := companion.client.GetProfilePictureInfo(within(t), own, nil)
	require.NoError(t, err)
	require.Equal(t, id, info.ID)
	_, err = companion.client.SetGroupPhoto(within(t), own, []byte("no picture"))
	require.ErrorIs(t, err, whatsmeow.ErrInvalidImageFormat)
	_, err = companion.client.SetGroupPhoto(within(t), own, nil)
	require.NoError(t, err)
	_, err = companion.client.GetProfilePictureInfo(within(t), own, nil)
	require.ErrorIs(t, err, whatsmeow.ErrProfilePictureNotSet)
}

func TestUserInfoShowsWhatAnAccountShows(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	jid := types.NewJID(bob, types.DefaultUserServer)
	companion.acquaint(bob)
	require.NoError(t, b.SetAbout(t.Context(), "out for lunch"))
	require.Equal(t, "out for lunch", next[*events.UserAbout](companion).Status)
	id, err := b.SetPicture(t.Context(), photo(t, 8, 8))
	require.NoError(t, err)
	info, err := companion.client.GetUserInfo(within(t), []types.JID{jid})
	require.NoError(t, err)
	require.Equal(t, "out for lunch", info[jid].Status)
	require.Equal(t, id, info[jid].PictureID)
	require.Equal(t, b.LID(), info[jid].LID)
	require.Equal(t, []types.JID{jid}, info[jid].Devices)

	require.NoError(t, b.SetPrivacy(t.Context(), types.PrivacySettingTypeStatus, types.PrivacySettingNone))
	require.NoError(t, b.SetPrivacy(t.Context(), types.PrivacySettingTypeProfile, types.PrivacySettingNone))
	info, err = companion.client.GetUserInfo(within(t), []types.JID{jid})
	require.NoError(t, err)
	require.Empty(t, info[jid].Status)
	require.Empty(t, info[jid].PictureID)
}

func TestACompanionSetsTheAboutTextOfItsAccount(t *testing.T) {
	sim := simulatortest.Start(t)
	a := addPhone(t, sim, alice)
	companion := newCompanion(t, sim).pair(a)
	words := "at the desk"
	require.NoError(t, companion.client.SetStatusMessage(within(t), types.SetStatusInput{Text: &words}))
	require.Equal(t, words, a.About())
	_, err := companion.client.DangerousInternals().SendMexIQ(within(t), "1", nil)
	require.ErrorContains(t, err, "not modelled")
}

func TestABusinessShowsItsNameAndProfile(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	jid := types.NewJID(bob, types.DefaultUserServer)
	require.ErrorIs(t, b.SetBusiness(t.Context(), simulator.Business{}), simulator.ErrBadProfile)
	require.NoError(t, b.SetBusiness(t.Context(), simulator.Business{Name: "Bob's Bikes", Address: "Main Street 1", Email: "bob@example.com", Category: "Bicycles"}))
	shown, err := companion.client.GetBusinessProfile(within(t), jid)
	require.NoError(t, err)
	require.Equal(t, "Main Street 1", shown.Address)
	require.Equal(t, "bob@example.com", shown.Email)
	require.Equal(t, "Bicycles", shown.Categories[0].Name)
	found, err := companion.client.IsOnWhatsApp(within(t), []string{"+" + bob})
	require.NoError(t, err)
	require.Equal(t, "Bob's Bikes", found[0].VerifiedName.Details.GetVerifiedName())
	_, err = b.SendText(t.Context(), alice, "your bike is ready")
	require.NoError(t, err)
	require.Equal(t, "Bob's Bikes", companion.nextText().Info.VerifiedName.Details.GetVerifiedName())
	_, err = companion.client.GetBusinessProfile(within(t), types.NewJID(alice, types.DefaultUserServer))
	require.ErrorContains(t, err, "missing jid", "alice is no business")
}

func TestContactLinksLeadToTheirAccount(t *testing.T) {
	sim := simulatortest.Start(t)
	a, b := addPhone(t, sim, alice), addPhone(t, sim, bob)
	companion := newCompanion(t, sim).pair(a)
	target, err := companion.client.ResolveContactQRLink(within(t), b.ContactLink())
	require.NoError(t, err)
	require.Equal(t, types.ContactQRLinkTarget{JID: types.NewJID(bob, types.DefaultUserServer), Type: "contact", PushName: "Phone " + bob}, *target)
	first, err := companion.client.GetContactQRLink(within(t), false)
	require.NoError(t, err)
	again, err := companion.client.GetContactQRLink(within(t), false)
	require.NoError(t, err)
	require.Equal(t, first, again)
	renewed, err := companion.client.GetContactQRLink(within(t), true)
	require.NoError(t, err)
	_, err = companion.client.ResolveContactQRLink(within(t), first)
	require.ErrorIs(t, err, whatsmeow.ErrContactQRLinkNotFound)
	target, err = companion.client.ResolveContactQRLink(within(t), renewed)
	require.NoError(t, err)
	require.Equal(t, alice, target.JID.User)
}

func TestARestrictionIsToldWithItsEnd(t *testing.T) {
	sim := simulatortest.Start(t)
	companion := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	call[any](t, sim, "POST", "/phones/"+alice+"/restrict", `{"until":"`+until.Format(time.RFC3339)+`","type":"SPAM"}`, http.StatusOK)
	told := next[*events.NotifyAccountReachoutTimelock](companion)
	require.True(t, told.IsActive)
	require.True(t, until.Equal(told.TimeEnforcementEnds.Time), told.TimeEnforcementEnds)
	require.Equal(t, "SPAM", told.EnforcementType)
	call[any](t, sim, "POST", "/phones/"+alice+"/restrict", `{}`, http.StatusOK)
	require.False(t, next[*events.NotifyAccountReachoutTimelock](companion).IsActive)
}

func TestTheDefaultTimerOfDisappearingMessagesIsTaken(t *testing.T) {
	sim := simulatortest.Start(t)
	companion := newCompanion(t, sim).pair(addPhone(t, sim, alice))
	require.NoError(t, companion.client.SetDefaultDisappearingTimer(within(t), 24*time.Hour))
}

func TestTheControlAPIChangesProfiles(t *testing.T) {
	sim := simulatortest.Start(t)
	b := addPhone(t, sim, bob)
	call[any](t, sim, "POST", "/phones/"+bob+"/about", `{"text":"busy"}`, http.StatusOK)
	require.Equal(t, "busy", b.About())
	call[any](t, sim, "POST", "/phones/"+bob+"/picture", `{"jpeg":"R0lG"}`, http.StatusBadRequest)
	call[any](t, sim, "POST", "/phones/"+bob+"/business", `{}`, http.StatusBadRequest)
	call[any](t, sim, "POST", "/phones/"+bob+"/business", `{"name":"Bob's Bikes"}`, http.StatusOK)
	require.NotEmpty(t, call[struct{ Link string }](t, sim, "GET", "/phones/"+bob+"/contact-link", "", http.StatusOK).Link)
}
