package access

import (
	"slices"
	"strings"
)

// Right is what a principal may do with the accounts that it sees.
type Right string

// The rights. Each stands by itself, except that Admin has all others in it.
const (
	Read   Right = "read"   // look at what is stored and hear what happens
	Send   Right = "send"   // act in chats as the account
	Manage Right = "manage" // change the account itself: its session, settings, groups
	Admin  Right = "admin"  // manage the tenant's keys, and what must not be anybody's
)

// Rights lists all there are.
func Rights() []Right { return []Right{Read, Send, Manage, Admin} }

// Principal is who asks. The zero value is nobody: it may nothing and sees nothing.
type Principal struct {
	// ID names the principal in logs, in the audit log and as the owner of idempotency
	// keys. It is the key's id, never the key.
	ID string
	// Tenant is whose accounts it sees; empty is the installation's own.
	Tenant string
	Rights []Right
	// Accounts are patterns of account numbers: digits, of which the last may be
	// followed by * for any others. Empty means every account of the tenant.
	Accounts []string
}

// Administrator is the bootstrap administrator of the installation, under an id.
func Administrator(id string) Principal {
	return Principal{ID: id, Rights: []Right{Admin}}
}

// May tells whether the principal has a right.
func (p Principal) May(right Right) bool {
	return slices.Contains(p.Rights, right) || slices.Contains(p.Rights, Admin)
}

// Installation tells whether the principal administers the whole installation.
func (p Principal) Installation() bool {
	return p.ID != "" && p.Tenant == "" && p.May(Admin) && len(p.Accounts) == 0
}

// Sees tells whether an account of a tenant exists for the principal.
func (p Principal) Sees(account, tenant string) bool {
	return p.Installation() || p.ID != "" && p.Tenant == tenant && p.Covers(account)
}

// Covers tells whether the patterns have room for an account number, whosever it is.
func (p Principal) Covers(account string) bool {
	return len(p.Accounts) == 0 || slices.ContainsFunc(p.Accounts, func(pattern string) bool {
		return matches(pattern, account)
	})
}

func matches(pattern, account string) bool {
	if prefix, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(account, prefix)
	}
	return pattern == account
}
