package actors

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
)

func TestAProfileIsShownAndChanged(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	until(t, "the phone has shared its app state", h.world.Settled)
	answered[Done](t, h, SetProfile{Name: new("Counter"), About: new("Open till nine")})
	require.Equal(t, "Open till nine", h.owner.About())
	id := answered[PictureID](t, h, SetPicture{picture(t, 64)}).ID
	until(t, "the name is known", func() bool { return insist[Status](t, h, GetStatus{}).Name == "Counter" })
	profile := answered[Profile](t, h, GetProfile{})
	require.Equal(t, h.owner.Number(), profile.Number)
	require.Equal(t, "Open till nine", profile.About)
	require.Equal(t, id, profile.PictureID)
	require.NotEmpty(t, profile.PictureURL)
	until(t, "the name is stored", func() bool { return answered[Profile](t, h, GetProfile{}).Name == "Counter" })
	state, err := h.owner.AppState()
	require.NoError(t, err)
	shared, err := json.Marshal(state)
	require.NoError(t, err)
	require.Contains(t, string(shared), `"Counter"`, "the phone has the name")

	answered[PictureID](t, h, SetPicture{})
	require.Empty(t, answered[Profile](t, h, GetProfile{}).PictureID)
	for field, request := range map[string]Request{
		"profile": SetProfile{}, "name": SetProfile{Name: new(strings.Repeat("x", maxName+1))},
		"about": SetProfile{About: new(strings.Repeat("x", maxAbout+1))}, "picture": SetPicture{[]byte("GIF89a")},
	} {
		require.Equal(t, field, declined(t, h, request).Field)
	}
}

func TestPrivacyIsChangedOneSettingByAnother(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	before := answered[Privacy](t, h, GetPrivacy{})
	require.Equal(t, "all", before.LastSeen)
	require.Equal(t, "off", before.Defense)
	after := answered[Privacy](t, h, SetPrivacy{Privacy{LastSeen: "none", GroupAdd: "none", Messages: "contacts", Defense: "on_standard"}})
	before.LastSeen, before.GroupAdd, before.Messages, before.Defense = "none", "none", "contacts", "on_standard"
	require.Equal(t, before, after)
	require.Equal(t, after, answered[Privacy](t, h, GetPrivacy{}))
	_, err := h.friend.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Team"})
	require.NoError(t, err)

	require.Equal(t, "online", declined(t, h, SetPrivacy{Privacy{LastSeen: "all", Online: "contacts"}}).Field)
	require.Equal(t, "privacy", declined(t, h, SetPrivacy{}).Field)
	require.Equal(t, after, answered[Privacy](t, h, GetPrivacy{}), "nothing is half done")
	require.Equal(t, StatusAudience{"contacts", []Member{}}, answered[StatusAudience](t, h, GetStatusPrivacy{}))
	answered[Done](t, h, SetDefaultTimer{604800})
	require.Equal(t, "seconds", declined(t, h, SetDefaultTimer{5}).Field)
}

func TestALinkLeadsToWhomItIsOf(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	link := answered[ContactLink](t, h, GetContactLink{}).Link
	require.Equal(t, h.owner.ContactLink(), link)
	require.NotEqual(t, link, answered[ContactLink](t, h, GetContactLink{Reset: true}).Link)
	target := answered[LinkTarget](t, h, ResolveLink{h.friend.ContactLink()})
	require.Equal(t, h.friend.Number(), target.Person.Number)
	require.Equal(t, "contact", target.Kind)
	require.Equal(t, CodeNotFound, declined(t, h, ResolveLink{link}).Code, "it was replaced")
	require.Equal(t, CodeNotFound, declined(t, h, ResolveLink{"https://wa.me/message/NONE"}).Code)
	require.Equal(t, "link", declined(t, h, ResolveLink{"https://example.com"}).Field)
}

func TestABusinessShowsItself(t *testing.T) {
	h := newTown(t).newHome(t)
	h.link(t)
	require.Equal(t, CodeNotFound, declined(t, h, GetBusiness{h.friend.Number()}).Code)
	require.NoError(t, h.friend.SetBusiness(t.Context(), simulator.Business{Name: "Bakery", Address: "Main Street 1", Email: "b@example.com", Category: "Food"}))
	business := answered[Business](t, h, GetBusiness{h.friend.Number()})
	require.Equal(t, h.friend.Number(), business.Person.Number)
	require.Equal(t, "Main Street 1", business.Address)
	require.Equal(t, "b@example.com", business.Email)
	require.Equal(t, []string{"Food"}, business.Categories)
	require.Equal(t, "contactId", declined(t, h, GetBusiness{"nobody"}).Field)
}
