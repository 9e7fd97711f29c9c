package actors

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryWayToWriteAnAddressMeansTheSameChat(t *testing.T) {
	for text, want := range map[string]string{
		"31612345678":                 "31612345678@c.us",
		"+31 6 1234 5678":             "31612345678@c.us",
		" 31612345678@c.us ":          "31612345678@c.us",
		"31612345678@s.whatsapp.net":  "31612345678@c.us",
		"100000000012345@lid":         "100000000012345@lid",
		"120363012345678901@g.us":     "120363012345678901@g.us",
		"31612345678-1600000000@g.us": "31612345678-1600000000@g.us",
	} {
		jid, ok := ParseChat(text)
		require.True(t, ok, text)
		require.Equal(t, want, FormatChat(jid), text)
	}
}

func TestAddressesThatCannotBeAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "@", "@lid", "1234", strings.Repeat("1", 21), "3161234567x", "31612345678@example.com",
		"31612345678:3@s.whatsapp.net", "31612345678.1@lid", "-@g.us", "status@broadcast", "31612345678@c.us@c.us",
	} {
		_, ok := ParseChat(text)
		require.False(t, ok, text)
	}
}

func FuzzWhatParseChatAcceptsItReadsBackFromItsOwnForm(f *testing.F) {
	f.Add("31612345678")
	f.Add("+31 6 1234 5678@c.us")
	f.Add("120363012345678901@g.us")
	f.Fuzz(func(t *testing.T, text string) {
		jid, ok := ParseChat(text)
		if !ok {
			return
		}
		again, ok := ParseChat(FormatChat(jid))
		require.True(t, ok)
		require.Equal(t, jid, again)
	})
}

func TestMessageIDsAreReadAsTheyWereWritten(t *testing.T) {
	for written, id := range map[string]string{
		FormatMessageID("M1", own, false):    "M1",
		FormatMessageID("M1", ann, true):     "M1",
		FormatMessageID("M~1", annID, false): "M~1",
	} {
		read, sender, ok := ParseMessageID(written)
		require.True(t, ok)
		require.Equal(t, id, read)
		require.Equal(t, written != id, !sender.IsEmpty())
	}
	for _, text := range []string{"", "~", "M1~", "~31600000002@c.us", "M1~nobody"} {
		_, _, ok := ParseMessageID(text)
		require.False(t, ok, text)
	}
}
