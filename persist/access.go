package persist

import "time"

// APIKey is a key that somebody asks with, or rather what proves it: of its secret
// there is a digest alone. Who is not there any more was revoked.
type APIKey struct {
	ID      string `col:"id,key"`
	Version int64  `col:"version"`
	Tenant  string `col:"tenant"`
	Name    string `col:"name"`
	// Digest is the SHA-256 of the secret, which has 128 random bits and more.
	Digest   []byte   `col:"digest"`
	Rights   []string `col:"rights,json"`
	Accounts []string `col:"accounts,json"` // patterns; none is all of the tenant
	// Addresses are CIDRs that it may be used from; none is anywhere.
	Addresses []string `col:"addresses,json"`
	// PerSecond and Burst bound its requests; zero is no bound.
	PerSecond  int64     `col:"per_second"`
	Burst      int64     `col:"burst"`
	ExpiresAt  time.Time `col:"expires_at"`
	CreatedAt  time.Time `col:"created_at"`
	CreatedBy  string    `col:"created_by"`
	UpdatedAt  time.Time `col:"updated_at"`
	LastUsedAt time.Time `col:"last_used_at"` // a while behind
}

// AuditEntry says what somebody has done, or tried, that others may ask about later.
type AuditEntry struct {
	ID      string `col:"id,key"` // in the order of time
	Version int64  `col:"version"`
	// Tenant is that of Who, and sees the entry.
	Tenant  string    `col:"tenant"`
	At      time.Time `col:"at"`
	Who     string    `col:"who"`     // the id of a key, or a name that no key has
	What    string    `col:"what"`    // the operation
	Target  string    `col:"target"`  // an account number or the id of a key
	Outcome string    `col:"outcome"` // ok, or the status of the refusal
	Address string    `col:"address"` // where the request came from
}
