//go:build !race

package soak

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// TestNothingIsLostToACrowdUnderRandomFaults has bare clients write to each
// other while connections, logins and acknowledgements fail at random: 60 for
// some seconds, or 2,000 for five minutes with TEST_FULL=1.
func TestNothingIsLostToACrowdUnderRandomFaults(t *testing.T) {
	sim := simulatortest.Start(t)
	c := gather(t, sim, scale(60, 2000))
	c.live(t)
	c.gathered(t, scale(time.Minute, 5*time.Minute))

	for _, fault := range []simulator.Fault{
		{Op: "login", Action: "close", Probability: 0.1},
		{Op: "login", Action: "failure", Code: 503, Probability: 0.05},
		{Op: "login", Action: "failure", Code: 401, Probability: 0.02},
		{Op: "ack", Action: "drop", Probability: 0.02},
		{Op: "ack", Action: "nack", Code: 463, Probability: 0.02},
		{Op: "ack", Action: "delay", Delay: time.Second, Probability: 0.02},
	} {
		_, err := sim.AddFault(fault)
		require.NoError(t, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), scale(8*time.Second, 5*time.Minute))
	defer cancel()
	var striking sync.WaitGroup
	striking.Go(func() { c.strike(ctx, t) })
	c.talk(ctx, t, scale(20, 200))
	striking.Wait()

	sim.ClearFaults()
	c.gathered(t, time.Minute)
	c.delivered(t, time.Minute)
	c.requireAllThere(t)
	t.Logf("%d messages acknowledged; %+v", len(c.acked), sim.Stats())
}

// strike cuts connections, some each second.
func (c *crowd) strike(ctx context.Context, t *testing.T) {
	for ctx.Err() == nil {
		for _, fault := range []simulator.Fault{
			{Op: "connection", Action: "close", Probability: 0.02},
			{Op: "connection", Action: "stream_error", Code: 503, Probability: 0.01},
			{Op: "connection", Action: "stream_error", Code: 409, Probability: 0.01},
		} {
			if _, err := c.sim.AddFault(fault); err != nil {
				t.Error(err)
			}
		}
		pause(ctx, time.Second)
	}
}
