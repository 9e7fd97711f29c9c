package configs

import (
	"fmt"
	"io"
)

// Secret is a value that must not be seen: whatever prints, formats or encodes
// it gets ***. Only [Secret.Reveal] tells it.
type Secret string

const masked = "***"

// Reveal returns the value itself, for the one place that has to compare or
// send it.
func (s Secret) Reveal() string { return string(s) }

// String returns ***, or nothing where no secret is set.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// Format masks under the verbs that strings don't have too, such as %d, where fmt
// would show the value. (It is not asked for %p, which vet refuses.)
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText masks in JSON and in structured logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
