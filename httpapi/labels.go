package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

// labelOperation is an operation below the labels of an account.
func labelOperation(id, method, path, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: "/api/labels/{accountNumber}" + path, Tags: []string{"labels"}, Summary: summary,
	}
}

func (s *Server) labelRoutes() {
	route(s, labelOperation("listLabels", http.MethodGet, "", "List the labels that chats and messages may have"), s.listLabels)
	create := labelOperation("createLabel", http.MethodPost, "", "Make a label")
	create.DefaultStatus = http.StatusCreated
	performs[createLabelInput, actors.Label](s, create, (*createLabelInput).request)
	performs[editLabelInput, actors.Label](s, labelOperation("editLabel", http.MethodPut, "/{labelId}", "Give a label another name or color"),
		(*editLabelInput).request)
	performs[LabelInput, actors.Done](s, labelOperation("deleteLabel", http.MethodDelete, "/{labelId}", "Delete a label, which takes it off everything"),
		func(i *LabelInput) (number, actors.Request) {
			return i.AccountNumber, actors.DeleteLabel{ID: string(i.LabelID)}
		})
	route(s, labelOperation("listLabelItems", http.MethodGet, "/{labelId}/items", "List the chats and messages that have a label"), s.listLabelItems)
	for method, on := range map[string]bool{http.MethodPut: true, http.MethodDelete: false} {
		s.assignRoutes(method, on)
	}
}

// assignRoutes are how a label is put on something, or taken off.
func (s *Server) assignRoutes(method string, on bool) {
	prefix, does := "unlabel", "Take a label off a "
	if on {
		prefix, does = "label", "Put a label on a "
	}
	performs[labelChatInput, actors.Done](s, labelOperation(prefix+"Chat", method, "/{labelId}/chats/{chatId}", does+"chat"),
		func(i *labelChatInput) (number, actors.Request) {
			return i.AccountNumber, actors.AssignLabel{ID: string(i.LabelID), Chat: string(i.ChatID), On: on}
		})
	performs[labelMessageInput, actors.Done](s, labelOperation(prefix+"Message", method, "/{labelId}/chats/{chatId}/messages/{id}", does+"message"),
		func(i *labelMessageInput) (number, actors.Request) {
			return i.AccountNumber, actors.AssignLabel{ID: string(i.LabelID), Chat: string(i.ChatID), MessageID: string(i.ID), On: on}
		})
}

// labelID is the id of a label, encoded until Huma has resolved it.
type labelID string

// Resolve decodes the id.
func (l *labelID) Resolve(_ huma.Context, at *huma.PathBuffer) []error {
	text, err := decoded(string(*l), at)
	if err != nil || text == "" {
		return wrongAt(at, "expected the id of a label")
	}
	*l = labelID(text)
	return nil
}

// LabelInput is the input of what asks for nothing but a label.
type LabelInput struct {
	AccountNumber number  `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	LabelID       labelID `path:"labelId" maxLength:"64" doc:"the label's id" example:"1"`
}

type createLabelInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Body          struct {
		Name  string `json:"name" minLength:"1" maxLength:"100" example:"Paid"`
		Color int    `json:"color,omitempty" minimum:"0" maximum:"19" doc:"a number of WhatsApp's palette, 0 where not given"`
	}
}

func (i *createLabelInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.CreateLabel(i.Body)
}

type editLabelInput struct {
	LabelInput

	Body struct {
		Name  *string `json:"name,omitempty" minLength:"1" maxLength:"100"`
		Color *int    `json:"color,omitempty" minimum:"0" maximum:"19" doc:"a number of WhatsApp's palette"`
	}
}

func (i *editLabelInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.EditLabel{ID: string(i.LabelID), Name: i.Body.Name, Color: i.Body.Color}
}

type labelChatInput struct {
	LabelInput

	ChatID chat `path:"chatId" doc:"person or group" example:"1234567890@c.us"`
}

type labelMessageInput struct {
	LabelInput

	ChatID chat      `path:"chatId" doc:"person or group" example:"1234567890@c.us"`
	ID     messageID `path:"id" maxLength:"2048" doc:"the message's id"`
}

type labelList struct {
	Labels []actors.Label `json:"labels"`
}

func (s *Server) listLabels(ctx context.Context, input *clientInput) (*reply[labelList], error) {
	labels, err := s.accounts.Labels(ctx, string(input.AccountNumber))
	if err != nil {
		return nil, err
	}
	return &reply[labelList]{succeed(labelList{labels})}, nil
}

type labelItemsInput struct {
	LabelInput

	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many at most"`
	PageInput
}

type labelItemList struct {
	Items      []labelItem `json:"items"`
	Pagination pagination  `json:"pagination"`
}

// labelItem is something that has a label.
type labelItem struct {
	ChatID     string     `json:"chatId"`
	Name       *string    `json:"name" doc:"of the chat"`
	MessageID  *string    `json:"messageId" doc:"null where it is the chat that has the label"`
	Message    *message   `json:"message,omitempty" doc:"where the account has it"`
	AssignedAt *time.Time `json:"assignedAt"`
}

func (s *Server) listLabelItems(ctx context.Context, input *labelItemsInput) (*reply[labelItemList], error) {
	page, err := input.page(input.Limit)
	if err != nil {
		return nil, err
	}
	items, next, err := s.accounts.LabelItems(ctx, string(input.AccountNumber), string(input.LabelID), page)
	if err != nil {
		return nil, err
	}
	shown := labelItemList{make([]labelItem, len(items)), showPage(page, next)}
	for i, item := range items {
		shown.Items[i] = labelItem{ChatID: item.Chat, Name: orNull(item.Name), MessageID: orNull(item.MessageID), AssignedAt: showTime(item.AssignedAt)}
		if item.Message != nil {
			found := showMessage(input.AccountNumber, *item.Message)
			shown.Items[i].Message = &found
		}
	}
	return &reply[labelItemList]{succeed(shown)}, nil
}
