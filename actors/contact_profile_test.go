package actors

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/loadtest/simulator"
)

func TestWhatWhatsAppKnowsOfSomebodyIsAskedByAnyAddress(t *testing.T) {
	h := newLinkedHome(t)
	require.NoError(t, h.friend.SetAbout(t.Context(), "at sea"))
	answered[BlockedContacts](t, h, BlockContact{h.friend.Number(), true})
	number := h.friend.Number()
	for _, address := range []string{number, number + "@c.us", number + "@s.whatsapp.net", h.friend.LID().String()} {
		profile := answered[ContactProfile](t, h, GetContact{address})
		require.Equal(t, number, profile.Person.Number, address)
		require.Equal(t, h.friend.LID().String(), profile.Person.LID, address)
		require.True(t, profile.OnWhatsApp, address)
		require.True(t, profile.Blocked, address)
		require.Equal(t, "at sea", profile.About, address)
		require.Nil(t, profile.Presence, address)
	}
	stranger := answered[ContactProfile](t, h, GetContact{"31699999999"})
	require.Equal(t, ContactProfile{Person: Person{Number: "31699999999"}}, stranger)
	require.Equal(t, "contactId", declined(t, h, GetContact{"120363012345678901@g.us"}).Field)
}

func TestManyAreAskedAboutAtOnceForTheirPhotosAndPresence(t *testing.T) {
	h := newLinkedHome(t)
	var full bytes.Buffer
	require.NoError(t, jpeg.Encode(&full, image.NewGray(image.Rect(0, 0, 64, 64)), nil))
	photo, err := h.friend.SetPicture(t.Context(), full.Bytes())
	require.NoError(t, err)
	looks := answered[Looks](t, h, GetLooks{[]string{"31699999999", h.friend.LID().String()}})
	require.Equal(t, Looks{{}, {PhotoID: photo}}, looks)
	require.Empty(t, answered[Looks](t, h, GetLooks{}))
	require.Equal(t, "contactId", declined(t, h, GetLooks{[]string{"120363012345678901@g.us"}}).Field)
}

func TestABusinessIsKnownAsOne(t *testing.T) {
	h := newLinkedHome(t)
	require.NoError(t, h.friend.SetBusiness(t.Context(), simulator.Business{Name: "Ann's Bakery"}))
	require.Equal(t, "Ann's Bakery", answered[ContactProfile](t, h, GetContact{h.friend.Number()}).Names.BusinessName)
}

func TestANameIsSavedInThePhonesAddressBook(t *testing.T) {
	h, chat, _ := newChat(t)
	answered[Done](t, h, SaveContact{Contact: chat, FullName: "Ann Jansen", FirstName: "Annie"})
	saved := h.shared(t, appstate.IndexContact, types.NewJID(h.friend.Number(), types.DefaultUserServer).String())
	require.JSONEq(t, `{"fullName":"AnnJansen","firstName":"Annie","lidJID":"`+h.friend.LID().String()+`","saveOnPrimaryAddressbook":true}`, saved)
	profile := answered[ContactProfile](t, h, GetContact{chat})
	require.Equal(t, "Ann Jansen", profile.Person.Name)
	require.Equal(t, "Annie", profile.Names.FirstName)
	until(t, "it is told", func() bool {
		told := logged[ContactUpdatedEvent](t, h, EventContactUpdated)
		return len(told) == 1 && told[0].FullName == "Ann Jansen" && told[0].ContactID == chat
	})

	require.Equal(t, "fullName", declined(t, h, SaveContact{Contact: chat}).Field)
	require.Equal(t, "firstName", declined(t, h, SaveContact{Contact: chat, FullName: "A", FirstName: strings.Repeat("x", 101)}).Field)
	require.Equal(t, "contactId", declined(t, h, SaveContact{Contact: "900000000000999@lid", FullName: "A"}).Field, "whose number nobody knows")
}
