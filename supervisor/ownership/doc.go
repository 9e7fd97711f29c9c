// Package ownership decides which process of a cluster owns an account: who alone may
// connect as it, and write what is stored of it.
//
// A process holds one lease, under a session id that is new with each lease and never
// comes back. It owns accounts as long as it holds the lease, and knows without asking
// anybody until when that is. What it does not promise: that a process which has
// stopped for longer than its lease notices in time. Hence the fencing number: the
// storage takes no write of an owner that another has followed.
//
// [Static] is the lease of a process that has no others beside it.
package ownership
