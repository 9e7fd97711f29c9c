package bench

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// bareEnv makes this test binary the bare loop: it holds the simulator's
// endpoint.
const bareEnv = "BENCH_BARE_ENDPOINT"

func TestMain(m *testing.M) {
	if endpoint := os.Getenv(bareEnv); endpoint != "" {
		if err := runBare(endpoint, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bare loop:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m, simulatortest.ClientLeaks()...)
}
