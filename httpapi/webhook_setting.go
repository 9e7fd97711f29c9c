package httpapi

import (
	"context"
	"time"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/actors/webhook"
	"whatsapp-web-server/persist"
)

// settings are all of an account, also the one that is kept elsewhere.
type settings struct {
	actors.Settings

	Webhook *string `json:"webhook" doc:"where its events are posted, what may be secret of it hidden; null for nowhere"`
	// WebhookSecret is there when it is new.
	WebhookSecret string `json:"webhookSecret,omitempty" doc:"of the signature; told when the webhook is made, and never again"`
}

// showSettings adds the webhook to what the account says of itself.
func (s *Server) showSettings(ctx context.Context, account string, own actors.Settings) (settings, error) {
	shown := settings{Settings: own}
	hook, err := s.hooks().Own(ctx, account)
	if err != nil || hook == nil {
		return shown, err
	}
	address := webhook.ShowURL(hook.URL)
	shown.Webhook = &address
	return shown, nil
}

// checkWebhook refuses an address before anything is done; nil and empty are fine.
func (s *Server) checkWebhook(ctx context.Context, account string, address *string) error {
	if address == nil || *address == "" {
		return nil
	}
	if known, err := s.hooks().Own(ctx, account); err == nil && known != nil && webhook.ShowURL(known.URL) == *address {
		return nil // given back as it was shown
	}
	return about(s.hooks().Check(ctx, *address), "webhook")
}

// setWebhook has an account's events posted to an address, or to none. It returns the
// secret if there was no webhook before. The caller has been found to see the account.
func (s *Server) setWebhook(ctx context.Context, account string, address *string, since time.Time) (secret string, err error) {
	if address == nil {
		return "", nil
	}
	secret, err = s.hooks().SetOwn(ctx, account, *address, since)
	return secret, about(err, "webhook")
}

// hooks is who posts events.
func (s *Server) hooks() Webhooks {
	if s.config.Webhooks == nil {
		return noWebhooks{}
	}
	return s.config.Webhooks
}

// noWebhooks is where nothing is posted: no account has an endpoint, and no route is
// asked for one.
type noWebhooks struct{ Webhooks }

func (noWebhooks) Own(context.Context, string) (*persist.Webhook, error) { return nil, nil }

func (noWebhooks) Check(context.Context, string) error {
	return actors.Refuse(actors.CodeForbidden, "this server posts no webhooks")
}
