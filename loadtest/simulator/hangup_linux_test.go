package simulator

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAClientThatHasHungUpIsSeenBeforeWhatItSentIsRead(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	client, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	served, err := listener.Accept()
	require.NoError(t, err)

	_, err = client.Write([]byte("last words"))
	require.NoError(t, err)
	require.False(t, hasHungUp(served))
	require.NoError(t, client.Close())
	require.Eventually(t, func() bool { return hasHungUp(served) }, 10*time.Second, time.Millisecond)
	require.NoError(t, served.Close())
	require.True(t, hasHungUp(served), "closed on this side")
}
