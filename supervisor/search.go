package supervisor

import (
	"slices"
	"strings"
	"unicode"

	"go.mau.fi/whatsmeow/types"
	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"whatsapp-web-server/persist"
)

// search finds people by the beginnings of words. It is for one goroutine.
type search struct {
	fold  transform.Transformer
	words []string
	all   bool // there is nothing to look for
}

// newSearch reads what somebody typed. Digits with nothing but punctuation
// between are one number, as people write them.
func newSearch(text string) *search {
	s := &search{
		fold: transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), cases.Fold()),
		all:  text == "",
	}
	s.words = s.split(text)
	if strings.IndexFunc(text, unicode.IsLetter) < 0 {
		s.words = []string{strings.Join(s.words, "")}
	}
	return s
}

// split gives the words of text without case and accents.
func (s *search) split(text string) []string {
	folded, _, err := transform.String(s.fold, text)
	if err != nil {
		folded = text // none of the three can fail
	}
	return strings.FieldsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

// finds tells whether every word begins a word of the contact's names or the
// number, if address is one.
func (s *search) finds(contact persist.Contact, address types.JID) bool {
	if s.all {
		return true
	}
	known := s.split(strings.Join([]string{
		contact.FullName, contact.FirstName, contact.PushName, contact.BusinessName,
	}, " "))
	if address.Server == types.DefaultUserServer {
		known = append(known, address.User)
	}
	for _, word := range s.words {
		if word == "" || !slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, word) }) {
			return false
		}
	}
	return len(s.words) > 0
}
