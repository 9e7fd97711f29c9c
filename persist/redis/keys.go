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

// appendTableKeys adds the keys of a table: those of its rows, their order and
// each index, in the order that the scripts count on.
func appendTableKeys(keys []string, scopeKey string, table *persist.Table) []string {
	rows := scopeKey + table.Name
	keys = append(keys, rows, orderKey(rows, ""))
	for _, index := range table.Indexes {
		keys = append(keys, orderKey(rows, index.Name))
	}
	return keys
}

// orderKey is the key of a table's index, or that of its key's order.
func orderKey(rows, index string) string { return rows + ":" + index }
