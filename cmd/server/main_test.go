package main

import (
	"testing"

	"go.uber.org/goleak"
)

// fasthttp has two goroutines that outlive its servers: one sleeps until its
// next clean-up of idle workers, at most ten seconds, the other keeps the Date
// header for the rest of the process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}
