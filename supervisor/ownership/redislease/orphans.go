package redislease

import (
	"context"
	"errors"

	driver "github.com/redis/go-redis/v9"

	"whatsapp-web-server/supervisor/ownership"
)

// maxDrawn bounds how many accounts are drawn to find the own ones among them.
const maxDrawn = 10_000

// orphan is an account on the list of a session that is over.
type orphan struct{ session, account string }

// Orphans implements [ownership.Owner].
func (l *Lease) Orphans(ctx context.Context, limit int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	nodes := *l.nodes.Load()
	reply, err := l.ask(ctx, orphansScript, min(limit*max(len(nodes), 1), maxDrawn)).StringSlice()
	if err != nil || len(reply) == 0 {
		return nil, unavailable(err)
	}
	var own []orphan
	for i := 0; i+1 < len(reply) && len(own) < limit; i += 2 {
		if l.isPlace(nodes, reply[i+1]) {
			own = append(own, orphan{reply[i], reply[i+1]})
		}
	}
	return l.verify(ctx, own)
}

// isPlace goes by the name: a process that died a moment ago may have had it too.
func (l *Lease) isPlace(nodes []ownership.Node, account string) bool {
	self := l.Self()
	place, found := ownership.Place(nodes, account)
	return found && place.Name == self.Name && !self.Cordoned && !self.Draining
}

// verify leaves out, and takes off the lists, what belongs to another by now: a list
// names what a session may have owned.
func (l *Lease) verify(ctx context.Context, orphans []orphan) ([]string, error) {
	owners := make([]*driver.StringCmd, len(orphans))
	_, err := l.registry.Pipelined(ctx, func(pipe driver.Pipeliner) error {
		for i, o := range orphans {
			owners[i] = pipe.HGet(ctx, l.recordKey(o.account), "session")
		}
		return nil
	})
	if err != nil && !errors.Is(err, driver.Nil) {
		return nil, unavailable(err)
	}
	var accounts []string
	for i, o := range orphans {
		if owners[i].Val() == o.session {
			accounts = append(accounts, o.account)
			continue
		}
		if err := l.ask(ctx, strikeScript, o.account, o.session).Err(); err != nil {
			return nil, unavailable(err)
		}
	}
	return accounts, nil
}
