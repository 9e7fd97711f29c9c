package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
	"whatsapp-web-server/supervisor"
)

func (s *Server) historyRoutes() {
	route(s, huma.Operation{
		OperationID: "searchMessages", Method: http.MethodGet, Path: "/api/messages/{accountNumber}/search", Tags: []string{"messages"},
		Summary: "Search the texts and captions of all chats, or of one, newest first",
	}, s.searchMessages)
	route(s, huma.Operation{
		OperationID: "listMessages", Method: http.MethodGet, Path: "/api/messages/{accountNumber}/{chatId}", Tags: []string{"messages"},
		Summary: "List the messages of a chat, newest first",
	}, s.listMessages)
	route(s, huma.Operation{
		OperationID: "getMessage", Method: http.MethodGet, Path: "/api/messages/{accountNumber}/{chatId}/{id}", Tags: []string{"messages"},
		Summary: "Tell of one message and what became of it",
	}, s.getMessage)
	performs[messageInput, actors.Done](s, huma.Operation{
		OperationID: "deleteMessageForMe", Method: http.MethodDelete, Path: "/api/messages/{accountNumber}/{chatId}/{id}", Tags: []string{"messages"},
		Summary: "Delete a message on the account's devices",
	}, func(i *messageInput) (number, actors.Request) {
		return i.AccountNumber, actors.DeleteMessage{Chat: string(i.ChatID), MessageID: string(i.ID)}
	})
}

type messagesInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ChatID        chat   `path:"chatId" doc:"person or group" example:"1234567890@c.us"`
	Limit         int    `query:"limit" minimum:"1" maximum:"200" default:"20" doc:"how many at most"`
	Before        string `query:"before" maxLength:"1024" doc:"only messages before the one with this id"`
	PageInput
}

type messageList struct {
	Messages   []message  `json:"messages"`
	Pagination pagination `json:"pagination"`
}

// message is a message as lists show it.
type message struct {
	ClientID  string               `json:"clientId" doc:"the accountNumber"`
	ID        string               `json:"id" doc:"unique in its chat"`
	ChatID    string               `json:"chatId"`
	From      string               `json:"from" doc:"the author"`
	FromMe    bool                 `json:"fromMe"`
	Sender    person               `json:"sender"`
	Type      string               `json:"type" doc:"text, image, video, audio, voice, document, sticker, location, contacts, poll, choice, interactive, group-invite, event or unknown"`
	Body      string               `json:"body" doc:"text or caption; empty where it was deleted for everyone"`
	Media     *actors.MessageMedia `json:"media,omitempty"`
	Quote     *messageQuote        `json:"quote,omitempty" doc:"what it answers, in the words of whoever answers"`
	Status    string               `json:"status" enum:"queued,sending,sent,delivered,read,played,failed,expired,cancelled,unknown,received"`
	StatusAt  *time.Time           `json:"statusAt,omitempty"`
	Error     string               `json:"error,omitempty" doc:"error code of what failed"`
	Timestamp *time.Time           `json:"timestamp"`
	EditedAt  *time.Time           `json:"editedAt,omitempty"`
	RevokedAt *time.Time           `json:"revokedAt,omitempty" doc:"when it was deleted for everyone"`
	Reactions []reaction           `json:"reactions" doc:"the first 256"`
	Receipts  []receiptState       `json:"receipts" doc:"of own messages, one for each recipient that has said something; the first 256"`
	Mentions  []person             `json:"mentions,omitempty"`
	Votes     []vote               `json:"votes,omitempty" doc:"in a poll, the first 256"`
	Starred   bool                 `json:"starred,omitempty"`
	Labels    []actors.Label       `json:"labels,omitempty"`
	ViewOnce  bool                 `json:"viewOnce,omitempty" doc:"a phone shows it once; what it holds is not given to devices like this one"`
	ExpiresAt *time.Time           `json:"expiresAt,omitempty" doc:"when it disappears"`
	actors.Details
}

type vote struct {
	From      string     `json:"from"`
	Sender    person     `json:"sender"`
	Options   []string   `json:"options"`
	Timestamp *time.Time `json:"timestamp"`
}

type messageQuote struct {
	ID     string `json:"id"`
	From   string `json:"from,omitempty"`
	Sender person `json:"sender"`
	Type   string `json:"type"`
	Body   string `json:"body"`
}

type reaction struct {
	Emoji     string     `json:"emoji"`
	From      string     `json:"from"`
	Sender    person     `json:"sender"`
	Timestamp *time.Time `json:"timestamp"`
}

type receiptState struct {
	Recipient   person     `json:"recipient"`
	DeliveredAt *time.Time `json:"deliveredAt,omitempty"`
	ReadAt      *time.Time `json:"readAt,omitempty"`
	PlayedAt    *time.Time `json:"playedAt,omitempty"`
}

func (s *Server) listMessages(ctx context.Context, input *messagesInput) (*reply[messageList], error) {
	if input.Before != "" && input.Cursor != "" {
		return nil, refuseField("cursor", "cursor: not together with before")
	}
	page, err := input.page(input.Limit)
	if err != nil {
		return nil, err
	}
	list, err := s.accounts.Messages(ctx, string(input.AccountNumber), string(input.ChatID), input.Before, page)
	if err != nil {
		return nil, err
	}
	shown := showMessages(input.AccountNumber, list, page)
	shown.Pagination.Total = &list.Total
	return &reply[messageList]{succeed(shown)}, nil
}

type searchInput struct {
	AccountNumber number  `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	Q             string  `query:"q" required:"true" minLength:"1" maxLength:"200" doc:"beginnings of words, all of which must be there; case and accents don't matter" example:"invoice jan"`
	Chat          anyChat `query:"chat" doc:"only in this chat" example:"1234567890@c.us"`
	Limit         int     `query:"limit" minimum:"1" maximum:"200" default:"20" doc:"how many at most"`
	PageInput
}

func (s *Server) searchMessages(ctx context.Context, input *searchInput) (*reply[messageList], error) {
	page, err := input.page(input.Limit)
	if err != nil {
		return nil, err
	}
	list, err := s.accounts.Search(ctx, string(input.AccountNumber), input.Q, string(input.Chat), page)
	if err != nil {
		return nil, err
	}
	return &reply[messageList]{succeed(showMessages(input.AccountNumber, list, page))}, nil
}

type messageInput struct {
	AccountNumber number    `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ChatID        chat      `path:"chatId" doc:"person or group" example:"1234567890@c.us"`
	ID            messageID `path:"id" maxLength:"2048" doc:"the message's id"`
}

func (s *Server) getMessage(ctx context.Context, input *messageInput) (*reply[message], error) {
	found, err := s.accounts.Message(ctx, string(input.AccountNumber), string(input.ChatID), string(input.ID))
	if err != nil {
		return nil, err
	}
	return &reply[message]{succeed(showMessage(input.AccountNumber, found))}, nil
}

// showMessages shows a page, without a total.
func showMessages(account number, list supervisor.MessageList, page supervisor.Page) messageList {
	shown := messageList{make([]message, len(list.Messages)), showPage(page, list.Next)}
	for i, m := range list.Messages {
		shown.Messages[i] = showMessage(account, m)
	}
	return shown
}

func showMessage(account number, m supervisor.Message) message {
	return message{
		ClientID: string(account), ID: m.ID, ChatID: m.Chat,
		From: m.Sender.Address(), FromMe: m.Record.FromMe, Sender: showPerson(m.Sender),
		Type: m.Record.Type, Body: m.Body, Media: actors.DescribeMedia(m.Media), Quote: showQuote(m.Quote),
		Status: m.Record.Status, StatusAt: showTime(m.Record.StatusAt), Error: m.Record.Error,
		Timestamp: showTime(m.Record.Timestamp), EditedAt: showTime(m.Record.EditedAt), RevokedAt: showTime(m.Record.RevokedAt),
		Reactions: showReactions(m.Reactions), Receipts: showReceipts(m.Receipts),
		Mentions: showPeople(m.Mentions), Votes: showVotes(m.Votes), Starred: m.Record.Starred, Labels: m.Labels, ViewOnce: m.Record.ViewOnce,
		ExpiresAt: showTime(m.Record.ExpiresAt), Details: m.Details,
	}
}

func showPeople(known []actors.Person) []person {
	var shown []person
	for _, p := range known {
		shown = append(shown, showPerson(p))
	}
	return shown
}

func showVotes(known []supervisor.Vote) []vote {
	var shown []vote
	for _, v := range known {
		shown = append(shown, vote{v.Voter.Address(), showPerson(v.Voter), v.Options, showTime(v.Timestamp)})
	}
	return shown
}

func showQuote(q *supervisor.Quote) *messageQuote {
	if q == nil {
		return nil
	}
	return &messageQuote{ID: q.ID, From: q.Sender.Address(), Sender: showPerson(q.Sender), Type: q.Type, Body: q.Body}
}

func showReactions(known []supervisor.Reaction) []reaction {
	shown := make([]reaction, len(known))
	for i, r := range known {
		shown[i] = reaction{r.Record.Emoji, r.Sender.Address(), showPerson(r.Sender), showTime(r.Record.Timestamp)}
	}
	return shown
}

func showReceipts(known []supervisor.Receipt) []receiptState {
	shown := make([]receiptState, len(known))
	for i, r := range known {
		at := r.Record
		shown[i] = receiptState{showPerson(r.Recipient), showTime(at.DeliveredAt), showTime(at.ReadAt), showTime(at.PlayedAt)}
	}
	return shown
}
