// Package journaltest is the conformance suite of the journal over an engine:
// what persist/journal promises, where it leans on what an engine does. An
// engine's own test is a few lines, beside those of package persisttest:
//
//	func TestJournal(t *testing.T)      { journaltest.Run(t, open) }
//	func BenchmarkJournal(b *testing.B) { journaltest.Benchmark(b, open, nil) }
//
// Commits that fail are made by a wrapper around the engine: refused before it
// was asked, or done and the answer lost.
package journaltest
