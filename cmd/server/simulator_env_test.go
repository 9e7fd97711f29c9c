package main

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// controlAddress is how the simulator tells where its control API is.
var controlAddress = regexp.MustCompile(`^Control API on (http://\S+)$`)

// runSimulator starts the simulator command, with its state in dir, until the
// test ends, and returns the base URL of its control API.
func runSimulator(t *testing.T, binary, dir string, flags ...string) (control string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	flags = append(flags, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--state-dir", dir)
	command := exec.CommandContext(ctx, binary, flags...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		stop()
		require.ErrorIs(t, command.Wait(), context.Canceled, "the simulator stops cleanly when asked to")
	})
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if found := controlAddress.FindStringSubmatch(lines.Text()); found != nil {
			return found[1]
		}
	}
	require.Fail(t, "the simulator did not say where its control API is")
	return ""
}

// environmentFile reads what a shell would take from a file of variables.
func environmentFile(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return strings.Fields(string(text))
}

// buildSimulator compiles the simulator command.
func buildSimulator(t *testing.T) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "simulator")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "whatsapp-web-server/cmd/simulator").CombinedOutput()
	require.NoError(t, err, "%s", output)
	return binary
}

func TestAServerWithTheSimulatorsEnvironmentPairsSendsAndReceives(t *testing.T) {
	binary := buildSimulator(t)
	for name, flags := range map[string][]string{"TLS": nil, "plain": {"--plain"}} {
		t.Run(name, func(t *testing.T) {
			state := t.TempDir()
			control := runSimulator(t, binary, state, flags...)
			environment := environmentFile(t, filepath.Join(state, "simulator.env"))
			require.Equal(t, name == "TLS", strings.Contains(environment[0], "wss://"))

			serving := make(chan string, 1)
			server := launch(t, t.TempDir(), append(environment, "PORT=0", "WEBSOCKET_PORT=0", "ADMIN_ADDR=127.0.0.1:0", "LOG_LEVEL=warn", "SQLITE_DB_PATH=whatsapp.db"),
				func(base string) { serving <- base })
			t.Cleanup(server.abandon)
			select {
			case base := <-serving:
				converse(t, base, control)
			case err := <-server.exited:
				require.Fail(t, "the server did not start", "%v\n%s", err, &server.output)
			}
			server.terminate(t)
		})
	}
}

// converse links an account with what the control API of a simulator offers,
// then writes both ways.
func converse(t *testing.T, base, control string) {
	t.Helper()
	for _, number := range []string{account, friend} {
		phones(t, control, "", `{"number":"`+number+`","name":"Someone"}`)
	}
	events := listen(t, strings.Replace(base, "http", "ws", 1)+"/ws")
	call(t, http.MethodPost, base+"/api/clients/initialize", `{"accountNumber":"`+account+`"}`)
	phones(t, control, "/"+account+"/scan", `{"qr":"`+events.until("qr").Data["qr"].(string)+`"}`)
	events.until("ready")

	sent := call(t, http.MethodPost, base+"/api/messages/send",
		`{"accountNumber":"`+account+`","chatId":"`+friend+`@c.us","message":{"text":"out"}}`)
	require.Equal(t, "sent", sent["status"])
	require.Contains(t, phones(t, control, "/"+friend+"/messages?wait=10s", ""), `"text":"out"`)

	phones(t, control, "/"+friend+"/messages", `{"to":"`+account+`","text":"in"}`)
	events.until("message", `"body":"in"`)
}

// phones asks the simulator's control API about phones and returns its answer.
func phones(t *testing.T, control, path, body string) string {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, control+"/phones"+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var answer strings.Builder
	_, err = bufio.NewReader(response.Body).WriteTo(&answer)
	require.NoError(t, err)
	require.Less(t, response.StatusCode, 300, answer.String())
	return answer.String()
}
