package backends

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
)

// rabbitServer is the server itself. The program of that name in the path gives up root
// for a user to whom the data do not belong.
const rabbitServer = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// RabbitMQ is rabbitmq-server, with the user guest and the password guest.
func RabbitMQ() Kind {
	return Kind{name: "rabbitmq", command: rabbitCommand, answers: rabbitAnswers}
}

// rabbitCommand runs it beside Erlang's port mapper, which it would start as a daemon
// else, to be left behind.
func rabbitCommand(dir, host string, port int) *exec.Cmd {
	command := exec.Command("sh", "-c", "epmd & exec "+rabbitServer)
	if _, err := exec.LookPath(rabbitServer); err != nil {
		command.Err = fmt.Errorf("%s: %w", rabbitServer, exec.ErrNotFound)
	}
	command.Env = append(command.Environ(),
		"HOME="+dir, // of the cookie
		"ERL_EPMD_ADDRESS=127.0.0.1", "ERL_EPMD_PORT="+freePort(),
		"RABBITMQ_NODENAME=rabbit@localhost", "RABBITMQ_DIST_PORT="+freePort(),
		"RABBITMQ_NODE_IP_ADDRESS="+host, "RABBITMQ_NODE_PORT="+strconv.Itoa(port),
		"RABBITMQ_MNESIA_BASE="+dir, "RABBITMQ_LOGS=-",
		"RABBITMQ_CONFIG_FILE="+filepath.Join(dir, "none"), "RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, "plugins"),
	)
	return command
}

func freePort() string {
	_, port, _ := net.SplitHostPort(freeAddress()) // which is one
	return port
}

// rabbitAnswers offers the protocol and waits for the first frame, of a method.
func rabbitAnswers(ctx context.Context, address string) error {
	connection, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer connection.Close()
	if _, err := connection.Write([]byte("AMQP\x00\x00\x09\x01")); err != nil {
		return err
	}
	frame := make([]byte, 1)
	if _, err := connection.Read(frame); err != nil {
		return err
	}
	if frame[0] != 1 {
		return fmt.Errorf("rabbitmq begins with a frame of the type %d", frame[0])
	}
	return nil
}
