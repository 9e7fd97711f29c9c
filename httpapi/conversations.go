package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor"
)

func (s *Server) conversationRoutes() {
	tags := []string{"conversations"}
	const summary = "List an account's chats, newest activity first"
	route(s, huma.Operation{
		OperationID: "listConversations", Method: http.MethodGet, Path: "/api/conversations/{accountNumber}", Tags: tags,
		Summary: summary,
	}, func(ctx context.Context, input *conversationsInput) (*reply[conversationList], error) {
		return s.listConversations(ctx, input.AccountNumber, input.Limit, input.PageInput)
	})
	route(s, huma.Operation{
		OperationID: "listConversationsOf", Method: http.MethodGet, Path: "/api/conversations", Tags: tags,
		Summary: summary,
	}, func(ctx context.Context, input *conversationsOfInput) (*reply[conversationList], error) {
		return s.listConversations(ctx, input.AccountNumber, input.Limit, input.PageInput)
	})
	route(s, huma.Operation{
		OperationID: "getConversation", Method: http.MethodGet, Path: "/api/conversations/{accountNumber}/{chatId}", Tags: tags,
		Summary: "Tell of one chat and who takes part in it",
	}, s.getConversation)
	performs[historyInput, actors.RequestedHistory](s, huma.Operation{
		OperationID: "requestHistory", Method: http.MethodPost, Path: "/api/conversations/{accountNumber}/{chatId}/history", Tags: tags,
		Summary: "Ask the phone for older messages of a chat; they are stored when it sends them", DefaultStatus: http.StatusAccepted,
	}, (*historyInput).request)
}

type historyInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ChatID        chat   `path:"chatId" doc:"person or group" example:"1234567890@c.us"`
	Body          struct {
		Count  int    `json:"count,omitempty" minimum:"1" maximum:"1000" default:"50" doc:"how many messages at most; phones may send fewer"`
		Before string `json:"before,omitempty" maxLength:"1024" doc:"id of the message before which; the oldest that is stored if left out"`
	}
}

func (i *historyInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.RequestHistory{Chat: string(i.ChatID), Count: i.Body.Count, Before: i.Body.Before}
}

type conversationsInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Limit         int    `query:"limit" minimum:"1" maximum:"200" default:"20" doc:"how many at most"`
	PageInput
}

type conversationsOfInput struct {
	AccountNumber number `query:"accountNumber" required:"true" doc:"phone number of the account" example:"31612345678"`
	Limit         int    `query:"limit" minimum:"1" maximum:"200" default:"20" doc:"how many at most"`
	PageInput
}

type conversationList struct {
	Conversations []conversation `json:"conversations"`
	Pagination    pagination     `json:"pagination"`
}

// conversation is a chat as lists show it.
type conversation struct {
	ClientID     string       `json:"clientId" doc:"the accountNumber"`
	ChatID       string       `json:"chatId" doc:"number@c.us where the number is known, else …@lid; …@g.us for a group"`
	Name         *string      `json:"name" doc:"the group's subject, or the best known name of the person"`
	IsGroup      bool         `json:"isGroup"`
	Person       *person      `json:"person,omitempty" doc:"who the chat is with; not for a group"`
	UnreadCount  int64        `json:"unreadCount"`
	LastActivity *time.Time   `json:"lastActivity" doc:"when the last message was sent"`
	LastMessage  *lastMessage `json:"lastMessage" doc:"null where there is none"`
	Pinned       bool         `json:"pinned"`
	Archived     bool         `json:"archived"`
	MutedUntil   *time.Time   `json:"mutedUntil"`
	MarkedUnread bool         `json:"markedUnread" doc:"by the account's owner, as a reminder"`

	Labels []actors.Label `json:"labels,omitempty"`

	// What is told where one chat is asked for.
	Description  *string       `json:"description,omitempty" doc:"what a group says of itself"`
	Participants []participant `json:"participants,omitempty" doc:"members of the group, or the person; only where one chat is asked for"`
	MessageCount *int          `json:"messageCount,omitempty" doc:"only where one chat is asked for"`
}

// TransformSchema says that a chat may be without a last message: Huma has no tag for what
// is an object or null.
func (conversation) TransformSchema(_ huma.Registry, schema *huma.Schema) *huma.Schema {
	last := schema.Properties["lastMessage"]
	schema.Properties["lastMessage"] = &huma.Schema{
		Type: huma.TypeObject, Nullable: true, Description: last.Description,
		AnyOf: []*huma.Schema{{Ref: last.Ref}, {Type: "null"}},
	}
	return schema
}

type participant struct {
	ID     string  `json:"id"`
	Number *string `json:"number" doc:"phone number in digits"`
	LID    *string `json:"lid" doc:"hidden id"`
	Name   *string `json:"name" doc:"best known name"`
	Role   string  `json:"role" enum:"member,admin,superadmin"`
}

// lastMessage is the preview of a chat's newest message.
type lastMessage struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	Body      string     `json:"body" doc:"the first 120 characters"`
	From      string     `json:"from" doc:"the author"`
	FromMe    bool       `json:"fromMe"`
	Sender    person     `json:"sender"`
	Status    string     `json:"status,omitempty"`
	Timestamp *time.Time `json:"timestamp"`
	RevokedAt *time.Time `json:"revokedAt,omitempty" doc:"when it was deleted for everyone"`
}

func (s *Server) listConversations(ctx context.Context, account number, limit int, at PageInput) (*reply[conversationList], error) {
	page, err := at.page(limit)
	if err != nil {
		return nil, err
	}
	list, err := s.accounts.Conversations(ctx, string(account), page)
	if err != nil {
		return nil, err
	}
	shown := conversationList{make([]conversation, len(list.Conversations)), showPage(page, list.Next)}
	shown.Pagination.Total = &list.Total
	for i, c := range list.Conversations {
		shown.Conversations[i] = showConversation(account, c)
	}
	return &reply[conversationList]{succeed(shown)}, nil
}

func showConversation(account number, c supervisor.Conversation) conversation {
	shown := conversation{
		ClientID: string(account), ChatID: c.ID, IsGroup: c.Group,
		Name:         orNull(cmp.Or(c.Record.Name, c.Person.Name)),
		UnreadCount:  c.Record.Unread,
		LastActivity: showTime(c.Record.LastMessageAt),
		LastMessage:  showLast(c),
		Pinned:       c.Setting.Pinned, Archived: c.Setting.Archived, MutedUntil: showTime(c.Setting.MutedUntil),
		MarkedUnread: c.Setting.MarkedUnread, Labels: c.Labels,
	}
	if !c.Group {
		with := showPerson(c.Person)
		shown.Person = &with
	}
	return shown
}

func showLast(c supervisor.Conversation) *lastMessage {
	if c.Last == nil {
		return nil
	}
	record := c.Last.Record
	return &lastMessage{
		ID: c.Last.ID, Type: record.Type, Body: c.Record.Preview,
		From: c.Last.Sender.Address(), FromMe: record.FromMe, Sender: showPerson(c.Last.Sender),
		Status: record.Status, Timestamp: showTime(record.Timestamp), RevokedAt: showTime(record.RevokedAt),
	}
}

// chatInput is the input of what asks for nothing but a chat.
type chatInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ChatID        chat   `path:"chatId" doc:"person or group" example:"1234567890@c.us"`
}

func (s *Server) getConversation(ctx context.Context, input *chatInput) (*reply[conversation], error) {
	detail, err := s.accounts.Conversation(ctx, string(input.AccountNumber), string(input.ChatID))
	if err != nil {
		return nil, err
	}
	shown := showConversation(input.AccountNumber, detail.Conversation)
	shown.Description, shown.MessageCount = orNull(detail.Record.Description), &detail.Messages
	for _, p := range detail.Participants {
		shown.Participants = append(shown.Participants, showParticipant(p))
	}
	return &reply[conversation]{succeed(shown)}, nil
}

func showParticipant(p supervisor.Participant) participant {
	return participant{
		ID: p.Person.Address(), Number: orNull(p.Person.Number), LID: orNull(p.Person.LID), Name: orNull(p.Person.Name), Role: p.Role,
	}
}
