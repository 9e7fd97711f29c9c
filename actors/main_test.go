package actors

import (
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.uber.org/goleak"
)

// whatsmeow fetches app state in a goroutine that nothing cancels: where the
// connection ends meanwhile, it waits out its time for an answer, 75 s.
//
// Its keepalives come faster than in earnest, for tests of what follows when they fail:
// they are variables of the process.
func TestMain(m *testing.M) {
	whatsmeow.KeepAliveIntervalMin, whatsmeow.KeepAliveIntervalMax = time.Second, 2*time.Second
	whatsmeow.KeepAliveResponseDeadline = time.Second
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("go.mau.fi/whatsmeow.(*Client).handleAppStateSyncKeyShare"))
}
