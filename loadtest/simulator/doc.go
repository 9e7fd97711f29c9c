// Package simulator fakes the WhatsApp service and its phones, so that the real whatsmeow client can be driven without
// the internet. It fakes the network, not the client: an unmodified client connects over a real WebSocket, performs the
// real Noise handshake, pairs by QR code, uploads prekeys and exchanges Signal-encrypted messages.
//
// # What it promises
//
// The server side holds public keys and ciphertext only. Every account has a phone (device 0), an in-process peer with
// a Signal store of its own, which really decrypts, verifies the signatures of companion devices, sends receipts and
// answers retries. Everything is honest by default; each deviation is a [Fault] that somebody asked for. What must
// never happen is counted by the referee ([Stats]): two live logins of one device, a ratchet counter used twice, a
// message that a phone could not decrypt, one text under two ids, two under one, and what a companion has acknowledged
// and does not list ([Phone.Listed]).
//
// # What it does not promise
//
// It keeps nothing across restarts, it does not model the service's rate limits, bans or timing, and what it believes
// about the real service without proof is listed in ASSUMPTIONS.md.
//
// # Concurrency
//
// One mutex, Simulator.mu, guards accounts, devices, queues and which connection serves which device; it is held for
// map and slice work only. Each connection has two goroutines: its reader, which handles one stanza after the other,
// and its writer, which encrypts. A phone has a goroutine only while it has work. Locks are taken in the order
// Phone.ratchets or appState.mu, Simulator.mu, then the leaves (an outbox, a phone's inbox and past, the faults, the
// referee, a feed, the media store). The lock of a snapshot of app state is taken before the media store's alone.
package simulator
