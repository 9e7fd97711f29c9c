//go:build !race

package soak

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"whatsapp-web-server/loadtest/simulator"
	"whatsapp-web-server/loadtest/simulator/simulatortest"
)

// TestNothingIsLostToACrowdUnderRandomFaults has bare clients write to each
// other while everything fails at random that the catalogue of faults lists,
// except what ends whatsmeow's process: 60 for some seconds, or 2,000 for five
// minutes with TEST_FULL=1.
func TestNothingIsLostToACrowdUnderRandomFaults(t *testing.T) {
	sim := simulatortest.Start(t)
	c := gather(t, sim, scale(60, 2000))
	c.live(t)
	c.gathered(t, scale(time.Minute, 5*time.Minute))

	ctx, cancel := context.WithTimeout(t.Context(), scale(8*time.Second, 5*time.Minute))
	defer cancel()
	var work sync.WaitGroup
	dice := rand.New(rand.NewPCG(c.dice.Uint64(), 0))
	work.Go(func() { disturb(ctx, t, sim, func() simulator.Fault { return bearable(dice) }) })
	c.talk(ctx, t, scale(20, 200))
	work.Wait()

	c.gathered(t, scale(time.Minute, 5*time.Minute))
	c.requireAllThere(t, scale(time.Minute, 5*time.Minute))
	t.Logf("%d messages acknowledged; %+v", len(c.acked), sim.Stats())
}
