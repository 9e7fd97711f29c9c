package persist

// Scope names whose records are meant. The zero value is no scope.
type Scope struct {
	level string
	owner string
}

// AccountScope holds everything of one account.
func AccountScope(account string) Scope { return Scope{level: "account", owner: account} }

// TenantScope holds what belongs to a tenant and to no single account.
func TenantScope(tenant string) Scope { return Scope{level: "tenant", owner: tenant} }

// SystemScope holds what belongs to the installation.
func SystemScope() Scope { return Scope{level: "system", owner: "-"} }

// IsAccount tells whether writes to the scope are fenced by a generation.
func (s Scope) IsAccount() bool { return s.level == "account" }

// Owner is the account number, the tenant or "-": the value of a table's scope
// column. Kinds belong to one level, so owners of different levels never meet.
func (s Scope) Owner() string { return s.owner }

// Level is "account", "tenant" or "system".
func (s Scope) Level() string { return s.level }

// String is for logs and error texts.
func (s Scope) String() string { return s.level + "/" + s.owner }
