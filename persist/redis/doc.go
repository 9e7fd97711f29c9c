// Package redis is the engine over Redis 6 or newer (its tests run with 7.0), alone or
// as a cluster.
//
// Every key of a scope carries the scope as its hash tag, so that one Lua script
// can write all of them. A script checks the generation and every version before its
// first write, since Redis takes nothing back. It costs the server twice what its
// commands alone would, some 45 µs for an incoming message. So an Apply of more than a
// few mutations sends the commands themselves, in one transaction (WATCH and MULTI)
// that is not done if a generation or a row has changed since it was looked at: two
// round trips, and half of the work. Scripts do the rest, all in one round trip and
// one transaction, so that the server flushes its file once. On a cluster, where no
// transaction is of several accounts, they do everything. Redis flushes what many
// connections send together anyhow, so that commits of many accounts gain less here
// than on other engines.
//
// The rows of a table in a scope are a hash. Beside it there is a sorted set, all
// scores zero, of all its orders: that of the key and each index. Members are ordered
// bytes (package tuple) that begin with the order's number and end with the field of
// the row. A scan is one script: a range of members, then their rows. It does as much
// as fits a bound, then goes on with another. A search is a scan that looks at the
// words of each row, newest first: a word that is nowhere among 100,000 messages
// costs the server 0.3 s, a thousand rows at a time. All is in memory: 100,000
// short messages with their texts are some 180 MB there, and their events 60.
//
// What is promised depends on the server's settings. Without an append-only file
// that is flushed at each write, or with eviction, it forgets what it has
// acknowledged, and ratchets that go back reuse their keys: Open refuses such a
// server. Not seen from here is replication. It is asynchronous: after a failover
// to a replica, writes that were acknowledged may be lost, whatever the settings.
// An account that was acquired after the last write that was replicated is then
// fenced; others go on from an old state. Use failover only together with storage
// below it that is the same for both servers, or restart the server that failed.
// (WAITAOF, of Redis 7.2, would wait for a replica's disk; it is not used.) When the
// data are gone altogether, every writer is fenced.
//
// No write is ever sent twice: one that was thought lost might be done late, over
// newer ones. A call that gets no answer is an error of unknown outcome; the
// generation that the account takes next shuts it out.
package redis
