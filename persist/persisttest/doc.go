// Package persisttest is the conformance suite of storage engines: what
// persist.Engine promises, as tests. An engine's own test is a few lines that
// open it:
//
//	func TestEngine(t *testing.T)     { persisttest.Run(t, open) }
//	func TestPersistent(t *testing.T) { persisttest.RunPersistent(t, openAt) }
//
// Expectations are stated on tables and rows, so that a new kind is covered by
// being listed in persist.Tables. Nothing here knows an engine.
package persisttest
