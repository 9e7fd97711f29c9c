package httpapi

import (
	"context"
	"slices"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor"
	"whatsapp-web-server/supervisor/access"
)

// authorised gives a caller those accounts that it sees, as if there were no others.
// It has no method but those written here: what is added to [Accounts] is not
// reached before somebody has decided who may.
type authorised struct{ inner Accounts }

var _ Accounts = authorised{}

// principalOf is who asks; nobody in a context without a request.
func principalOf(ctx context.Context) access.Principal {
	if current := callOf(ctx); current != nil {
		return current.principal
	}
	return access.Principal{}
}

// errNoAccount is the one answer for an account that is not there and for one that
// is not the caller's.
func errNoAccount() error {
	return actors.Refuse(actors.CodeAccountNotFound, "no account has this number")
}

// sees tells whether an account exists for a principal.
func (a authorised) sees(principal access.Principal, account string) bool {
	tenant, known := a.inner.Tenant(account)
	return known && principal.Sees(account, tenant)
}

func (a authorised) check(ctx context.Context, account string) error {
	if !a.sees(principalOf(ctx), account) {
		return errNoAccount()
	}
	return nil
}

// through asks about an account, if the caller sees it.
func through[R any](ctx context.Context, a authorised, account string, ask func() (R, error)) (R, error) {
	if err := a.check(ctx, account); err != nil {
		var none R
		return none, err
	}
	return ask()
}

func (a authorised) Available() error { return a.inner.Available() }

func (a authorised) Tenant(account string) (tenant string, known bool) {
	return a.inner.Tenant(account)
}

// Initialize creates accounts for the caller's tenant. One that the caller sees
// already stays its tenant's.
func (a authorised) Initialize(ctx context.Context, account string, request Initialize) (actors.Status, error) {
	principal := principalOf(ctx)
	if !principal.Covers(account) {
		return actors.Status{}, &actors.Error{
			Code: actors.CodeForbidden, Field: "accountNumber", Message: "accountNumber: the key is for other numbers",
		}
	}
	if err := mayUseProxy(principal, request.Proxy != ""); err != nil {
		return actors.Status{}, err
	}
	callOf(ctx).target = account
	request.Tenant = principal.Tenant
	if tenant, known := a.inner.Tenant(account); known && principal.Sees(account, tenant) {
		request.Tenant = tenant
	}
	return a.inner.Initialize(ctx, account, request)
}

func (a authorised) Status(ctx context.Context, account string) (actors.Status, error) {
	return through(ctx, a, account, func() (actors.Status, error) { return a.inner.Status(ctx, account) })
}

// List leaves out what the caller does not see; it counts for nothing.
func (a authorised) List(ctx context.Context, query ListQuery) (ListPage, error) {
	principal := principalOf(ctx)
	query.Sees = func(account string) bool { return a.sees(principal, account) }
	return a.inner.List(ctx, query)
}

func (a authorised) PairingCode(ctx context.Context, account string) (actors.PairingCode, error) {
	return through(ctx, a, account, func() (actors.PairingCode, error) { return a.inner.PairingCode(ctx, account) })
}

func (a authorised) Restart(ctx context.Context, account string) (actors.Status, error) {
	return through(ctx, a, account, func() (actors.Status, error) { return a.inner.Restart(ctx, account) })
}

func (a authorised) ChangeSettings(ctx context.Context, account string, change actors.ChangeSettings) (actors.Settings, error) {
	return through(ctx, a, account, func() (actors.Settings, error) {
		if err := mayUseProxy(principalOf(ctx), change.Proxy != nil); err != nil {
			return actors.Settings{}, err
		}
		return a.inner.ChangeSettings(ctx, account, change)
	})
}

// mayUseProxy refuses to lead an account's traffic somewhere to all but administrators:
// it makes the server connect to an address of the caller's choice.
func mayUseProxy(principal access.Principal, given bool) error {
	if given && !principal.May(access.Admin) {
		return &actors.Error{
			Code: actors.CodeForbidden, Field: "proxy", Message: "proxy: needs the right \"admin\"",
		}
	}
	return nil
}

func (a authorised) Stop(ctx context.Context, account string, command actors.Stop) (actors.Stopped, error) {
	return through(ctx, a, account, func() (actors.Stopped, error) { return a.inner.Stop(ctx, account, command) })
}

func (a authorised) Remove(ctx context.Context, account string) (unlinked bool, err error) {
	return through(ctx, a, account, func() (bool, error) { return a.inner.Remove(ctx, account) })
}

func (a authorised) Send(ctx context.Context, account string, command actors.Send) (actors.Sent, error) {
	return through(ctx, a, account, func() (actors.Sent, error) { return a.inner.Send(ctx, account, command) })
}

func (a authorised) Cancel(ctx context.Context, account, id string) (actors.Sent, error) {
	return through(ctx, a, account, func() (actors.Sent, error) { return a.inner.Cancel(ctx, account, id) })
}

func (a authorised) CancelAll(ctx context.Context, account string, which actors.CancelAll) (actors.Cancelled, error) {
	return through(ctx, a, account, func() (actors.Cancelled, error) { return a.inner.CancelAll(ctx, account, which) })
}

func (a authorised) Perform(ctx context.Context, account string, request actors.Request) (any, error) {
	return through(ctx, a, account, func() (any, error) { return a.inner.Perform(ctx, account, request) })
}

func (a authorised) Conversations(ctx context.Context, account string, page supervisor.Page) (supervisor.ConversationList, error) {
	return through(ctx, a, account, func() (supervisor.ConversationList, error) { return a.inner.Conversations(ctx, account, page) })
}

func (a authorised) Conversation(ctx context.Context, account, chat string) (supervisor.ConversationDetail, error) {
	return through(ctx, a, account, func() (supervisor.ConversationDetail, error) { return a.inner.Conversation(ctx, account, chat) })
}

func (a authorised) Messages(ctx context.Context, account, chat, before string, page supervisor.Page) (supervisor.MessageList, error) {
	return through(ctx, a, account, func() (supervisor.MessageList, error) { return a.inner.Messages(ctx, account, chat, before, page) })
}

func (a authorised) Message(ctx context.Context, account, chat, id string) (supervisor.Message, error) {
	return through(ctx, a, account, func() (supervisor.Message, error) { return a.inner.Message(ctx, account, chat, id) })
}

func (a authorised) Search(ctx context.Context, account, text, chat string, page supervisor.Page) (supervisor.MessageList, error) {
	return through(ctx, a, account, func() (supervisor.MessageList, error) { return a.inner.Search(ctx, account, text, chat, page) })
}

func (a authorised) Statuses(ctx context.Context, account string, page supervisor.Page) (supervisor.MessageList, error) {
	return through(ctx, a, account, func() (supervisor.MessageList, error) { return a.inner.Statuses(ctx, account, page) })
}

func (a authorised) Contacts(ctx context.Context, account, search string, page supervisor.Page) (supervisor.ContactList, error) {
	return through(ctx, a, account, func() (supervisor.ContactList, error) { return a.inner.Contacts(ctx, account, search, page) })
}

func (a authorised) Contact(ctx context.Context, account, address string) (supervisor.Contact, error) {
	return through(ctx, a, account, func() (supervisor.Contact, error) { return a.inner.Contact(ctx, account, address) })
}

func (a authorised) Labels(ctx context.Context, account string) ([]actors.Label, error) {
	return through(ctx, a, account, func() ([]actors.Label, error) { return a.inner.Labels(ctx, account) })
}

func (a authorised) LabelItems(ctx context.Context, account, label string, page supervisor.Page) (items []supervisor.LabelItem, next string, err error) {
	if err := a.check(ctx, account); err != nil {
		return nil, "", err
	}
	return a.inner.LabelItems(ctx, account, label, page)
}

func (a authorised) Outbox(ctx context.Context, account string, page supervisor.Page) (deliveries []supervisor.Delivery, next string, err error) {
	if err := a.check(ctx, account); err != nil {
		return nil, "", err
	}
	return a.inner.Outbox(ctx, account, page)
}

func (a authorised) Delivery(ctx context.Context, account, id string) (supervisor.Delivery, error) {
	return through(ctx, a, account, func() (supervisor.Delivery, error) { return a.inner.Delivery(ctx, account, id) })
}

// audible are the events of those accounts that a caller sees.
type audible struct {
	inner Events
	authorised

	// recall has an account known that another node has, and elsewhere asks the others
	// for states; nil where there are no other nodes.
	recall    func(ctx context.Context, account string) error
	elsewhere func(ctx context.Context, accounts []string) map[string]actors.Status
}

// check is that of authorised, also for an account of which this node has not heard yet.
func (a audible) check(ctx context.Context, account string) error {
	if _, known := a.Tenant(account); !known && a.recall != nil {
		if err := a.recall(ctx, account); err != nil {
			return err
		}
	}
	return a.authorised.check(ctx, account)
}

// Numbers lists the accounts that exist for the caller.
func (a audible) Numbers(ctx context.Context) []string {
	principal := principalOf(ctx)
	return slices.DeleteFunc(slices.Clone(a.inner.Numbers()), func(account string) bool { return !a.sees(principal, account) })
}

// Status is [Events.Status] of an account that the caller sees.
func (a audible) Status(ctx context.Context, account string) (actors.Status, error) {
	if err := a.check(ctx, account); err != nil {
		return actors.Status{}, err
	}
	return a.inner.Status(ctx, account)
}

// States asks accounts for their status, wherever they live.
func (a audible) States(ctx context.Context, accounts []string) []answer {
	answers := askStates(ctx, accounts, a.Status)
	var missing []string
	for i, answer := range answers {
		if actors.CodeOf(answer.err) == actors.CodeRoutingUnavailable {
			missing = append(missing, accounts[i])
		}
	}
	if len(missing) == 0 || a.elsewhere == nil {
		return answers
	}
	ctx, cancel := context.WithTimeout(ctx, greetingTime)
	defer cancel()
	found := a.elsewhere(ctx, missing)
	for i, account := range accounts {
		if status, ok := found[account]; ok && answers[i].err != nil {
			answers[i] = answer{status: status}
		}
	}
	return answers
}

// EventLog is [Events.EventLog] of an account that the caller sees.
func (a audible) EventLog(ctx context.Context, account string) (oldest, head actors.Cursor, err error) {
	if err := a.check(ctx, account); err != nil {
		return oldest, head, err
	}
	return a.inner.EventLog(ctx, account)
}

// Events is [Events.Events] of an account that the caller sees.
func (a audible) Events(ctx context.Context, account string, after actors.Cursor, limit int) ([]actors.Event, error) {
	if err := a.check(ctx, account); err != nil {
		return nil, err
	}
	return a.inner.Events(ctx, account, after, limit)
}

// Subscribe opens a queue that carries events of no account but those that the caller
// sees when they happen, whatever is followed.
func (a audible) Subscribe(ctx context.Context, limits actors.FeedLimits) *actors.Subscription {
	feed := a.inner.Subscribe(limits)
	if principal := principalOf(ctx); !principal.Installation() {
		feed.Narrow(func(account string) bool { return a.sees(principal, account) })
	}
	return feed
}
