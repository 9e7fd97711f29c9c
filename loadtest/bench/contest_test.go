package bench

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"whatsapp-web-server/loadtest/child"
	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// text is what is sent: the length of an ordinary message.
const text = "See you at the station at half past seven, I bring the tickets."

// contestant is one of the two that are compared.
type contestant interface {
	// link links accounts, each with a phone of its own, and returns when they
	// are ready.
	link(b *testing.B, routes []route)
	// send has each account send count messages, one after the other.
	send(b *testing.B, count int)
	measured() *child.Process
}

// world is the simulator with the phones of those who write to each other.
func world(b *testing.B, accounts int) (*simulator.Simulator, [2][]route) {
	b.Helper()
	sim := simulatortest.Start(b, simulatortest.Allow(simulatortest.RepeatedMessages)) // all send the same text
	return sim, [2][]route{populate(b, sim, 0, accounts), populate(b, sim, 1, accounts)}
}

// populate adds the phones of a contestant's accounts and of those they write to.
func populate(b *testing.B, sim *simulator.Simulator, side, accounts int) []route {
	b.Helper()
	var routes []route
	for i := range accounts {
		r := route{From: fmt.Sprintf("3161%d%06d", side, i), To: fmt.Sprintf("3162%d%06d", side, i)}
		for _, number := range []string{r.From, r.To} {
			_, err := sim.AddPhone(number, "Phone "+number)
			require.NoError(b, err)
		}
		routes = append(routes, r)
	}
	return routes
}

// bareChild is the bare loop, in this test binary run again.
type bareChild struct {
	*child.Process

	sim     *simulator.Simulator
	orders  *json.Encoder
	answers *json.Decoder
}

func startBare(b *testing.B, sim *simulator.Simulator, environment ...string) *bareChild {
	b.Helper()
	root := sim.RootKey()
	command := exec.CommandContext(b.Context(), os.Args[0])
	command.Env = append(os.Environ(), bareEnv+"="+sim.Endpoint(), bareKeyEnv+"="+hex.EncodeToString(root[:]))
	command.Env = append(command.Env, environment...)
	orders, err := command.StdinPipe()
	require.NoError(b, err)
	answers, err := command.StdoutPipe()
	require.NoError(b, err)
	return &bareChild{child.Start(b, command), sim, json.NewEncoder(orders), json.NewDecoder(answers)}
}

func (c *bareChild) measured() *child.Process { return c.Process }

func (c *bareChild) link(b *testing.B, routes []route) { c.order(b, order{Link: routes}) }

func (c *bareChild) send(b *testing.B, count int) { c.order(b, order{Send: count}) }

func (c *bareChild) order(b *testing.B, o order) {
	b.Helper()
	require.NoError(b, c.orders.Encode(o))
	var scans errgroup.Group
	for {
		var a answer
		require.NoError(b, c.answers.Decode(&a), "%s", c.Output)
		if a.Done {
			require.NoError(b, scans.Wait())
			return
		}
		scans.Go(func() error { return scan(b, c.sim, a.From, a.QR) })
	}
}

func scan(b *testing.B, sim *simulator.Simulator, number, code string) error {
	phone, known := sim.Phone(number)
	if !known {
		return fmt.Errorf("no phone has the number %s", number)
	}
	return phone.Scan(b.Context(), code)
}
