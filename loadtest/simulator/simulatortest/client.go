package simulatortest

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// ClientLeaks are what whatsmeow leaves behind when it disconnects, for goleak.VerifyTestMain.
func ClientLeaks() []goleak.Option {
	return []goleak.Option{
		// It keeps its history-sync goroutine for a minute after the last notice.
		goleak.IgnoreAnyFunction("go.mau.fi/whatsmeow.(*Client).handleHistorySyncNotificationLoop"),
		// Its read pump is stuck for ever if a frame arrives while the client disconnects.
		goleak.IgnoreAnyFunction("go.mau.fi/whatsmeow/socket.(*FrameSocket).frameComplete"),
	}
}

// Receive takes the next value of a channel, and fails the test if none has come after so long.
func Receive[T any](t testing.TB, from <-chan T, patience time.Duration) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-t.Context().Done():
		t.Fatal("the test has ended")
	case <-time.After(patience):
		t.Fatal("nothing came in time")
	}
	return value
}
