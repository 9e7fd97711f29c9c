package backends_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"whatsapp-web-server/loadtest/backends"
)

var shared = backends.Share(backends.Redis())

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.Around(m)) }

func TestRedisKeepsItsDataOverKillAndRestart(t *testing.T) {
	server := backends.Start(t, backends.Redis(), filepath.Join(t.TempDir(), "data"))
	address := server.Address
	require.Equal(t, "+OK", ask(t, server, "SET kept 1"))
	require.NoError(t, server.Kill())
	require.NoError(t, server.Kill(), "again")
	_, err := net.Dial("tcp", address)
	require.Error(t, err, "killed")
	require.Error(t, server.Freeze())

	require.NoError(t, server.Restart())
	require.Equal(t, address, server.Address)
	require.Equal(t, ":2", ask(t, server, "INCR kept"))
	require.NoError(t, server.Restart(), "while it runs")
	require.Equal(t, ":3", ask(t, server, "INCR kept"))
}

func TestFrozenServerAnswersNothingUntilThawed(t *testing.T) {
	server := backends.Start(t, backends.Redis(), t.TempDir())
	require.NoError(t, server.Freeze())
	connection := dial(t, server)
	fmt.Fprint(connection, "PING\r\n")
	replies := bufio.NewReader(connection)
	require.NoError(t, connection.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err := replies.ReadString('\n')
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)

	require.NoError(t, server.Thaw())
	require.NoError(t, connection.SetReadDeadline(time.Now().Add(time.Minute)))
	reply, err := replies.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "+PONG\r\n", reply)
	require.NoError(t, server.Freeze(), "a frozen server ends with the test too")
}

func TestServerThatCannotStartSaysWhy(t *testing.T) {
	reason := startFails(t, backends.Redis("--nonsense", "1"))
	require.Contains(t, reason, "Bad directive")
}

// startFails returns how a test failed that needs such a server.
func startFails(t *testing.T, kind backends.Kind) string {
	if os.Getenv(childVariable) != "" {
		backends.Start(t, kind, t.TempDir())
		return ""
	}
	output, err := child(t).CombinedOutput()
	require.Error(t, err)
	return string(output)
}

const childVariable = "BACKENDS_TEST_CHILD"

// child runs the test again, in a process of its own.
func child(t *testing.T) *exec.Cmd {
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), childVariable+"=1", "TMPDIR="+t.TempDir())
	return command
}

func TestSharedServerIsOneForChildProcessesToo(t *testing.T) {
	server := shared.Server(t)
	if os.Getenv(childVariable) != "" {
		require.Equal(t, ":2", ask(t, server, "INCR shared"))
		require.NoError(t, server.Kill(), "does nothing")
		require.ErrorContains(t, server.Freeze(), "another process")
		return
	}
	require.Same(t, server, shared.Server(t))
	require.Equal(t, "+OK", ask(t, server, "SET shared 1"))
	output, err := child(t).CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Equal(t, ":3", ask(t, server, "INCR shared"))
}

func TestServerEndsWithAKilledTest(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		fmt.Println("\naddress", backends.Start(t, backends.Redis(), t.TempDir()).Address)
		select {} // until it is killed
	}
	command := child(t)
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	var address string
	for lines := bufio.NewScanner(output); address == "" && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "address %s", &address)
	}
	connection, err := net.Dial("tcp", address)
	require.NoError(t, err)
	require.NoError(t, command.Process.Kill())
	require.Error(t, command.Wait())
	require.NoError(t, connection.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err = connection.Read(make([]byte, 1))
	require.Error(t, err)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the server has closed it")
}

func dial(t *testing.T, server *backends.Server) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", server.Address)
	require.NoError(t, err)
	t.Cleanup(func() { connection.Close() })
	return connection
}

// ask returns the first line of the reply to a command.
func ask(t *testing.T, server *backends.Server, command string) string {
	t.Helper()
	connection := dial(t, server)
	fmt.Fprint(connection, command+"\r\n")
	require.NoError(t, connection.SetReadDeadline(time.Now().Add(time.Minute)))
	reply, _, err := bufio.NewReader(connection).ReadLine()
	require.NoError(t, err)
	return string(reply)
}

func TestBrokersComeBackOverTheirData(t *testing.T) {
	for name, kind := range map[string]backends.Kind{"nats": backends.NATS(), "rabbitmq": backends.RabbitMQ()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := backends.Start(t, kind, filepath.Join(t.TempDir(), "data"))
			connection := dial(t, server)
			require.NoError(t, server.Restart())
			_, err := connection.Read(make([]byte, 4096))
			if err == nil { // a greeting
				_, err = connection.Read(make([]byte, 1))
			}
			require.Error(t, err)
			dial(t, server)
		})
	}
}
