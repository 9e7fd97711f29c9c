package main

import (
	"context"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/httpapi"
	"whatsapp-web-server/supervisor"
)

// events are those of the accounts of this node: live from the feed, and again from
// their logs.
type events struct {
	*supervisor.Supervisor
	*actors.Feed
}

// followed are those that webhooks and sinks follow: each node follows the accounts that
// live there.
type followed struct{ events }

// Events implements [follow.Source].
func (f followed) Events(ctx context.Context, account string, after actors.Cursor, limit int) ([]actors.Event, error) {
	return f.OwnEvents(ctx, account, after, limit)
}

// everyone are the events of the accounts of all nodes.
type everyone struct {
	*supervisor.Supervisor
	*httpapi.Everywhere
}

// Numbers implements [httpapi.Events].
func (e everyone) Numbers() []string { return e.Known() }

// events is where the edge gets those that it tells.
func (s *Server) events() httpapi.Events {
	if s.everywhere == nil {
		return events{s.accounts, s.feed}
	}
	return everyone{s.accounts, s.everywhere}
}

// elsewhere is how the edge hears of other nodes' accounts; nil if there are none.
func (s *Server) elsewhere() *httpapi.Elsewhere {
	if s.everywhere == nil {
		return nil
	}
	return &httpapi.Elsewhere{Own: events{s.accounts, s.feed}, Feed: s.everywhere, Recall: s.accounts.Recall}
}
