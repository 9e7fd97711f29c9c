// Package redo is a log of batches: what is in it is durable at the price of one
// short sequential write, before its rows are brought to where they belong.
//
// [Ahead] is an engine's use of it: what belongs to accounts is appended, answers
// whoever reads a record, and sinks into the engine's [File] up to two seconds later,
// all accounts in one commit, in which a record has one write however often it has
// changed.
//
// The log is two files that are written in turn, each from its start: while what
// one holds is brought home, the other grows, and then they swap. Nothing is
// removed from them: every batch has a number, and whoever reads the log again
// says up to which number it has everything.
//
// A file is a run of frames:
//
//	checksum  4 bytes, CRC-32C of the rest, begun with the log's own salt
//	length    4 bytes, of the body
//	number    8 bytes, one more than that of the frame before
//	body      batches, see frame.go
//
// The integers before the body are little-endian. A frame that was cut off by a
// crash, that is left over from an earlier turn or that belongs to another log
// does not verify or is out of order; it ends the run.
package redo
