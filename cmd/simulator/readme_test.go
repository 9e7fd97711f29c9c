package main

import (
	"context"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/joho/godotenv"
	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/loadtest/bare"
)

// patience bounds the waits of a test.
const patience = 60 * time.Second

// example is the script that the README of the simulator shows in pieces, on free ports.
func example(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../../loadtest/simulator/README.md")
	require.NoError(t, err)
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		script.WriteString(block[1])
	}
	return strings.NewReplacer("127.0.0.1:4433", freeAddress(t), "127.0.0.1:4480", freeAddress(t)).Replace(script.String())
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestTheExampleOfTheReadmeRunsAsItStands(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	built, err := exec.CommandContext(ctx, "go", "build", "-o", dir, ".").CombinedOutput()
	require.NoError(t, err, string(built))

	script := exec.CommandContext(ctx, "bash", "-ec", example(t))
	script.Dir, script.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	script.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the simulator that it starts
	script.Cancel = func() error { return syscall.Kill(-script.Process.Pid, syscall.SIGKILL) }
	script.WaitDelay = patience
	var printed strings.Builder
	script.Stdout, script.Stderr = &printed, &printed
	require.NoError(t, script.Start())
	defer runGateway(t, dir)()
	require.NoError(t, script.Wait(), &printed)
	for _, part := range []string{
		`"text":"you wrote: hello Alice"`, `"text":"you wrote: still there?"`, `"matched":1`,
		`"maxConcurrentLoginsPerDevice":1`, `"reusedCounters":0`, `"decryptFailures":0`, `"nonsense":0`,
	} {
		require.Contains(t, printed.String(), part)
	}
}

// runGateway links a client to the simulator whose state is in dir, with the QR code that it leaves there. It answers
// each text, and tries again once.
func runGateway(t *testing.T, dir string) (stop func()) {
	t.Helper()
	env := environment(t, filepath.Join(dir, "state", "simulator.env"))
	root, err := hex.DecodeString(env["WA_NOISE_ROOT_KEY"])
	require.NoError(t, err)
	whatsmeow.WACertPubKey = [32]byte(root)
	address, _, _ := strings.Cut(strings.TrimPrefix(env["WA_ENDPOINT"], "ws://"), "/")
	client := bare.NewClient(bare.Dial(address))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	client.AddEventHandler(func(event any) {
		switch e := event.(type) {
		case *events.QR:
			_ = os.WriteFile(filepath.Join(dir, "qr.txt"), []byte(e.Codes[0]), 0o600) // the script waits in vain without it
		case *events.Message:
			answer(ctx, client, e)
		}
	})
	require.NoError(t, client.ConnectContext(ctx))
	return func() { client.Disconnect(); cancel() }
}

// environment reads simulator.env once it is there.
func environment(t *testing.T, file string) map[string]string {
	t.Helper()
	require.Eventually(t, func() bool { _, err := os.Stat(file); return err == nil }, patience, 10*time.Millisecond)
	env, err := godotenv.Read(file)
	require.NoError(t, err)
	return env
}

// answer sends a text back, a second time if the service has refused the first.
func answer(ctx context.Context, client *whatsmeow.Client, e *events.Message) {
	words := e.Message.GetConversation()
	if words == "" || e.Info.IsFromMe {
		return
	}
	message := &waE2E.Message{Conversation: proto.String("you wrote: " + words)}
	for range 2 {
		if _, err := client.SendMessage(ctx, e.Info.Chat, message); err == nil {
			return
		}
	}
}
