package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor"
)

func (s *Server) outboxRoutes() {
	tags := []string{"outbox"}
	route(s, huma.Operation{
		OperationID: "listOutbox", Method: http.MethodGet, Path: "/api/outbox/{accountNumber}", Tags: tags,
		Summary: "List what was accepted and is still to be sent, in the order of acceptance",
	}, s.listOutbox)
	route(s, huma.Operation{
		OperationID: "getDelivery", Method: http.MethodGet, Path: "/api/outbox/{accountNumber}/{id}", Tags: tags,
		Summary: "Tell what has become of a message, reaction, edit or deletion that was accepted",
	}, s.getDelivery)
	route(s, huma.Operation{
		OperationID: "cancelSend", Method: http.MethodDelete, Path: "/api/outbox/{accountNumber}/{id}", Tags: tags,
		Summary: "Cancel a message that has not left yet",
	}, s.cancelSend)
	route(s, huma.Operation{
		OperationID: "cancelSends", Method: http.MethodDelete, Path: "/api/outbox/{accountNumber}", Tags: tags,
		Summary: "Cancel all messages that have not left yet",
	}, s.cancelSends)
}

// SendOptions are how a message is brought to WhatsApp. It is exported because Huma
// overlooks what is embedded otherwise.
type SendOptions struct {
	ID        string     `json:"id,omitempty" pattern:"^[0-9A-F]{16,32}$" patternDescription:"16 to 32 of 0-9 and A-F" doc:"the message's own id, which no message of the chat may have; where not given, one is made up" example:"3EB0A9253FA64269E11C9D"`
	Lane      string     `json:"lane,omitempty" enum:"interactive,bulk" doc:"what is interactive, as everything is unless said otherwise, goes before bulk"`
	SendAt    *time.Time `json:"sendAt,omitempty" doc:"when it is due, within a year; it is answered at acceptance"`
	ExpiresIn int        `json:"expiresIn,omitempty" minimum:"1" maximum:"2592000" doc:"seconds for which it is worth sending from when it is due; a day where not given"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"the same as a time; not together with expiresIn"`
	Hold      bool       `json:"hold,omitempty" doc:"where its outcome is unknown, it is left so until it expires, instead of being sent again under the same id"`
}

func (o SendOptions) delivery() actors.Delivery {
	delivery := actors.Delivery{Lane: o.Lane, ExpiresIn: time.Duration(o.ExpiresIn) * time.Second, Hold: o.Hold}
	if o.SendAt != nil {
		delivery.SendAt = *o.SendAt
	}
	if o.ExpiresAt != nil {
		delivery.ExpiresAt = *o.ExpiresAt
	}
	return delivery
}

// delivery is what has become of a message that was accepted.
type delivery struct {
	ClientID   string     `json:"clientId" doc:"the accountNumber"`
	ID         string     `json:"id"`
	ChatID     string     `json:"chatId"`
	Status     string     `json:"status" enum:"queued,sending,sent,delivered,read,played,failed,expired,cancelled,unknown" doc:"sending, unknown: it may have left"`
	StatusAt   *time.Time `json:"statusAt,omitempty"`
	Reason     string     `json:"reason,omitempty" doc:"error code of what failed"`
	Lane       string     `json:"lane,omitempty" enum:"interactive,bulk"`
	AcceptedAt *time.Time `json:"acceptedAt,omitempty"`
	SendAt     *time.Time `json:"sendAt,omitempty"`
	ExpiresAt  *time.Time `json:"expiresAt,omitempty"`
	Hold       bool       `json:"hold"`
	Attempts   int64      `json:"attempts"`
}

func showDelivery(account number, d supervisor.Delivery) delivery {
	shown := delivery{ClientID: string(account), ID: d.ID, ChatID: d.Chat, Status: d.Status, Reason: d.Error}
	switch {
	case d.Item != nil:
		shown.Lane = d.Item.Lane
		if shown.Lane == "" {
			shown.Lane = actors.LaneInteractive
		}
		shown.AcceptedAt, shown.SendAt, shown.ExpiresAt = showTime(d.Item.AcceptedAt), showTime(d.Item.SendAt), showTime(d.Item.ExpiresAt)
		shown.Hold, shown.Attempts = d.Item.Hold, d.Item.Attempts
	case d.Result != nil:
		shown.StatusAt = showTime(d.Result.StatusAt)
	case d.Message != nil:
		shown.StatusAt = showTime(d.Message.StatusAt)
	}
	return shown
}

type outboxInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Limit         int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many at most"`
	PageInput
}

type deliveryList struct {
	Messages   []delivery `json:"messages"`
	Pagination pagination `json:"pagination"`
}

func (s *Server) listOutbox(ctx context.Context, input *outboxInput) (*reply[deliveryList], error) {
	page, err := input.page(input.Limit)
	if err != nil {
		return nil, err
	}
	found, next, err := s.accounts.Outbox(ctx, string(input.AccountNumber), page)
	if err != nil {
		return nil, err
	}
	shown := deliveryList{make([]delivery, len(found)), showPage(page, next)}
	for i, d := range found {
		shown.Messages[i] = showDelivery(input.AccountNumber, d)
	}
	return &reply[deliveryList]{succeed(shown)}, nil
}

type deliveryInput struct {
	AccountNumber number    `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ID            messageID `path:"id" maxLength:"2048" doc:"the id that the send was answered with"`
}

func (s *Server) getDelivery(ctx context.Context, input *deliveryInput) (*reply[delivery], error) {
	found, err := s.accounts.Delivery(ctx, string(input.AccountNumber), string(input.ID))
	if err != nil {
		return nil, err
	}
	return &reply[delivery]{succeed(showDelivery(input.AccountNumber, found))}, nil
}

func (s *Server) cancelSend(ctx context.Context, input *deliveryInput) (*reply[delivery], error) {
	sent, err := s.accounts.Cancel(ctx, string(input.AccountNumber), string(input.ID))
	if err != nil {
		return nil, err
	}
	return &reply[delivery]{succeed(delivery{
		ClientID: string(input.AccountNumber), ID: sent.MessageID, ChatID: sent.ChatID, Status: sent.Status,
	})}, nil
}

type cancelInput struct {
	AccountNumber number  `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Lane          string  `query:"lane" enum:"interactive,bulk" doc:"only of this lane"`
	Chat          anyChat `query:"chat" doc:"only to this person or group" example:"1234567890@c.us"`
}

type cancelledSends struct {
	ClientID  string `json:"clientId" doc:"the accountNumber"`
	Cancelled int    `json:"cancelled"`
	Kept      int    `json:"kept" doc:"how many may have left already"`
}

func (s *Server) cancelSends(ctx context.Context, input *cancelInput) (*reply[cancelledSends], error) {
	done, err := s.accounts.CancelAll(ctx, string(input.AccountNumber), actors.CancelAll{Lane: input.Lane, Chat: string(input.Chat)})
	if err != nil {
		return nil, err
	}
	return &reply[cancelledSends]{succeed(cancelledSends{string(input.AccountNumber), done.Cancelled, done.Kept})}, nil
}
