// Package bench compares the server with a bare whatsmeow loop: a program that
// links the same accounts to the same simulator with the same library, and
// keeps everything in maps. What the server costs beyond that is what REST,
// actors, durable storage and the read model cost.
//
// Both are processes of their own, and what is compared is theirs alone: the
// simulator and whoever asks for sends run in the benchmark's process. The two
// take turns, so that a busy machine slows both.
//
// The bare loop forgets whatever is not needed to send the next message, and
// has nothing to show after a crash: it is a floor, not a competitor.
package bench
