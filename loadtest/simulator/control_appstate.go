package simulator

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// appStateBody is a change that a phone's user makes. Which fields count depends on the action.
type appStateBody struct {
	Action    string   `json:"action" enum:"archive,clearChat,contact,deleteChat,deleteForMe,label,labelChat,labelMessage,mute,pin,pushName,read,remove,rotateKey,star"`
	Chat      string   `json:"chat,omitempty" doc:"a number, a JID, a LID or a group; for contact, who it is"`
	Message   string   `json:"message,omitempty" doc:"id, for star, deleteForMe and labelMessage"`
	FromMe    bool     `json:"fromMe,omitempty" doc:"whether that message is the phone's own"`
	Label     string   `json:"label,omitempty" doc:"id"`
	Name      string   `json:"name,omitempty" doc:"for contact, label and pushName"`
	FirstName string   `json:"firstName,omitempty"`
	Color     int32    `json:"color,omitempty"`
	Seconds   int64    `json:"seconds,omitempty" doc:"how long to mute, for ever if left out"`
	Undo      bool     `json:"undo,omitempty" doc:"unpins, unmutes, marks as unread, deletes the label…"`
	Index     []string `json:"index,omitempty" doc:"for remove: the entry's index, as GET shows it"`
}

// maxMuteSeconds is about thirty years.
const maxMuteSeconds = 1_000_000_000

// appStateAction is what an action needs and does.
type appStateAction struct {
	needs string // the fields that must be there
	do    func(context.Context, *Phone, appStateBody) error
}

// appStateActions is the catalogue.
var appStateActions = map[string]appStateAction{
	"archive":    {"chat", func(ctx context.Context, p *Phone, b appStateBody) error { return p.Archive(ctx, b.Chat, !b.Undo) }},
	"clearChat":  {"chat", func(ctx context.Context, p *Phone, b appStateBody) error { return p.ClearChat(ctx, b.Chat) }},
	"deleteChat": {"chat", func(ctx context.Context, p *Phone, b appStateBody) error { return p.DeleteChat(ctx, b.Chat) }},
	"pin":        {"chat", func(ctx context.Context, p *Phone, b appStateBody) error { return p.Pin(ctx, b.Chat, !b.Undo) }},
	"read":       {"chat", func(ctx context.Context, p *Phone, b appStateBody) error { return p.MarkChatRead(ctx, b.Chat, !b.Undo) }},
	"pushName":   {"name", func(ctx context.Context, p *Phone, b appStateBody) error { return p.SetPushName(ctx, b.Name) }},
	"mute": {"chat", func(ctx context.Context, p *Phone, b appStateBody) error {
		return p.Mute(ctx, b.Chat, !b.Undo, time.Duration(b.Seconds)*time.Second)
	}},
	"contact": {"chat name", func(ctx context.Context, p *Phone, b appStateBody) error {
		return p.SetContact(ctx, b.Chat, b.Name, cmp.Or(b.FirstName, b.Name))
	}},
	"star": {"chat message", func(ctx context.Context, p *Phone, b appStateBody) error {
		return p.Star(ctx, b.Chat, b.Message, b.FromMe, !b.Undo)
	}},
	"deleteForMe": {"chat message", func(ctx context.Context, p *Phone, b appStateBody) error {
		return p.DeleteForMe(ctx, b.Chat, b.Message, b.FromMe)
	}},
	"remove": {"index", func(ctx context.Context, p *Phone, b appStateBody) error { return p.RemoveAppState(ctx, b.Index...) }},
	"rotateKey": {"", func(ctx context.Context, p *Phone, _ appStateBody) error {
		p.RotateAppStateKey(ctx)
		return nil
	}},
	"label": {"label name", func(ctx context.Context, p *Phone, b appStateBody) error {
		return p.EditLabel(ctx, b.Label, b.Name, b.Color, b.Undo)
	}},
	"labelChat": {"chat label", func(ctx context.Context, p *Phone, b appStateBody) error {
		return p.LabelChat(ctx, b.Chat, b.Label, !b.Undo)
	}},
	"labelMessage": {"chat message label", func(ctx context.Context, p *Phone, b appStateBody) error {
		return p.LabelMessage(ctx, b.Chat, b.Message, b.Label, !b.Undo)
	}},
}

func controlChangeAppState(p *Phone, r *http.Request, body appStateBody) (none, error) {
	action, known := appStateActions[body.Action]
	if !known {
		return none{}, badField("action", "want one of %s", strings.Join(slices.Sorted(maps.Keys(appStateActions)), ", "))
	}
	given := map[string]string{"chat": body.Chat, "message": body.Message, "label": body.Label, "name": body.Name, "index": strings.Join(body.Index, "")}
	for field := range strings.FieldsSeq(action.needs) {
		if given[field] == "" {
			return none{}, badField(field, "missing")
		}
	}
	if body.Seconds < 0 || body.Seconds > maxMuteSeconds {
		return none{}, badField("seconds", "want none to %d", maxMuteSeconds)
	}
	return none{}, action.do(r.Context(), p, body)
}

func controlAppState(p *Phone, _ *http.Request, _ none) ([]AppStateEntry, error) { return p.AppState() }
