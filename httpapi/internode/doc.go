// Package internode is how the nodes of a cluster talk to each other: over TLS, each
// side sure of the other, one hop, and nothing sent twice.
//
// [Identity] is what a node shows and what it knows others by, made of a shared secret
// or of certificates. [Listener] takes connections of nodes alone, [Client] asks them,
// and [Directory] remembers for a moment where accounts live.
package internode
