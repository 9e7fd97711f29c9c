package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

func (s *Server) settingRoutes(tags []string) {
	route(s, huma.Operation{
		OperationID: "restartClient", Method: http.MethodPost, Path: "/api/clients/{accountNumber}/restart", Tags: tags,
		Summary: "Begin an account's session anew",
	}, s.restart)
	route(s, huma.Operation{
		OperationID: "getSettings", Method: http.MethodGet, Path: "/api/clients/{accountNumber}/settings", Tags: tags,
		Summary: "Tell how an account behaves by itself",
	}, func(ctx context.Context, input *clientInput) (*reply[settings], error) {
		return s.changeSettings(ctx, input.AccountNumber, settingsBody{})
	})
	route(s, huma.Operation{
		OperationID: "setSettings", Method: http.MethodPut, Path: "/api/clients/{accountNumber}/settings", Tags: tags,
		Summary: "Change those settings of an account that are given",
	}, func(ctx context.Context, input *settingsInput) (*reply[settings], error) {
		return s.changeSettings(ctx, input.AccountNumber, input.Body)
	})
}

type settingsInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          settingsBody
}

type settingsBody struct {
	DeviceName        *string           `json:"deviceName,omitempty" minLength:"1" maxLength:"50" doc:"shown on the phone as the linked device; holds from the next pairing on"`
	Metadata          map[string]string `json:"metadata,omitempty" maxProperties:"32" doc:"replaces the notes of the caller; keys up to 64, values up to 512 characters"`
	Proxy             *string           `json:"proxy,omitempty" doc:"what the account reaches WhatsApp by: an http, https or socks5 URL, with name and password if it wants them; empty takes it away. It connects anew at once"`
	Webhook           *string           `json:"webhook,omitempty" maxLength:"2048" doc:"where the account's events are posted, as those of a webhook in strict order; empty ends that"`
	AutoRead          *bool             `json:"autoRead,omitempty" doc:"tell senders at once that their messages were read"`
	RejectCalls       *bool             `json:"rejectCalls,omitempty" doc:"turn callers away"`
	RejectText        *string           `json:"rejectText,omitempty" maxLength:"4096" doc:"sent to whoever is turned away, unless it is empty"`
	SendInterval      *int64            `json:"sendInterval,omitempty" minimum:"0" maximum:"3600000" doc:"least milliseconds between two sends"`
	RecipientInterval *int64            `json:"recipientInterval,omitempty" minimum:"0" maximum:"3600000" doc:"least milliseconds between two sends to the same recipient"`
}

// Resolve checks what a schema cannot say.
func (b *settingsBody) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	if b.Proxy != nil {
		if wrong := checkProxy(*b.Proxy, at); wrong != nil {
			return wrong
		}
	}
	return checkMetadata(b.Metadata, at)
}

// checkProxy refuses an address that is none, without repeating its password.
func checkProxy(text string, at *huma.PathBuffer) []error {
	_, err := actors.ParseProxy(text)
	if refusal, refused := errors.AsType[*actors.Error](err); refused {
		return wrong(at.With("proxy"), refusal.Message)
	}
	return nil
}

func (s *Server) restart(ctx context.Context, input *clientInput) (*reply[clientStatus], error) {
	status, err := s.accounts.Restart(ctx, string(input.AccountNumber))
	if err != nil {
		return nil, err
	}
	return &reply[clientStatus]{succeed(showStatus(status))}, nil
}

func (s *Server) changeSettings(ctx context.Context, to number, body settingsBody) (*reply[settings], error) {
	account, now := string(to), time.Now()
	if err := s.checkWebhook(ctx, account, body.Webhook); err != nil {
		return nil, err
	}
	changed, err := s.accounts.ChangeSettings(ctx, account, actors.ChangeSettings{
		DeviceName: body.DeviceName, Metadata: body.Metadata, Proxy: body.Proxy, AutoRead: body.AutoRead,
		RejectCalls: body.RejectCalls, RejectText: body.RejectText,
		SendInterval: body.SendInterval, RecipientInterval: body.RecipientInterval,
	})
	if err != nil {
		return nil, err
	}
	secret, err := s.setWebhook(ctx, account, body.Webhook, now)
	if err != nil {
		return nil, err
	}
	shown, err := s.showSettings(ctx, account, changed)
	if err != nil {
		return nil, err
	}
	shown.WebhookSecret = secret
	return &reply[settings]{succeed(shown)}, nil
}

func (s *Server) callRoute() {
	performs[rejectInput, actors.Done](s, huma.Operation{
		OperationID: "rejectCall", Method: http.MethodPost, Path: "/api/calls/{accountNumber}/{callId}/reject", Tags: []string{"calls"},
		Summary: "Turn a caller away",
	}, func(i *rejectInput) (number, actors.Request) {
		return i.AccountNumber, actors.RejectCall{From: string(i.Body.From), CallID: string(i.CallID)}
	})
}

type rejectInput struct {
	AccountNumber number    `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	CallID        messageID `path:"callId" maxLength:"256" doc:"callId of the call's event"`
	Body          struct {
		From chat `json:"from" doc:"who calls, as the call's event says"`
	}
}
