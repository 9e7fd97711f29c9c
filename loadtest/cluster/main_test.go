package cluster

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/backends"
)

var postgres = backends.Share(backends.Postgres())

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(postgres.Around(built{m}), goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"))
}

// built removes the server that the tests have built.
type built struct{ *testing.M }

func (b built) Run() int {
	defer func() { _ = os.RemoveAll(binaryFolder) }() // it is in the way of nobody
	return b.M.Run()
}
