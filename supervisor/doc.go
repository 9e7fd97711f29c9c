// Package supervisor knows which accounts live on this node and keeps them
// alive: an incarnation that ends is followed by the next, later each time it
// ends early, and never before the old one is gone.
//
// The supervisor is an actor itself. It alone spawns and counts; everybody else
// finds an account through [Supervisor], whose methods may be called by anyone.
// A command that arrives between two incarnations is refused with account_busy
// and can be given again.
package supervisor
