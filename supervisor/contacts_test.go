package supervisor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

func TestSomebodyIsReadByAnyOfTheirAddresses(t *testing.T) {
	s := stopped(t)
	s.knows(annLID, ann)
	s.write(persist.Contacts.Put(persist.Contact{JID: ann, FullName: "Ann Jansen"}),
		persist.Contacts.Put(persist.Contact{JID: annLID, PushName: "annie"}))
	s.chat(bob, midday)
	for _, address := range []string{ann, annLID, "31600000002", "31600000002@c.us"} {
		found, err := s.Contact(t.Context(), number, address)
		require.NoError(t, err)
		require.Equal(t, actors.Person{Number: "31600000002", LID: annLID, Name: "Ann Jansen"}, found.Person, address)
		require.Equal(t, "annie", found.Names.PushName, address)
	}
	found, err := s.Contact(t.Context(), number, bob)
	require.NoError(t, err)
	require.Equal(t, "31600000003", found.Person.Number)
	_, err = s.Contact(t.Context(), number, "31600000004")
	require.Equal(t, actors.CodeNotFound, actors.CodeOf(err))
	_, err = s.Contact(t.Context(), number, team)
	require.Equal(t, actors.CodeInvalidRequest, actors.CodeOf(err))
}
