package main

import (
	"context"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/webhook"
	"whatsapp-web-server/httpapi"
	"whatsapp-web-server/supervisor"
)

// accounts gives the edge the supervisor in the edge's own words.
type accounts struct {
	*supervisor.Supervisor

	webhooks *webhook.Service
}

var _ httpapi.Accounts = accounts{}

// Initialize implements [httpapi.Accounts].
func (a accounts) Initialize(ctx context.Context, account string, request httpapi.Initialize) (actors.Status, error) {
	command := actors.Start{AnyNumber: request.AnyNumber, Recreate: request.ForceRecreate, Metadata: request.Metadata, Proxy: request.Proxy}
	if request.DeviceName != nil {
		command.DeviceName = *request.DeviceName
	}
	return a.Supervisor.Initialize(ctx, account, request.Tenant, command)
}

// List implements [httpapi.Accounts].
func (a accounts) List(ctx context.Context, query httpapi.ListQuery) (httpapi.ListPage, error) {
	page, total, err := a.Supervisor.List(ctx, query.State, query.Sees, query.Limit, query.Offset)
	return httpapi.ListPage{Accounts: page, Total: total}, err
}

// Remove implements [httpapi.Accounts]. The webhooks that hear nothing else end with the
// account.
func (a accounts) Remove(ctx context.Context, account string) (unlinked bool, err error) {
	unlinked, err = a.Supervisor.Remove(ctx, account)
	if err != nil {
		return unlinked, err
	}
	return unlinked, a.webhooks.Forget(ctx, account)
}
