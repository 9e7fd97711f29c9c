// Package access says who asks and what they may: tenants, keys, rights and limits.
//
// A tenant owns accounts; the tenant of an account is that of the key that created
// it. A key belongs to one tenant. The tenant without a name is the installation's
// own, and its administrator sees the accounts of all tenants. Everybody else sees
// those of their own tenant that their key's patterns cover, and nothing tells the
// others from accounts that do not exist.
package access
