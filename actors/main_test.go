package actors

import (
	"testing"

	"go.uber.org/goleak"
)

// whatsmeow fetches app state in a goroutine that nothing cancels: where the
// connection ends meanwhile, it waits out its time for an answer, 75 s.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("go.mau.fi/whatsmeow.(*Client).handleAppStateSyncKeyShare"))
}
