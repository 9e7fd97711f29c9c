package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is main where a test has started this binary as a server. Else it
// runs the tests and looks for goroutines that are left.
//
// fasthttp has two goroutines that outlive its servers: one sleeps until its
// next clean-up of idle workers, at most ten seconds, the other keeps the Date
// header for the rest of the process. whatsmeow fetches app state in a goroutine
// that nothing cancels: where the connection ends meanwhile, it waits out its time
// for an answer, 75 s.
func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		setFailpoint()
		main()
		return
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("go.mau.fi/whatsmeow.(*Client).handleAppStateSyncKeyShare"))
}
