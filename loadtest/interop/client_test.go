package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
)

const (
	// patience bounds every wait of these tests; starting node takes most of a second.
	patience = 30 * time.Second
	// maxLine bounds an event; a QR code is the longest.
	maxLine = 1 << 20
)

// event is what index.mjs tells.
type event struct {
	Event string

	QR       string          // qr
	JID, LID string          // open
	Text     string          // message
	Key      json.RawMessage // message
	Of       string          // status: the message's id
	Status   int             // status: one of below; close: the reason's code

	ID     int             // answer, refused: the command's
	Value  json.RawMessage // answer
	Reason string          // refused
}

// chat is where a message was written.
func (e event) chat(t *testing.T) string {
	t.Helper()
	var key struct{ RemoteJID string }
	require.NoError(t, json.Unmarshal(e.Key, &key))
	return key.RemoteJID
}

// The statuses of a message, as WhatsApp numbers them.
const (
	statusDelivered = 3
	statusRead      = 4
)

// client is a process with a Baileys client.
type client struct {
	t        *testing.T
	process  *exec.Cmd
	kill     context.CancelFunc
	commands io.WriteCloser
	events   chan event
	earlier  []event // told, but not asked for yet
	lastID   int
	log      bytes.Buffer // to be read once the process has ended
	stopped  bool
}

// start runs a client on the credentials of a directory, which may be empty. It is stopped with the test.
func start(t *testing.T, sim *simulator.Simulator, credentials string) *client {
	t.Helper()
	endpoint, err := url.Parse(sim.Endpoint())
	require.NoError(t, err)
	root := sim.RootKey()
	ctx, kill := context.WithCancel(context.Background()) // the test's own ends before the client is asked to stop
	c := &client{t: t, events: make(chan event), kill: kill}
	c.process = exec.CommandContext(ctx, "node", "index.mjs", endpoint.Host, hex.EncodeToString(root[:]), credentials)
	c.process.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+sim.CAFile())
	c.process.Stderr = &c.log
	c.commands, err = c.process.StdinPipe()
	require.NoError(t, err)
	told, err := c.process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.process.Start())
	go c.read(told)
	t.Cleanup(c.stop)
	return c
}

// read decodes events until the process ends.
func (c *client) read(told io.Reader) {
	defer close(c.events)
	lines := bufio.NewScanner(told)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			e = event{Event: "nonsense", Text: lines.Text()}
		}
		c.events <- e
	}
}

// await returns the first event, of those not returned before, that matches.
func (c *client) await(what string, matches func(event) bool) event {
	c.t.Helper()
	if i := slices.IndexFunc(c.earlier, matches); i >= 0 {
		found := c.earlier[i]
		c.earlier = slices.Delete(c.earlier, i, i+1)
		return found
	}
	timeout := time.After(patience)
	for {
		select {
		case e, open := <-c.events:
			require.True(c.t, open, "the client ended before it told of %s", what)
			if matches(e) {
				return e
			}
			c.earlier = append(c.earlier, e)
		case <-timeout:
			require.FailNow(c.t, "the client did not tell of "+what, "it told %+v", c.earlier)
		}
	}
}

// next waits for an event of a kind.
func (c *client) next(kind string) event {
	c.t.Helper()
	return c.await(kind, func(e event) bool { return e.Event == kind })
}

// nextText waits for a message with these words.
func (c *client) nextText(words string) event {
	c.t.Helper()
	return c.await("the message "+words, func(e event) bool { return e.Event == "message" && e.Text == words })
}

// awaitStatus waits until a message that the client has sent got as far as status.
func (c *client) awaitStatus(id string, status int) {
	c.t.Helper()
	c.await("a message's status", func(e event) bool { return e.Event == "status" && e.Of == id && e.Status >= status })
}

// do gives a command and decodes its answer into a T.
func do[T any](c *client, name string, arguments map[string]any) (answer T) {
	c.t.Helper()
	c.lastID++
	command := map[string]any{"id": c.lastID, "do": name}
	maps.Copy(command, arguments)
	line, err := json.Marshal(command)
	require.NoError(c.t, err)
	_, err = c.commands.Write(append(line, '\n'))
	require.NoError(c.t, err)
	e := c.await("the answer to "+name, func(e event) bool {
		return (e.Event == "answer" || e.Event == "refused") && e.ID == c.lastID
	})
	require.Empty(c.t, e.Reason)
	if e.Value != nil {
		require.NoError(c.t, json.Unmarshal(e.Value, &answer))
	}
	return answer
}

func (c *client) send(to, text string) (id string) {
	c.t.Helper()
	return do[string](c, "send", map[string]any{"to": to, "text": text})
}

// pair links the client to a phone and waits for what the phone tells a new companion: Baileys loses the session with
// it where both write at once.
func (c *client) pair(phone *simulator.Phone) *client {
	c.t.Helper()
	require.NoError(c.t, phone.Scan(within(c.t), c.next("qr").QR))
	require.Equal(c.t, phone.Devices()[0].String(), c.next("open").JID)
	c.next("history")
	return c
}

// stop ends the process and fails the test if Baileys has complained of the service.
func (c *client) stop() {
	if c.stopped {
		return
	}
	c.stopped = true
	defer time.AfterFunc(patience, c.kill).Stop()
	require.NoError(c.t, c.commands.Close())
	for e := range c.events {
		c.earlier = append(c.earlier, e)
	}
	require.NoError(c.t, c.process.Wait())
	require.Empty(c.t, complaints(c.t, &c.log), "Baileys complains of the service")
}

// expected are what Baileys logs where there is nothing wrong with the service.
var expected = []string{
	"no name present, ignoring presence update request",
	"stream errored out", // the restart that follows a pairing, and the unlinking that a test asks for
	"Connection Closed",  // of what was under way when a client was stopped or unlinked
}

// complaints are the other warnings and errors that Baileys has logged.
func complaints(t *testing.T, log io.Reader) (found []string) {
	t.Helper()
	raw, err := io.ReadAll(log)
	require.NoError(t, err)
	for line := range strings.Lines(string(raw)) {
		if !slices.ContainsFunc(expected, func(words string) bool { return strings.Contains(line, words) }) {
			found = append(found, line)
		}
	}
	return found
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
