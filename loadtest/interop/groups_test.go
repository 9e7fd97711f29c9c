package interop

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/loadtest/simulator"
)

// group is what Baileys tells of a group, as far as a test asks.
type group struct {
	ID, Subject  string
	Participants []struct{ ID, Admin string }
}

func TestABaileysClientSeesAGroupAndWritesIntoIt(t *testing.T) {
	sim, a, b := service(t)
	client := start(t, sim, t.TempDir()).pair(a)
	founded, err := b.CreateGroup(t.Context(), simulator.GroupOptions{Subject: "Hikers", Members: []string{alice}})
	require.NoError(t, err)

	seen := do[group](client, "group", map[string]any{"jid": founded.String()})
	require.Equal(t, "Hikers", seen.Subject)
	require.Len(t, seen.Participants, 2)
	require.Equal(t, b.LID().String(), seen.Participants[0].ID)
	require.Equal(t, "superadmin", seen.Participants[0].Admin)
	require.Contains(t, do[map[string]group](client, "groups", nil), founded.String())

	_, err = b.SendText(t.Context(), founded.String(), "who comes along?")
	require.NoError(t, err)
	require.Equal(t, founded.String(), client.nextText("who comes along?").chat(t))
	client.send(founded.String(), "I do")
	got := nextOf(t, b, 0)
	require.Equal(t, "I do", got.Text)
	require.Equal(t, founded.String(), got.Chat)
}

func TestABaileysClientFoundsAGroup(t *testing.T) {
	sim, a, b := service(t)
	client := start(t, sim, t.TempDir()).pair(a)
	made := do[group](client, "found", map[string]any{"subject": "Cooks", "members": []string{jid(bob)}})
	founded, err := types.ParseJID(made.ID)
	require.NoError(t, err)
	info, known := sim.Group(founded)
	require.True(t, known)
	require.Equal(t, "Cooks", info.Subject)
	require.Equal(t, alice, info.Owner)

	client.send(made.ID, "soup today")
	require.Equal(t, "soup today", nextOf(t, b, 0).Text)
}
