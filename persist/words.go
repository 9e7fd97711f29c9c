package persist

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

const (
	// maxWords bounds what a text is found by: a message has 65,536 characters at
	// most, and hardly ever more than a hundred words.
	maxWords = 1000
	// maxWordBytes is where a word, and a term, is cut.
	maxWordBytes = 64
)

// Words is the form in which text is searched: each of its words once, without
// case and accents, after a space. A character of a script that puts no spaces
// between words is a word.
func Words(text string) string {
	var joined strings.Builder
	for _, word := range split(text, maxWords) {
		joined.WriteByte(' ')
		joined.WriteString(word)
	}
	return joined.String()
}

// maxTerms bounds what one search asks for.
const maxTerms = 20

// Terms are what somebody typed as [Query.Match] wants it: the first words, none
// if there are only spaces and punctuation.
func Terms(text string) []string { return split(text, maxTerms) }

// ChatTerm matches the contents of one chat.
func ChatTerm(chat string) string {
	digest := sha256.Sum256([]byte(chat))
	return chatMark + strings.ToLower(base32.StdEncoding.EncodeToString(digest[:10]))
}

// chatMark is in no word, and full-text tokenizers that know ASCII alone take it
// for a letter.
const chatMark = "§"

// Matches tells whether the row of a searched table has a word that begins with
// the term, for each of these.
func (t *Table) Matches(row Row, terms []string) bool {
	for _, term := range terms {
		if !strings.Contains(row[t.Searched].(string), " "+term) {
			return false
		}
	}
	return true
}

// split returns up to most different words of text, folded.
func split(text string, most int) []string {
	var found []string
	seen := map[string]bool{}
	for word := range strings.FieldsFuncSeq(separate(fold(text)), isBetweenWords) {
		if word = cut(word); seen[word] {
			continue
		}
		if len(found) == most {
			break
		}
		seen[word] = true
		found = append(found, word)
	}
	return found
}

func isBetweenWords(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
}

// fold takes case and accents away.
func fold(text string) string {
	if isASCII(text) {
		return strings.ToLower(text)
	}
	text = Storable(text)
	folded, _, err := transform.String(transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), cases.Fold()), text)
	if err != nil {
		return text // none of the three can fail
	}
	return folded
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// spaceless are the scripts without spaces between words.
var spaceless = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

// separate puts spaces round each character of such a script.
func separate(text string) string {
	if isASCII(text) {
		return text
	}
	var spaced strings.Builder
	for _, r := range text {
		if unicode.In(r, spaceless...) {
			spaced.WriteByte(' ')
			spaced.WriteRune(r)
			spaced.WriteByte(' ')
			continue
		}
		spaced.WriteRune(r)
	}
	return spaced.String()
}

func cut(word string) string {
	if len(word) <= maxWordBytes {
		return word
	}
	end := maxWordBytes
	for !utf8.RuneStart(word[end]) {
		end--
	}
	return word[:end]
}
