package backends

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
)

// NATS is nats-server with JetStream.
func NATS() Kind {
	return Kind{
		name: "nats",
		command: func(dir, host string, port int) *exec.Cmd {
			return exec.Command("nats-server", "--addr", host, "--port", strconv.Itoa(port), "--jetstream", "--store_dir", dir)
		},
		answers: natsAnswers,
	}
}

// natsAnswers waits for the line with which the server greets.
func natsAnswers(ctx context.Context, address string) error {
	connection, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer connection.Close()
	greeting, err := bufio.NewReader(connection).ReadString('\n')
	if err == nil && !strings.Contains(greeting, `"jetstream":true`) {
		err = fmt.Errorf("nats says %q", greeting)
	}
	return err
}

// dial connects; reads and writes end with ctx's deadline.
func dial(ctx context.Context, address string) (net.Conn, error) {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	return connection, connection.SetDeadline(deadline)
}
