package supervisor

import (
	"strings"
	"unicode"

	"go.mau.fi/whatsmeow/types"

	"whatsapp-web-server/persist"
)

// search finds people by the beginnings of words.
type search struct {
	terms []string
	all   bool // there is nothing to look for
}

// newSearch reads what somebody typed. Digits with nothing but punctuation
// between are one number, as people write them.
func newSearch(text string) *search {
	s := &search{terms: persist.Terms(text), all: text == ""}
	if strings.IndexFunc(text, unicode.IsLetter) < 0 {
		s.terms = persist.Terms(strings.Map(func(r rune) rune {
			if unicode.IsNumber(r) {
				return r
			}
			return -1
		}, text))
	}
	return s
}

// finds tells whether every word begins a word of the contact's names or the
// number, if address is one.
func (s *search) finds(contact persist.Contact, address types.JID) bool {
	if s.all {
		return true
	}
	known := []string{contact.FullName, contact.FirstName, contact.PushName, contact.BusinessName}
	if address.Server == types.DefaultUserServer {
		known = append(known, address.User)
	}
	words := persist.Words(strings.Join(known, " "))
	for _, term := range s.terms {
		if !strings.Contains(words, " "+term) {
			return false
		}
	}
	return len(s.terms) > 0
}
