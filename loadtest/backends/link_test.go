package backends_test

import (
	"bufio"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/backends"
)

func TestALinkStallsDelaysAndIsCut(t *testing.T) {
	link := backends.StartLink(t, shared.Server(t).Address)
	connection := dialLink(t, link)
	require.NoError(t, ping(connection, time.Minute))

	link.Stall()
	link.Stall()
	require.ErrorIs(t, ping(connection, 100*time.Millisecond), os.ErrDeadlineExceeded)
	link.Mend()
	require.NoError(t, ping(connection, time.Minute), "the answer that was held back")

	link.Slow(50 * time.Millisecond)
	started := time.Now()
	connection = dialLink(t, link)
	require.NoError(t, ping(connection, time.Minute))
	require.GreaterOrEqual(t, time.Since(started), 100*time.Millisecond)

	link.Cut()
	require.Error(t, ping(connection, time.Minute))
	require.Error(t, ping(dialLink(t, link), time.Minute))
	link.Mend()
	require.NoError(t, ping(dialLink(t, link), time.Minute))
}

func dialLink(t *testing.T, link *backends.Link) net.Conn {
	connection, err := net.Dial("tcp", link.Address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

// ping asks Redis for a sign of life, and reads one line.
func ping(connection net.Conn, patience time.Duration) error {
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := connection.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	_, err := bufio.NewReader(connection).ReadString('\n')
	return err
}
