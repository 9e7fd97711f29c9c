package redo

import (
	"context"

	"whatsapp-web-server/persist"
)

// Apply has the batches that results do not refuse go their way: those of accounts by
// the log, the others, which are few and versioned, by store, straight into the file.
// Both are called at most once, and answer with one result for each batch.
func Apply(ctx context.Context, batches []persist.Batch, results []error, log, store func(context.Context, []persist.Batch) []error) {
	var ofAccounts, others part
	for i, batch := range batches {
		switch {
		case results[i] != nil:
		case batch.Scope.IsAccount():
			ofAccounts.add(i, batch)
		default:
			others.add(i, batch)
		}
	}
	ofAccounts.commit(ctx, log, results)
	others.commit(ctx, store, results)
}

// part is those batches of a call that go the same way.
type part struct {
	batches []persist.Batch
	places  []int
}

func (p *part) add(place int, batch persist.Batch) {
	p.batches = append(p.batches, batch)
	p.places = append(p.places, place)
}

func (p *part) commit(ctx context.Context, way func(context.Context, []persist.Batch) []error, results []error) {
	if len(p.batches) == 0 {
		return
	}
	for i, err := range way(ctx, p.batches) {
		results[p.places[i]] = err
	}
}
