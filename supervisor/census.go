package supervisor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"whatsapp-web-server/actors"
)

// Census is what statistics tell of the accounts of a node.
type Census struct {
	Accounts map[actors.State]int
	// Queued counts the messages that were accepted and have not reached their end. Due
	// is since when the first of them could have been sent; zero if none could.
	Queued int
	Due    time.Time
	// Crashes and StorageFailures count the lives of accounts that ended so since the
	// process began.
	Crashes, StorageFailures int64
}

// tally counts what the keeper sees.
type tally struct{ crashes, failures atomic.Int64 }

// censusPatience is how long an account may take to answer.
const censusPatience = time.Second

// Census counts the accounts. One that does not answer counts as stuck; while the
// storage is lost all are in backoff.
func (s *Supervisor) Census(ctx context.Context) Census {
	census := Census{
		Accounts: make(map[actors.State]int), Crashes: s.living.tally.crashes.Load(), StorageFailures: s.living.tally.failures.Load(),
	}
	numbers := s.living.numbers()
	if s.Available() != nil {
		census.Accounts[actors.StateBackoff] = len(numbers)
		return census
	}
	ctx, cancel := context.WithTimeout(ctx, censusPatience)
	defer cancel()
	for _, measures := range s.measure(ctx, numbers) {
		census.Accounts[measures.State]++
		census.Queued += measures.Queued
		if !measures.Due.IsZero() && (census.Due.IsZero() || measures.Due.Before(census.Due)) {
			census.Due = measures.Due
		}
	}
	return census
}

// measure asks side by side, askedAtOnce at a time.
func (s *Supervisor) measure(ctx context.Context, numbers []string) []actors.Measures {
	answers := make([]actors.Measures, len(numbers))
	var next atomic.Int64
	var asking sync.WaitGroup
	for range min(askedAtOnce, len(numbers)) {
		asking.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(numbers)); i = next.Add(1) - 1 {
				measures, err := ask[actors.Measures](ctx, s, numbers[i], actors.Measure{})
				if err != nil {
					measures.State = actors.StateStuck
				}
				answers[i] = measures
			}
		})
	}
	asking.Wait()
	return answers
}
