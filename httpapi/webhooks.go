package httpapi

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/webhook"
	"whatsapp-web-server/persist"
)

// Webhooks posts events to endpoints; see [webhook.Service] for what each method
// promises. Every method that has a caller knows no endpoints but those it sees.
type Webhooks interface {
	Create(ctx context.Context, caller webhook.Caller, draft webhook.Draft) (persist.Webhook, error)
	Get(ctx context.Context, caller webhook.Caller, id string) (persist.Webhook, error)
	List(ctx context.Context, caller webhook.Caller, after string, limit int) (hooks []persist.Webhook, more bool, err error)
	Replace(ctx context.Context, caller webhook.Caller, id string, draft webhook.Draft) (persist.Webhook, error)
	Rotate(ctx context.Context, caller webhook.Caller, id string) (persist.Webhook, error)
	Pause(ctx context.Context, caller webhook.Caller, id string) (persist.Webhook, error)
	Resume(ctx context.Context, caller webhook.Caller, id string) (persist.Webhook, error)
	Delete(ctx context.Context, caller webhook.Caller, id string) error
	Test(ctx context.Context, caller webhook.Caller, id string) (webhook.Attempt, error)
	Attempts(ctx context.Context, caller webhook.Caller, id string) ([]webhook.Attempt, webhook.Health, error)
	HealthOf(id string) webhook.Health
	DeadLetters(ctx context.Context, caller webhook.Caller, id, account, cursor string, limit int) ([]webhook.DeadLetter, string, error)
	Redrive(ctx context.Context, caller webhook.Caller, id string, which webhook.Range) (redriven int, more bool, err error)
	Replay(ctx context.Context, caller webhook.Caller, id string, which webhook.Range) (replayed int, last actors.Cursor, more bool, err error)
	// Check, Own and SetOwn are for the endpoint that is a setting of an account, for a
	// caller who has been found to see the account.
	Check(ctx context.Context, url string) error
	Own(ctx context.Context, account string) (*persist.Webhook, error)
	SetOwn(ctx context.Context, account, url string, since time.Time) (secret string, err error)
}

// hookCaller is who asks, as webhooks know callers.
func hookCaller(ctx context.Context) webhook.Caller {
	principal := principalOf(ctx)
	return webhook.Caller{Tenant: principal.Tenant, Everyone: principal.Installation(), Accounts: principal.Accounts}
}

func webhookOperation(id, method, path, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: "/api/webhooks" + path, Tags: []string{"webhooks"}, Summary: summary}
}

func (s *Server) webhookRoutes() {
	create := webhookOperation("createWebhook", http.MethodPost, "", "Have events posted to a URL")
	create.DefaultStatus = http.StatusCreated
	route(s, create, s.createWebhook)
	route(s, webhookOperation("listWebhooks", http.MethodGet, "", "List webhooks"), s.listWebhooks)
	route(s, webhookOperation("getWebhook", http.MethodGet, "/{webhookId}", "Tell what a webhook is, and how it does"),
		s.onWebhook(Webhooks.Get))
	route(s, webhookOperation("replaceWebhook", http.MethodPut, "/{webhookId}", "Change a webhook, which keeps its secret and its place"),
		s.replaceWebhook)
	route(s, webhookOperation("deleteWebhook", http.MethodDelete, "/{webhookId}", "Remove a webhook with its dead letters"), s.deleteWebhook)
	route(s, webhookOperation("rotateWebhookSecret", http.MethodPost, "/{webhookId}/rotate-secret",
		"Give a webhook a new secret; the old one signs as well for 24 hours"), s.rotateSecret)
	route(s, webhookOperation("testWebhook", http.MethodPost, "/{webhookId}/test", "Post an event named webhook-test now"), s.testWebhook)
	route(s, webhookOperation("pauseWebhook", http.MethodPost, "/{webhookId}/pause", "Post nothing until it is resumed"),
		s.onWebhook(Webhooks.Pause))
	route(s, webhookOperation("resumeWebhook", http.MethodPost, "/{webhookId}/resume", "Go on where it was paused"),
		s.onWebhook(Webhooks.Resume))
	route(s, webhookOperation("listWebhookDeliveries", http.MethodGet, "/{webhookId}/deliveries",
		"List the last 100 requests of a webhook, newest first, since the server was started"), s.listAttempts)
	route(s, webhookOperation("listDeadLetters", http.MethodGet, "/{webhookId}/dead-letters",
		"List the events that a webhook has refused for a day"), s.listDeadLetters)
	route(s, webhookOperation("redriveDeadLetters", http.MethodPost, "/{webhookId}/redrive",
		"Have dead letters, or what was delivered, delivered again, under their ids"), s.redrive)
}

// WebhookInput is the input of what asks for nothing but a webhook.
type WebhookInput struct {
	WebhookID string `path:"webhookId" maxLength:"64" pattern:"^[0-9A-Z]+$" patternDescription:"the id of a webhook" doc:"the webhook's id" example:"01JD9Z3W6V1N8T4Q5R7S2XKYMB"`
}

// someNumber is a number of an account, or empty for all.
type someNumber string

// Resolve reads the number, if there is one.
func (n *someNumber) Resolve(ctx huma.Context, at *huma.PathBuffer) []error {
	if *n == "" {
		return nil
	}
	return (*number)(n).Resolve(ctx, at)
}

// WebhookBody is what a webhook is to be. It is exported because Huma overlooks what is
// embedded otherwise.
type WebhookBody struct {
	URL           string            `json:"url" maxLength:"2048" doc:"https, or http where OUTBOUND_ALLOW has the address; no user and password" example:"https://example.com/hook"`
	AccountNumber someNumber        `json:"accountNumber,omitempty" doc:"the one account that it hears" example:"31612345678"`
	Accounts      []string          `json:"accounts,omitempty" maxItems:"100" doc:"patterns of those that it hears, such as 31*; all that the key sees where neither is given"`
	Events        []string          `json:"events,omitempty" maxItems:"100" doc:"names of events; all that are kept where not given" example:"[\"message\",\"message-status\"]"`
	Order         string            `json:"order,omitempty" enum:"strict,relaxed" default:"strict" doc:"strict: an account's events come one after the other and wait behind one that is refused; relaxed: that one is put aside"`
	Concurrency   int               `json:"concurrency,omitempty" minimum:"1" maximum:"32" default:"4" doc:"requests at a time"`
	Headers       map[string]string `json:"headers,omitempty" doc:"go along with each request, and are not shown again; those that there are stay where not given"`
}

// accountPattern is digits, of which the last may be followed by * for any others.
var accountPattern = regexp.MustCompile(`^([0-9]{1,20}\*?|\*)$`)

// Resolve checks what a schema cannot say.
func (b *WebhookBody) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	for _, pattern := range b.Accounts {
		if !accountPattern.MatchString(pattern) {
			return wrong(at.With("accounts"), "expected digits, and * at the end for any others")
		}
	}
	return nil
}

func (b *WebhookBody) draft() webhook.Draft {
	return webhook.Draft{
		URL: b.URL, Account: string(b.AccountNumber), Accounts: b.Accounts, Kinds: b.Events,
		Order: b.Order, Concurrency: b.Concurrency, Headers: b.Headers,
	}
}

// hook is a webhook as the API shows it.
type hook struct {
	ID             string     `json:"id"`
	URL            string     `json:"url"`
	AccountNumber  string     `json:"accountNumber,omitempty" doc:"the one account that it hears"`
	Accounts       []string   `json:"accounts" doc:"patterns of those that it hears; none are all"`
	Tenant         string     `json:"tenant,omitempty" doc:"whose it is"`
	Setting        bool       `json:"setting" doc:"it is the webhook of its account's settings"`
	Events         []string   `json:"events" doc:"names of events; none are all"`
	Order          string     `json:"order" enum:"strict,relaxed"`
	Concurrency    int64      `json:"concurrency"`
	Headers        []string   `json:"headers" doc:"names of those that go along"`
	State          string     `json:"state" enum:"active,failing,paused" doc:"failing: the last request was not taken"`
	Reason         string     `json:"reason,omitempty" doc:"asked or gone of what is paused; else why the last request was not taken: status_<n>, timeout, unreachable or url_not_allowed"`
	Since          *time.Time `json:"since,omitempty" doc:"of being paused, or of the last failure"`
	Failures       int        `json:"failures" doc:"in a row, since the server was started"`
	LastSuccess    *time.Time `json:"lastSuccess,omitempty" doc:"since the server was started"`
	Missed         int64      `json:"missed" doc:"events, of whatever kind, that the logs no longer had when their turn came, since the server was started"`
	LastMissed     *time.Time `json:"lastMissed,omitempty" doc:"when the last of them were found missing"`
	Secret         string     `json:"secret,omitempty" doc:"of the signature; told when it is made, and never again"`
	OldSecretUntil *time.Time `json:"oldSecretUntil,omitempty" doc:"until when the secret before signs as well"`
	CreatedAt      *time.Time `json:"createdAt"`
	UpdatedAt      *time.Time `json:"updatedAt"`
}

func (s *Server) showHook(h persist.Webhook) hook {
	health := s.hooks().HealthOf(h.ID)
	shown := hook{
		ID: h.ID, URL: h.URL, AccountNumber: h.Account, Accounts: noneNull(h.Accounts), Tenant: h.Tenant, Setting: h.Own,
		Events: noneNull(h.Kinds), Order: h.Order, Concurrency: h.Concurrency, Headers: noneNull(webhook.HeaderNames(h)),
		State: "active", Failures: health.Failures, LastSuccess: showTime(health.LastSuccess),
		Missed: health.Missed, LastMissed: showTime(health.LastMissed),
		CreatedAt: showTime(h.CreatedAt), UpdatedAt: showTime(h.UpdatedAt),
	}
	switch {
	case h.Paused:
		shown.State, shown.Reason, shown.Since = "paused", h.PausedReason, showTime(h.PausedAt)
	case health.Failures > 0:
		shown.State, shown.Reason, shown.Since = "failing", health.Reason, showTime(health.LastFailure)
	}
	if time.Now().Before(h.OldSecretUntil) {
		shown.OldSecretUntil = showTime(h.OldSecretUntil)
	}
	return shown
}

// showSecret is for when the secret is new.
func (s *Server) showSecret(h persist.Webhook) hook {
	shown := s.showHook(h)
	shown.Secret = h.Secret
	return shown
}

// noneNull is list, and empty where there is none.
func noneNull(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// onWebhook does something with one webhook and shows it.
func (s *Server) onWebhook(do func(Webhooks, context.Context, webhook.Caller, string) (persist.Webhook, error)) func(context.Context, *WebhookInput) (*reply[hook], error) {
	return func(ctx context.Context, input *WebhookInput) (*reply[hook], error) {
		found, err := do(s.hooks(), ctx, hookCaller(ctx), input.WebhookID)
		if err != nil {
			return nil, err
		}
		return &reply[hook]{succeed(s.showHook(found))}, nil
	}
}

func (s *Server) createWebhook(ctx context.Context, input *struct{ Body WebhookBody }) (*reply[hook], error) {
	made, err := s.hooks().Create(ctx, hookCaller(ctx), input.Body.draft())
	if err != nil {
		return nil, err
	}
	return &reply[hook]{succeed(s.showSecret(made))}, nil
}

type replaceWebhookInput struct {
	WebhookInput

	Body WebhookBody
}

func (s *Server) replaceWebhook(ctx context.Context, input *replaceWebhookInput) (*reply[hook], error) {
	changed, err := s.hooks().Replace(ctx, hookCaller(ctx), input.WebhookID, input.Body.draft())
	if err != nil {
		return nil, err
	}
	return &reply[hook]{succeed(s.showHook(changed))}, nil
}

func (s *Server) rotateSecret(ctx context.Context, input *WebhookInput) (*reply[hook], error) {
	changed, err := s.hooks().Rotate(ctx, hookCaller(ctx), input.WebhookID)
	if err != nil {
		return nil, err
	}
	return &reply[hook]{succeed(s.showSecret(changed))}, nil
}

type deletedWebhook struct {
	ID string `json:"id"`
}

func (s *Server) deleteWebhook(ctx context.Context, input *WebhookInput) (*reply[deletedWebhook], error) {
	if err := s.hooks().Delete(ctx, hookCaller(ctx), input.WebhookID); err != nil {
		return nil, err
	}
	return &reply[deletedWebhook]{succeed(deletedWebhook{input.WebhookID})}, nil
}

type listWebhooksInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many at most"`
	Cursor string `query:"cursor" maxLength:"64" doc:"nextCursor of the page before"`
}

type hookList struct {
	Webhooks   []hook     `json:"webhooks"`
	Pagination pagination `json:"pagination"`
}

func (s *Server) listWebhooks(ctx context.Context, input *listWebhooksInput) (*reply[hookList], error) {
	found, more, err := s.hooks().List(ctx, hookCaller(ctx), input.Cursor, input.Limit)
	if err != nil {
		return nil, err
	}
	list := hookList{make([]hook, len(found)), pagination{Limit: input.Limit, HasMore: more}}
	for i, h := range found {
		list.Webhooks[i] = s.showHook(h)
	}
	if more {
		list.Pagination.NextCursor = found[len(found)-1].ID
	}
	return &reply[hookList]{succeed(list)}, nil
}

// hookAttempt is one request to a webhook.
type hookAttempt struct {
	EventID       string    `json:"eventId"`
	Event         string    `json:"event"`
	AccountNumber string    `json:"accountNumber,omitempty"`
	Attempt       int64     `json:"attempt" doc:"which one of this event"`
	Time          time.Time `json:"time" doc:"of the answer"`
	Status        int       `json:"status" doc:"of the answer; 0 if there was none"`
	Failure       string    `json:"failure,omitempty" doc:"why it was not taken: status_<n>, timeout, unreachable or url_not_allowed"`
	Milliseconds  int64     `json:"milliseconds" doc:"how long it took"`
}

func showAttempt(a webhook.Attempt) hookAttempt {
	return hookAttempt{
		EventID: a.EventID, Event: a.Kind, AccountNumber: a.Account, Attempt: a.Number, Time: frameTime(a.At),
		Status: a.Status, Failure: a.Failure, Milliseconds: a.Took.Milliseconds(),
	}
}

func (s *Server) testWebhook(ctx context.Context, input *WebhookInput) (*reply[hookAttempt], error) {
	made, err := s.hooks().Test(ctx, hookCaller(ctx), input.WebhookID)
	if err != nil {
		return nil, err
	}
	return &reply[hookAttempt]{succeed(showAttempt(made))}, nil
}

type attemptList struct {
	Deliveries []hookAttempt `json:"deliveries"`
}

func (s *Server) listAttempts(ctx context.Context, input *WebhookInput) (*reply[attemptList], error) {
	recent, _, err := s.hooks().Attempts(ctx, hookCaller(ctx), input.WebhookID)
	if err != nil {
		return nil, err
	}
	list := attemptList{make([]hookAttempt, len(recent))}
	for i, a := range recent {
		list.Deliveries[i] = showAttempt(a)
	}
	return &reply[attemptList]{succeed(list)}, nil
}

type deadLettersInput struct {
	WebhookInput

	AccountNumber someNumber `query:"accountNumber" doc:"only of this account" example:"31612345678"`
	Limit         int        `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many at most"`
	Cursor        string     `query:"cursor" maxLength:"512" doc:"nextCursor of the page before"`
}

// deadLetter is an event that was refused for a day.
type deadLetter struct {
	Event         frame      `json:"event" doc:"what was to be posted"`
	AccountNumber string     `json:"accountNumber"`
	Attempts      int64      `json:"attempts"`
	Failure       string     `json:"failure" doc:"of the last attempt"`
	FirstAttempt  *time.Time `json:"firstAttempt,omitempty"`
	LastAttempt   *time.Time `json:"lastAttempt,omitempty"`
}

type deadLetterList struct {
	DeadLetters []deadLetter `json:"deadLetters"`
	Pagination  pagination   `json:"pagination"`
}

func (s *Server) listDeadLetters(ctx context.Context, input *deadLettersInput) (*reply[deadLetterList], error) {
	found, next, err := s.hooks().DeadLetters(ctx, hookCaller(ctx), input.WebhookID, string(input.AccountNumber), input.Cursor, input.Limit)
	if err != nil {
		return nil, err
	}
	list := deadLetterList{make([]deadLetter, len(found)), pagination{Limit: input.Limit, HasMore: next != "", NextCursor: next}}
	for i, letter := range found {
		list.DeadLetters[i] = deadLetter{
			Event: frameOf(letter.Event()), AccountNumber: letter.Account, Attempts: letter.Attempts, Failure: letter.Failure,
			FirstAttempt: showTime(letter.FirstAt), LastAttempt: showTime(letter.NextAt),
		}
	}
	return &reply[deadLetterList]{succeed(list)}, nil
}

type redriveInput struct {
	WebhookInput

	Body struct {
		Delivered     bool       `json:"delivered,omitempty" doc:"instead of dead letters all that the account's log has of what the webhook is done with; needs accountNumber, and after or from"`
		AccountNumber someNumber `json:"accountNumber,omitempty" doc:"only of this account" example:"31612345678"`
		After         logPlace   `json:"after,omitempty" maxLength:"64" doc:"only after this event of the account"`
		Until         logPlace   `json:"until,omitempty" maxLength:"64" doc:"only up to this event of the account, which is included"`
		From          *time.Time `json:"from,omitempty" doc:"only what happened then or later"`
		To            *time.Time `json:"to,omitempty" doc:"only what happened before"`
	}
}

type redriven struct {
	Redriven int  `json:"redriven" doc:"how many are delivered again"`
	More     bool `json:"hasMore" doc:"there are more than one call takes up: ask again"`
	// Cursor is where a replay has got to.
	Cursor string `json:"cursor,omitempty" doc:"after which to ask again for more of what was delivered"`
}

func (s *Server) redrive(ctx context.Context, input *redriveInput) (*reply[redriven], error) {
	body := input.Body
	which := webhook.Range{Account: string(body.AccountNumber)}
	which.After, _ = actors.ParseCursor(string(body.After)) // checked, if there is one
	which.Until, _ = actors.ParseCursor(string(body.Until))
	if body.From != nil {
		which.From = *body.From
	}
	if body.To != nil {
		which.To = *body.To
	}
	if body.Delivered {
		n, last, more, err := s.hooks().Replay(ctx, hookCaller(ctx), input.WebhookID, which)
		if err != nil {
			return nil, err
		}
		return &reply[redriven]{succeed(redriven{n, more, last.String()})}, nil
	}
	n, more, err := s.hooks().Redrive(ctx, hookCaller(ctx), input.WebhookID, which)
	if err != nil {
		return nil, err
	}
	return &reply[redriven]{succeed(redriven{Redriven: n, More: more})}, nil
}
