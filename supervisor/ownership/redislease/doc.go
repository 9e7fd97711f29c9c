// Package redislease is the registry of owners in Redis 6 or newer: alone, behind
// sentinels, or as a cluster. It holds leases and who owns what, no data of accounts.
//
// A node has one lease, whatever it owns: a key that it prolongs and that, once gone,
// is never made again. The session is the lease's name; an account's record names the
// session that owns it, and is free as soon as that lease is over. So what Redis has
// to do at rest grows with the nodes, not with the accounts.
//
// A node takes its own lease for over some seconds before Redis does, counted from
// before it asked to prolong it, by the monotonic clock and by the wall's. Others
// claim its accounts after Redis has: no two hold a valid claim of one account, as
// long as Redis keeps what it has acknowledged. If it has lost all, its mark is
// missing: nothing can be claimed until every lease of before has ended, and the
// nodes, whose leases are gone, have stopped by then. A registry that is new looks the
// same, so the first node of all waits that long. If Redis loses the last second (an
// append-only file flushed every second, a failover to a replica), a claim of that
// second may be forgotten, and claimed again by another node. The storage's fencing
// number stops the first of them then; let appendfsync be always, or have a replica
// confirm writes (min-replicas-to-write), to be spared that.
package redislease
