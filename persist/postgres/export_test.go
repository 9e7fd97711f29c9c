package postgres

import "whatsapp-web-server/persist"

// ScanText is the statement that answers q, for tests.
func (db *DB) ScanText(q persist.Query) string { return db.scanText(q) }

// Settings are those of each session, for tests.
func (db *DB) Settings() map[string]string { return db.settings() }

// WalkShort has nearly every search ask the index of words, for tests.
func (db *DB) WalkShort() { db.walkRows = 3 }
