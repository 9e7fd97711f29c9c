package access

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/persist"
)

// A token is wak_<id>_<secret>: the id finds the key, the secret proves it.
const (
	tokenPrefix = "wak_"
	// Bounds of what a key may be told.
	maxName     = 100
	maxPatterns = 100
	maxRate     = 100_000
)

var (
	tenantForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	patternForm = regexp.MustCompile(`^([0-9]{1,19}\*|[0-9]{5,20}|\*)$`)
)

// Spec is what a key is to be. Change takes those fields that are not nil.
type Spec struct {
	Name      *string
	Rights    *[]Right
	Accounts  *[]string  // patterns; see [Principal.Accounts]
	Addresses *[]string  // CIDRs that it may be used from; none is anywhere
	ExpiresAt *time.Time // the zero time: never
	PerSecond *int64     // requests; 0 is no bound
	Burst     *int64     // at once; 0 is PerSecond
}

// IsToken tells whether a bearer token has the form of a key's.
func IsToken(token string) bool { return strings.HasPrefix(token, tokenPrefix) }

// splitToken is the id and the secret in a token.
func splitToken(token string) (id, secret string) {
	id, secret, _ = strings.Cut(strings.TrimPrefix(token, tokenPrefix), "_")
	return id, secret
}

// newSecret returns the token of a key, and what is kept of it.
func newSecret(id string) (token string, digest []byte) {
	secret := rand.Text()
	sum := sha256.Sum256([]byte(secret))
	return tokenPrefix + id + "_" + secret, sum[:]
}

func newID() string { return strings.ToLower(ulid.Make().String()) }

// principal is who asks with the key.
func principal(key persist.APIKey) Principal {
	rights := make([]Right, len(key.Rights))
	for i, right := range key.Rights {
		rights[i] = Right(right)
	}
	return Principal{ID: key.ID, Tenant: key.Tenant, Rights: rights, Accounts: key.Accounts}
}

// apply changes a key. What makes no sense is refused with the name of its field.
func (s Spec) apply(key persist.APIKey) (persist.APIKey, error) {
	set(&key.Name, s.Name)
	set(&key.Accounts, s.Accounts)
	set(&key.Addresses, s.Addresses)
	set(&key.ExpiresAt, s.ExpiresAt)
	key.ExpiresAt = storable(key.ExpiresAt)
	set(&key.PerSecond, s.PerSecond)
	set(&key.Burst, s.Burst)
	if s.Rights != nil {
		key.Rights = nil
		for _, right := range *s.Rights {
			key.Rights = append(key.Rights, string(right))
		}
	}
	return key, check(key, s.ExpiresAt != nil)
}

// storable is a time as the storage gives it back.
func storable(t time.Time) time.Time { return persist.Time(persist.Milliseconds(t)) }

func set[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}

func check(key persist.APIKey, expires bool) error {
	wrong := func(field, expected string) error {
		return &actors.Error{Code: actors.CodeInvalidRequest, Field: field, Message: field + ": expected " + expected}
	}
	switch {
	case key.Tenant != "" && !tenantForm.MatchString(key.Tenant):
		return wrong("tenant", "up to 64 of a-z, 0-9, dot, underscore and hyphen")
	case key.Name == "" || len(key.Name) > maxName:
		return wrong("name", fmt.Sprintf("1 to %d characters", maxName))
	case len(key.Rights) == 0 || slices.ContainsFunc(key.Rights, unknownRight):
		return wrong("rights", "one or more of read, send, manage and admin")
	case len(key.Accounts) > maxPatterns || slices.ContainsFunc(key.Accounts, isNoPattern):
		return wrong("accounts", fmt.Sprintf("up to %d numbers, or beginnings of numbers followed by *", maxPatterns))
	case len(key.Addresses) > maxPatterns || slices.ContainsFunc(key.Addresses, isNoNetwork):
		return wrong("addresses", fmt.Sprintf("up to %d networks such as 192.0.2.0/24 or addresses", maxPatterns))
	case expires && !key.ExpiresAt.IsZero() && key.ExpiresAt.Before(time.Now()):
		return wrong("expiresAt", "a time to come")
	case key.PerSecond < 0 || key.PerSecond > maxRate:
		return wrong("rateLimit.perSecond", fmt.Sprintf("0 to %d", maxRate))
	case key.Burst < 0 || key.Burst > maxRate || key.Burst > 0 && key.PerSecond == 0:
		return wrong("rateLimit.burst", fmt.Sprintf("0 to %d, beside perSecond", maxRate))
	default:
		return nil
	}
}

func unknownRight(right string) bool  { return !slices.Contains(Rights(), Right(right)) }
func isNoPattern(pattern string) bool { return !patternForm.MatchString(pattern) }
func isNoNetwork(network string) bool { _, err := parseNetwork(network); return err != nil }

// parseNetwork reads a CIDR, or one address.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// mayGive refuses a key that has more than who makes or changes it.
func mayGive(by Principal, key persist.APIKey) error {
	beyond := func(field, what string) error {
		return &actors.Error{Code: actors.CodeForbidden, Field: field, Message: field + ": " + what}
	}
	switch {
	case by.Installation():
		return nil
	case key.Tenant != by.Tenant:
		return beyond("tenant", "only the administrator of the installation makes keys of other tenants")
	case !within(key.Accounts, by.Accounts):
		return beyond("accounts", "the key that asks does not cover all of them")
	default:
		return nil
	}
}

// mayManage tells whether a key exists for who asks: an administrator of its tenant
// that sees all that the key does.
func mayManage(by Principal, key persist.APIKey) bool {
	return by.Installation() || by.ID != "" && by.May(Admin) && by.Tenant == key.Tenant && within(key.Accounts, by.Accounts)
}

// within tells whether everything that matches inner matches outer as well.
func within(inner, outer []string) bool {
	if len(outer) == 0 {
		return true
	}
	return len(inner) > 0 && !slices.ContainsFunc(inner, func(pattern string) bool {
		return !slices.ContainsFunc(outer, func(wide string) bool { return covers(wide, pattern) })
	})
}

func covers(wide, pattern string) bool {
	prefix, open := strings.CutSuffix(wide, "*")
	return open && strings.HasPrefix(strings.TrimSuffix(pattern, "*"), prefix) || wide == pattern
}
