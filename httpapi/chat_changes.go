package httpapi

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"whatsapp-web-server/actors"
)

// ChatInput is the input of what asks for nothing but a chat of an account.
type ChatInput struct {
	AccountNumber number `path:"accountNumber" doc:"phone number of the account" example:"31612345678"`
	ChatID        chat   `path:"chatId" doc:"person or group" example:"1234567890@c.us"`
}

// chatOperation is an operation on a chat of an account.
func chatOperation(id, method, path, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: "/api/conversations/{accountNumber}/{chatId}" + path,
		Tags: []string{"conversations"}, Summary: summary,
	}
}

func (s *Server) chatChangeRoutes() {
	performs[ChatInput, actors.ReadMessages](s, chatOperation("readChat", http.MethodPost, "/read",
		"Tell whoever wrote that the unread messages of a chat were read"),
		func(i *ChatInput) (number, actors.Request) {
			return i.AccountNumber, actors.ReadChat{Chat: string(i.ChatID)}
		})
	s.chatRoute("markChatUnread", http.MethodPost, "/unread", "Mark a chat as unread, as a reminder",
		func(chat string) actors.Request { return actors.MarkChatUnread{Chat: chat} })
	s.chatRoute("clearChat", http.MethodPost, "/clear", "Delete the messages of a chat on the account's devices",
		func(chat string) actors.Request { return actors.ClearChat{Chat: chat} })
	s.chatRoute("deleteChat", http.MethodDelete, "", "Delete a chat with its messages on the account's devices",
		func(chat string) actors.Request { return actors.DeleteChat{Chat: chat} })
	performs[switchInput, actors.Done](s, chatOperation("archiveChat", http.MethodPost, "/archive",
		"Archive a chat, or take it back"),
		func(i *switchInput) (number, actors.Request) {
			return i.AccountNumber, actors.ArchiveChat{Chat: string(i.ChatID), On: i.Body.On}
		})
	performs[switchInput, actors.Done](s, chatOperation("pinChat", http.MethodPost, "/pin", "Pin a chat, or let it go"),
		func(i *switchInput) (number, actors.Request) {
			return i.AccountNumber, actors.PinChat{Chat: string(i.ChatID), On: i.Body.On}
		})
	performs[muteInput, actors.Done](s, chatOperation("muteChat", http.MethodPost, "/mute", "Mute a chat, or end that"),
		(*muteInput).request)
	performs[starInput, actors.Done](s, chatOperation("starMessage", http.MethodPost, "/star",
		"Star a message of a chat, or end that"), (*starInput).request)
	performs[typingInput, actors.Done](s, chatOperation("showTyping", http.MethodPost, "/typing",
		"Show the other side that the account is writing or recording"), (*typingInput).request)
}

// chatRoute declares an operation that is told nothing but the chat.
func (s *Server) chatRoute(id, method, path, summary string, request func(chat string) actors.Request) {
	performs[ChatInput, actors.Done](s, chatOperation(id, method, path, summary), func(i *ChatInput) (number, actors.Request) {
		return i.AccountNumber, request(string(i.ChatID))
	})
}

type switchInput struct {
	ChatInput

	Body struct {
		On bool `json:"on" doc:"false ends it"`
	}
}

type muteInput struct {
	ChatInput

	Body struct {
		On    bool       `json:"on" doc:"false ends it"`
		Until *time.Time `json:"until,omitempty" doc:"for ever where not given"`
	}
}

func (i *muteInput) request() (number, actors.Request) {
	wanted := actors.MuteChat{Chat: string(i.ChatID), On: i.Body.On}
	if i.Body.Until != nil {
		wanted.Until = *i.Body.Until
	}
	return i.AccountNumber, wanted
}

type starInput struct {
	ChatInput

	Body struct {
		MessageID string `json:"messageId" minLength:"1" maxLength:"2048"`
		On        bool   `json:"on" doc:"false ends it"`
	}
}

func (i *starInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.StarMessage{Chat: string(i.ChatID), MessageID: i.Body.MessageID, On: i.Body.On}
}

type typingInput struct {
	ChatInput

	Body struct {
		State string `json:"state" enum:"composing,recording,paused" doc:"WhatsApp shows it for about 25 seconds"`
	}
}

func (i *typingInput) request() (number, actors.Request) {
	return i.AccountNumber, actors.ShowTyping{Chat: string(i.ChatID), State: i.Body.State}
}
