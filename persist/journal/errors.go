package journal

import (
	"errors"
	"fmt"

	"whatsapp-web-server/persist"
)

var (
	// ErrOutcomeUnknown means that a commit failed in a way that leaves open
	// whether it happened. Open the account again and read anew.
	ErrOutcomeUnknown = errors.New("outcome of the commit is unknown")
	// ErrChanged means that a record was written since it was read. Nothing of
	// the unit was kept; read again.
	ErrChanged = errors.New("record written by another since it was read")
	// ErrBusy means that a writer waited in vain for room in the log or for the
	// account's other writers. Nothing was kept; the journal is still good.
	ErrBusy = errors.New("storage does not keep up")
	// ErrDone means that a transaction was used after it was committed.
	ErrDone = errors.New("transaction is over")
)

// refusals are the answers of an engine that leave no doubt: nothing was
// written.
var refusals = []error{persist.ErrFenced, persist.ErrPoisoned, persist.ErrConflict, persist.ErrClosed}

func commitError(scope persist.Scope, err error) error {
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return fmt.Errorf("commit %s: %w", scope, err)
		}
	}
	return fmt.Errorf("commit %s: %w: %w", scope, ErrOutcomeUnknown, err)
}
