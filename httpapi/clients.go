package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

// Accounts is whom the edge asks. Every method answers with an [*actors.Error]
// where the caller can act on it, and no later than ctx ends.
type Accounts interface {
	// Available is nil while this node can do its work, else why no request is
	// answered.
	Available() error
	// Tenant tells whose an account is; false if there is no such account.
	Tenant(account string) (tenant string, known bool)
	// Initialize creates an account or wakes it up; it is idempotent.
	Initialize(ctx context.Context, account string, request Initialize) (actors.Status, error)
	Status(ctx context.Context, account string) (actors.Status, error)
	// List gives accounts by number.
	List(ctx context.Context, query ListQuery) (ListPage, error)
	PairingCode(ctx context.Context, account string) (actors.PairingCode, error)
	Restart(ctx context.Context, account string) (actors.Status, error)
	// ChangeSettings changes what is given, and tells all settings.
	ChangeSettings(ctx context.Context, account string, change actors.ChangeSettings) (actors.Settings, error)
	Stop(ctx context.Context, account string, command actors.Stop) (actors.Stopped, error)
	// Remove ends an account for good, and tells whether its device was unlinked.
	Remove(ctx context.Context, account string) (unlinked bool, err error)
	Send(ctx context.Context, account string, command actors.Send) (actors.Sent, error)
	// Cancel and CancelAll take back what is still to be sent.
	Cancel(ctx context.Context, account, id string) (actors.Sent, error)
	CancelAll(ctx context.Context, account string, which actors.CancelAll) (actors.Cancelled, error)
	// Perform has an account carry out a request, which says what the reply is.
	Perform(ctx context.Context, account string, request actors.Request) (any, error)
	Reader
}

// Initialize asks that an account exist and its session be kept up.
type Initialize struct {
	// Tenant is whose the account is to be. A number that another one holds is refused
	// with conflict.
	Tenant string
	// ForceRecreate unlinks the device and starts over.
	ForceRecreate bool
	// AnyNumber accepts a phone whose number is not the account's.
	AnyNumber bool
	// DeviceName and Metadata replace what was set before, unless they are nil.
	DeviceName *string
	Metadata   map[string]string
	// Proxy replaces what was set before, unless it is empty.
	Proxy string
}

// ListQuery selects accounts.
type ListQuery struct {
	Limit, Offset int
	// State selects the sessions in it; empty selects all.
	State actors.State
	// Sees tells whether an account is there for the caller.
	Sees func(account string) bool
}

// ListPage is a part of what was selected, which is Total altogether.
type ListPage struct {
	Accounts []actors.Status
	Total    int
}

// Bounds of metadata, so that it stays a note and does not become a store.
const (
	maxMetadataKey   = 64
	maxMetadataValue = 512
)

func (s *Server) clientRoutes() {
	tags := []string{"clients"}
	route(s, huma.Operation{
		OperationID: "initializeClient", Method: http.MethodPost, Path: "/api/clients/initialize", Tags: tags,
		Summary: "Create an account, or bring its session back up",
	}, s.initialize)
	route(s, huma.Operation{
		OperationID: "listClients", Method: http.MethodGet, Path: "/api/clients/status", Tags: tags,
		Summary: "List accounts and the state of their sessions",
	}, s.listClients)
	route(s, huma.Operation{
		OperationID: "getClient", Method: http.MethodGet, Path: "/api/clients/{accountNumber}/status", Tags: tags,
		Summary: "Tell the state of an account's session",
	}, s.clientStatus)
	route(s, huma.Operation{
		OperationID: "disconnectClient", Method: http.MethodDelete, Path: "/api/clients/{accountNumber}/disconnect", Tags: tags,
		Summary: "Stop a session and keep its credentials, or unlink the device",
	}, s.disconnect)
	route(s, huma.Operation{
		OperationID: "removeClient", Method: http.MethodDelete, Path: "/api/clients/{accountNumber}", Tags: tags,
		Summary: "Unlink the device and remove the account with all its data",
	}, s.remove)
	s.settingRoutes(tags)
	s.qrRoute(tags)
	s.pairingCodeRoute(tags)
	s.passkeyRoutes(tags)
}

type initializeInput struct {
	Body initializeBody
}

type initializeBody struct {
	AccountNumber number            `json:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ForceRecreate bool              `json:"forceRecreate,omitempty" doc:"unlink the device and start over"`
	AnyNumber     bool              `json:"anyNumber,omitempty" doc:"accept a phone with another number"`
	DeviceName    *string           `json:"deviceName,omitempty" minLength:"1" maxLength:"50" doc:"shown on the phone as the linked device"`
	Metadata      map[string]string `json:"metadata,omitempty" maxProperties:"32" doc:"notes of the caller; keys up to 64, values up to 512 characters"`
	Webhook       *string           `json:"webhook,omitempty" maxLength:"2048" doc:"where the account's events are posted; see its settings"`
	Proxy         string            `json:"proxy,omitempty" doc:"what the account reaches WhatsApp by from the first code on: an http, https or socks5 URL, with name and password if it wants them"`
}

// Resolve checks what a schema cannot say.
func (b *initializeBody) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	if wrong := checkProxy(b.Proxy, at); wrong != nil {
		return wrong
	}
	return checkMetadata(b.Metadata, at)
}

func checkMetadata(metadata map[string]string, at *huma.PathBuffer) []error {
	for key, value := range metadata {
		if key == "" || utf8.RuneCountInString(key) > maxMetadataKey || utf8.RuneCountInString(value) > maxMetadataValue {
			return wrong(at.With("metadata"), fmt.Sprintf("expected keys of 1 to %d and values of up to %d characters", maxMetadataKey, maxMetadataValue))
		}
	}
	return nil
}

func (s *Server) initialize(ctx context.Context, input *initializeInput) (*reply[clientStatus], error) {
	body, now := input.Body, time.Now()
	if err := s.checkWebhook(ctx, string(body.AccountNumber), body.Webhook); err != nil {
		return nil, err
	}
	status, err := s.accounts.Initialize(ctx, string(body.AccountNumber), Initialize{
		ForceRecreate: body.ForceRecreate,
		AnyNumber:     body.AnyNumber,
		DeviceName:    body.DeviceName,
		Metadata:      body.Metadata,
		Proxy:         body.Proxy,
	})
	if err != nil {
		return nil, err
	}
	shown := showStatus(status)
	if shown.WebhookSecret, err = s.setWebhook(ctx, string(body.AccountNumber), body.Webhook, now); err != nil {
		return nil, err
	}
	return &reply[clientStatus]{succeed(shown)}, nil
}

func (s *Server) clientStatus(ctx context.Context, input *clientInput) (*reply[clientStatus], error) {
	status, err := s.accounts.Status(ctx, string(input.AccountNumber))
	if err != nil {
		return nil, err
	}
	return &reply[clientStatus]{succeed(showStatus(status))}, nil
}

type disconnectInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Logout        bool   `query:"logout" doc:"unlink the device as well"`
}

type disconnected struct {
	WasRunning bool         `json:"wasRunning"`
	Unlinked   bool         `json:"unlinked" doc:"WhatsApp confirmed that the device is gone"`
	Client     clientStatus `json:"client"`
}

func (s *Server) disconnect(ctx context.Context, input *disconnectInput) (*reply[disconnected], error) {
	stopped, err := s.accounts.Stop(ctx, string(input.AccountNumber), actors.Stop{Logout: input.Logout})
	if err != nil {
		return nil, err
	}
	return &reply[disconnected]{succeed(disconnected{
		WasRunning: stopped.WasRunning,
		Unlinked:   stopped.Unlinked,
		Client:     showStatus(stopped.Status),
	})}, nil
}

type removeInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
}

type removed struct {
	ClientID string `json:"clientId" doc:"the accountNumber"`
	Unlinked bool   `json:"unlinked" doc:"WhatsApp confirmed that the device is gone; if not, the phone still lists it"`
}

func (s *Server) remove(ctx context.Context, input *removeInput) (*reply[removed], error) {
	account := string(input.AccountNumber)
	unlinked, err := s.accounts.Remove(ctx, account)
	if err != nil {
		return nil, err
	}
	return &reply[removed]{succeed(removed{ClientID: account, Unlinked: unlinked})}, nil
}

// clientStatus is an account as the API shows it.
type clientStatus struct {
	ClientID string `json:"clientId" doc:"the accountNumber"`
	actors.Session
	Running     bool              `json:"running" doc:"the session is to be kept up"`
	Paired      bool              `json:"paired" doc:"a device is linked"`
	Number      string            `json:"number,omitempty" doc:"number of the phone that is linked"`
	LID         string            `json:"lid,omitempty" doc:"its hidden id"`
	Name        string            `json:"name,omitempty"`
	Device      uint16            `json:"device,omitempty" doc:"which linked device of the phone this is"`
	Passkey     string            `json:"passkey,omitempty" doc:"stage of the pairing in which WhatsApp wants the phone's passkey"`
	LastTraffic *time.Time        `json:"lastTraffic,omitempty" doc:"when WhatsApp was last heard of"`
	Lag         float64           `json:"lag" doc:"seconds that the last message or receipt was behind WhatsApp's clock when it was stored; WhatsApp tells whole ones"`
	Queued      int               `json:"queued" doc:"accepted messages that have not reached their end"`
	Events      string            `json:"events,omitempty" doc:"cursor of the newest event"`
	DeviceName  string            `json:"deviceName,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	CreatedAt   *time.Time        `json:"createdAt,omitempty"`
	// WebhookSecret is there when it is new.
	WebhookSecret string `json:"webhookSecret,omitempty" doc:"of the webhook's signature; told when the webhook is made, and never again"`
}

func showStatus(status actors.Status) clientStatus {
	passkey := ""
	if status.Passkey != nil {
		passkey = string(status.Passkey.Stage)
	}
	return clientStatus{
		ClientID:    status.Account,
		Passkey:     passkey,
		Session:     showSession(status.Session),
		Running:     status.Running,
		Paired:      status.Paired,
		Number:      status.Number,
		LID:         status.LID,
		Name:        status.Name,
		Device:      status.Device,
		LastTraffic: showTime(status.LastTraffic),
		Lag:         status.Lag.Round(time.Millisecond).Seconds(),
		Queued:      status.Queued,
		Events:      status.Events.String(),
		DeviceName:  status.DeviceName,
		Metadata:    status.Metadata,
		CreatedAt:   showTime(status.CreatedAt),
	}
}

func showSession(session actors.Session) actors.Session {
	session.Since = session.Since.UTC()
	if session.Until != nil {
		session.Until = showTime(*session.Until)
	}
	return session
}

// showTime is at in UTC, and nil where there is none.
func showTime(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}
