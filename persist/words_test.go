package persist_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"whatsapp-web-server/persist"
)

func TestWordsAreFoldedAndNamedOnce(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"... !?":                  "",
		"Hello, HELLO hello":      " hello",
		"Crème brûlée":            " creme brulee",
		"Straße":                  " strasse",
		"a\x00b\xffc":             " a b c",
		"ﬁne ① Ⅻ":                 " fine 1 xii",
		"東京 Tower":                " 東 京 tower",
		"I'll pay 4.50€":          " i ll pay 4 50",
		"नमस्ते":                  " नमसत",
		strings.Repeat("ä", 100):  " " + strings.Repeat("a", 64),
		strings.Repeat("ж", 33):   " " + strings.Repeat("ж", 32),
		"me@example.com +4917012": " me example com 4917012",
	} {
		require.Equal(t, want, persist.Words(text), text)
	}
}

func TestWhatSomebodyTypesMatchesTheTextItIsFrom(t *testing.T) {
	table := persist.MessageContents.Table
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 40, -1).Draw(t, "text")
		row := persist.MessageContents.Put(persist.NewMessageContent(persist.Message{Chat: "chat"}, text)).Row
		terms := persist.Terms(text)
		require.True(t, table.Matches(row, terms))
		require.True(t, table.Matches(row, append(terms, persist.ChatTerm("chat"))))
		require.False(t, table.Matches(row, append(terms, persist.ChatTerm("cha"))))
		require.NoError(t, persist.Query{Table: table, Match: terms, Limit: 1}.Check())
	})
}

func TestOneSearchAsksForABoundedNumberOfTerms(t *testing.T) {
	require.Len(t, persist.Terms(strings.Join(strings.Split("abcdefghijklmnopqrstuvwxyz", ""), " ")), 20)
}

func FuzzWords(f *testing.F) {
	for _, seed := range []string{"", "Crème", "東京", "\xff\x00", "ﬁ①"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := persist.Words(text)
		if persist.Storable(words) != words {
			t.Fatalf("%q is not storable", words)
		}
		for word := range strings.FieldsSeq(words) {
			if len(word) > 64 || strings.Contains(words, " "+word+" "+word+" ") {
				t.Fatalf("%q", words)
			}
		}
	})
}

func BenchmarkWords(b *testing.B) {
	for name, text := range map[string]string{
		"ASCII":  "Shall we meet at half past seven in front of the old station?",
		"German": "Sollen wir uns um halb acht vor dem alten Bahnhof in München treffen?",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				persist.Words(text)
			}
		})
	}
}
