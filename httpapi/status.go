package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Server) statusRoutes() {
	route(s, huma.Operation{
		OperationID: "listStatuses", Method: http.MethodGet, Path: "/api/status/{accountNumber}", Tags: []string{"status"},
		Summary: "List what people have shown everybody within the last day, newest first",
	}, s.listStatuses)
}

type statusesInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Limit         int    `query:"limit" minimum:"1" maximum:"200" default:"20"`
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
