package redis

import (
	"whatsapp-web-server/persist"
)

// scopeKey begins every key of a scope. What is in braces decides where a cluster
// keeps a key, so that all of a scope are together.
func (db *DB) scopeKey(scope persist.Scope) string {
	return db.prefix + "{" + scope.String() + "}:"
}

// generationKey is where an account's generation is. It has a colon, which tables
// have not.
func generationKey(scopeKey string) string { return scopeKey + ":generation" }

// rowsKey is where the rows of a table are, by their keys.
func rowsKey(scopeKey string, table *persist.Table) string { return scopeKey + table.Name }

// ordersKey is where all orders of a table are: that of the key, and each index.
func ordersKey(scopeKey string, table *persist.Table) string {
	return rowsKey(scopeKey, table) + ":orders"
}
