// Package bare is whatsmeow with nothing beside it: clients that keep all they
// know in maps and forget it with the process. It is the floor that the server is
// measured against, and the crowd that the simulator is tried with.
//
// A bare client has nothing to show after a crash, and its store knows only what
// linking and messages need: no contacts, no app state, no history.
package bare
