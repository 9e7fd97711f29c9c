//go:build !race

package soak

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
)

const (
	// tick is the time between two faults.
	tick = 100 * time.Millisecond
	// share is how many of the connections a fault of connections strikes.
	share = 0.02
	// strikes is how often any other fault strikes.
	strikes = 3
)

// others stands for the codes that no row of the catalogue names.
var others = map[string]int{
	"connection stream_error": 500, "connection failure": 503, "upgrade error": 502, "login stream_error": 503,
	"login failure": 429, "iq error": 429, "ack nack": 463, "upload error": 507, "download error": 500,
}

// disturb has one fault happen after the other, as next gives them, until ctx ends.
// Then all of them are over, and every connection ends once more: what was held back
// or lost on its way comes with the next one.
func disturb(ctx context.Context, t *testing.T, sim *simulator.Simulator, next func() simulator.Fault) {
	t.Helper()
	for ctx.Err() == nil {
		fault := next()
		if _, err := sim.AddFault(fault); err != nil {
			t.Errorf("%+v: %v", fault, err)
		}
		pause(ctx, tick)
	}
	sim.ClearFaults()
	if _, err := sim.AddFault(simulator.Fault{Op: "connection", Action: "close"}); err != nil {
		t.Error(err)
	}
}

// bystanders are requests that no send waits for. Where whatsmeow does not learn of
// a recipient's devices or their keys, it sends to the others, or to nobody, and
// says that the message is sent; the server has a store that refuses.
var bystanders = []string{"encrypt get count", "encrypt set", "passive", "privacy", "blocklist", "w:sync:app:state"}

// bearable is a fault at which bare clients can still tell what they have sent.
func bearable(dice *rand.Rand) simulator.Fault {
	fault := pick(dice, harmless())
	if fault.Op == "iq" {
		fault.Request = bystanders[dice.IntN(len(bystanders))]
	}
	return fault
}

func pick(dice *rand.Rand, kinds []simulator.FaultKind) simulator.Fault {
	kind := kinds[dice.IntN(len(kinds))]
	fault := simulator.Fault{Op: kind.Op, Action: kind.Action, Times: strikes}
	if kind.Op == "connection" {
		fault.Times, fault.Probability = 0, share
	}
	switch {
	case kind.OtherCodes:
		fault.Code = others[kind.Op+" "+kind.Action]
	case len(kind.Codes) > 0:
		fault.Code = kind.Codes[dice.IntN(len(kind.Codes))]
	}
	// A stream error with a delay is one that the client is left alone with.
	if kind.Action != "stream_error" {
		fault.Delay = time.Duration(1+dice.IntN(1000)) * time.Millisecond
	}
	return fault
}

// harmless are the kinds that do not end the process of whatsmeow.
func harmless() []simulator.FaultKind {
	return slices.DeleteFunc(simulator.FaultCatalog(), func(k simulator.FaultKind) bool { return k.Fatal })
}

// passing are those that a session recovers from by itself: neither it nor what it
// sends is refused.
func passing() []simulator.FaultKind {
	return slices.DeleteFunc(harmless(), func(k simulator.FaultKind) bool {
		switch k.Op + " " + k.Action {
		case "connection stream_error":
			return slices.Contains(k.Codes, 401) || slices.Contains(k.Codes, 409)
		case "login failure":
			return !slices.Contains(k.Codes, 503)
		case "ack nack": // a message that WhatsApp refuses is not sent again
			return true
		default:
			return k.Op == "pairing" || k.Op == "connection" && k.Action == "failure"
		}
	})
}

func TestEveryKindOfFaultCanBeAskedFor(t *testing.T) {
	sim, err := simulator.New(simulator.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, sim.Close()) }()
	dice := rand.New(rand.NewPCG(1, 0))
	for _, kind := range harmless() {
		_, err := sim.AddFault(pick(dice, []simulator.FaultKind{kind}))
		require.NoError(t, err, kind.Name())
	}
	require.Less(t, len(passing()), len(harmless()))
}
