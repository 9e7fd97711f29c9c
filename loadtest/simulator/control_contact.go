package simulator

import (
	"fmt"
	"net/http"

	"go.mau.fi/whatsmeow/types"
)

type presenceBody struct {
	Available *bool `json:"available"`
}

func controlPresence(p *Phone, r *http.Request, body presenceBody) (none, error) {
	if body.Available == nil {
		return none{}, badField("available", "missing")
	}
	p.SetPresence(r.Context(), *body.Available)
	return none{}, nil
}

type typingBody struct {
	Chat  string `json:"chat" doc:"a number, a JID, a LID or a group"`
	State string `json:"state" enum:"composing,recording,paused"`
}

func controlTyping(p *Phone, r *http.Request, body typingBody) (none, error) {
	return none{}, p.SetTyping(r.Context(), body.Chat, body.State)
}

func controlTypingSeen(p *Phone, r *http.Request, _ none) ([]ReceivedTyping, error) {
	return poll(r, p.typing)
}

type whoBody struct {
	Who string `json:"who" doc:"a number, a JID or a LID"`
}

func controlBlock(p *Phone, r *http.Request, body whoBody) (none, error) {
	return none{}, p.Block(r.Context(), body.Who)
}

func controlUnblock(p *Phone, r *http.Request, body whoBody) (none, error) {
	return none{}, p.Unblock(r.Context(), body.Who)
}

type privacyBody struct {
	Setting string `json:"setting" enum:"groupadd,last,status,profile,readreceipts,online,calladd,messages,defense,stickers"`
	Value   string `json:"value"`
}

func controlPrivacy(p *Phone, r *http.Request, body privacyBody) (none, error) {
	return none{}, p.SetPrivacy(r.Context(), types.PrivacySettingType(body.Setting), types.PrivacySetting(body.Value))
}

type callBody struct {
	To    string `json:"to" doc:"a number, a JID or a LID"`
	Video bool   `json:"video,omitempty"`
	Group string `json:"group,omitempty" doc:"makes it the notice of this group's call"`
}

func controlCall(p *Phone, r *http.Request, body callBody) (v idView, err error) {
	id, err := p.Call(r.Context(), body.To, CallOptions{Video: body.Video, Group: body.Group})
	if err != nil {
		return v, fmt.Errorf("call: %w", err)
	}
	return idView{id}, nil
}

type callActionBody struct {
	Action string `json:"action" enum:"accept,reject,terminate"`
	Reason string `json:"reason,omitempty" doc:"of a terminate"`
}

func controlCallAction(p *Phone, r *http.Request, body callActionBody) (none, error) {
	return none{}, p.sim.actOnCall(p.endpoint(), r.PathValue("id"), body.Action, body.Reason)
}

func controlCalls(p *Phone, r *http.Request, _ none) ([]ReceivedCall, error) { return poll(r, p.calls) }
