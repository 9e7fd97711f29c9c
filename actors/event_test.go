package actors

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// UPDATE_GOLDEN=1 writes the golden files anew; the difference is for review,
// since integrators rely on what these files say.
func requireGolden(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestTheEventCatalogueIsWhatIntegratorsWereTold(t *testing.T) {
	var text strings.Builder
	for _, entry := range Catalogue() {
		payload, err := json.Marshal(entry.Payload)
		require.NoError(t, err)
		durability := "ephemeral"
		if entry.Durable {
			durability = "durable"
		}
		fmt.Fprintf(&text, "%s (%s): %s\n  %s\n", entry.Kind, durability, entry.When, payload)
	}
	requireGolden(t, "testdata/events.golden", text.String())
}

func TestEveryEventNamesItsAccountAsClientID(t *testing.T) {
	for _, entry := range Catalogue() {
		payload, err := json.Marshal(entry.Payload)
		require.NoError(t, err)
		require.Contains(t, string(payload), `"clientId":`, entry.Kind)
	}
}

func TestACursorReadsBackFromItsText(t *testing.T) {
	cursor := Cursor{Log: "01J9Z3", Seq: 42}
	parsed, err := ParseCursor(cursor.String())
	require.NoError(t, err)
	require.Equal(t, cursor, parsed)
}

func TestForeignCursorsAreRefused(t *testing.T) {
	for _, text := range []string{"", "-", "42", "log-", "-1", "log-x", "log--1", "log-9223372036854775808"} {
		_, err := ParseCursor(text)
		require.Equal(t, CodeInvalidRequest, CodeOf(err), text)
	}
}

func FuzzParseCursorNeverPanics(f *testing.F) {
	f.Add("01J9Z3-42")
	f.Fuzz(func(t *testing.T, text string) {
		cursor, err := ParseCursor(text)
		if err == nil {
			again, err := ParseCursor(cursor.String())
			require.NoError(t, err)
			require.Equal(t, cursor, again)
		}
	})
}
