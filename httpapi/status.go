package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

func (s *Server) statusRoutes() {
	route(s, huma.Operation{
		OperationID: "listStatuses", Method: http.MethodGet, Path: "/api/status/{accountNumber}", Tags: []string{"status"},
		Summary: "List what people have shown everybody within the last day, newest first",
	}, s.listStatuses)
	route(s, huma.Operation{
		OperationID: "getStatus", Method: http.MethodGet, Path: "/api/status/{accountNumber}/{id}", Tags: []string{"status"},
		Summary: "Tell of one status, and who has seen it if it is the account's",
	}, s.getStatus)
}

type statusesInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Limit         int    `query:"limit" minimum:"1" maximum:"200" default:"20" doc:"how many at most"`
	PageInput
}

func (s *Server) listStatuses(ctx context.Context, input *statusesInput) (*reply[messageList], error) {
	page, err := input.page(input.Limit)
	if err != nil {
		return nil, err
	}
	list, err := s.accounts.Statuses(ctx, string(input.AccountNumber), page)
	if err != nil {
		return nil, err
	}
	return &reply[messageList]{succeed(showMessages(input.AccountNumber, list, page))}, nil
}

type statusInput struct {
	AccountNumber number    `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ID            messageID `path:"id" maxLength:"2048" doc:"the status' id"`
}

func (s *Server) getStatus(ctx context.Context, input *statusInput) (*reply[message], error) {
	found, err := s.accounts.Message(ctx, string(input.AccountNumber), actors.StatusChat, string(input.ID))
	if err != nil {
		return nil, err
	}
	return &reply[message]{succeed(showMessage(input.AccountNumber, found))}, nil
}

type statusMediaInput struct {
	AccountNumber number    `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ID            messageID `path:"id" maxLength:"2048" doc:"the status' id"`
	RangeInput
}

func (s *Server) getStatusMedia(ctx context.Context, input *statusMediaInput) (*huma.StreamResponse, error) {
	found, err := s.accounts.Message(ctx, string(input.AccountNumber), actors.StatusChat, string(input.ID))
	if err != nil {
		return nil, err
	}
	return s.fileOf(ctx, input.AccountNumber, found, &input.RangeInput)
}
