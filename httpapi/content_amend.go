package httpapi

import "whatsapp-web-server/actors"

type reactionContent struct {
	ID    string `json:"id" minLength:"1" maxLength:"2048" doc:"the message"`
	Emoji string `json:"emoji" maxLength:"64" doc:"empty takes the reaction back" example:"👍"`
}

func (c content) reaction() actors.Draft {
	if c.Reaction == nil {
		return nil
	}
	return actors.Reaction{MessageID: c.Reaction.ID, Emoji: c.Reaction.Emoji}
}

type editContent struct {
	ID   string `json:"id" minLength:"1" maxLength:"2048" doc:"an own message, of text or with a caption, not older than 20 minutes"`
	Text string `json:"text" minLength:"1" maxLength:"65536" doc:"the new text or caption"`
}

func (c content) edit() actors.Draft {
	if c.Edit == nil {
		return nil
	}
	return actors.Edit{MessageID: c.Edit.ID, Body: c.Edit.Text}
}

type deleteContent struct {
	ID string `json:"id" minLength:"1" maxLength:"2048" doc:"an own message, or in a group anybody's where the account is an admin"`
}

func (c content) deletion() actors.Draft {
	if c.Delete == nil {
		return nil
	}
	return actors.Deletion{MessageID: c.Delete.ID}
}

type forwardContent struct {
	ID     string `json:"id" minLength:"1" maxLength:"2048" doc:"the message to hand on; its file is not uploaded again"`
	ChatID chat   `json:"chatId" doc:"the chat that it is in"`
}

func (c content) forward() actors.Draft {
	if c.Forward == nil {
		return nil
	}
	return actors.Forward{ChatID: string(c.Forward.ChatID), MessageID: c.Forward.ID}
}
