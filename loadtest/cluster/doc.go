// Package cluster runs several nodes of the server, each a process of its own, over a
// real Redis and a real storage, has them fail in every way that nodes do, and lets the
// simulator's referee judge what came of it. Its tests need TEST_CLUSTER=1; with
// TEST_FULL=1 as well they last longer, and try every storage that nodes can share.
package cluster
