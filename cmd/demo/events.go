package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// maxFrame bounds what the server may send at once; messages have up to 65,536
// characters.
const maxFrame = 1 << 20

// event is a frame of the WebSocket.
type event struct {
	Event string          `json:"event"`
	Time  time.Time       `json:"time"`
	Data  json.RawMessage `json:"data"`
	facts `json:"-"`
}

// facts are what the demo reads out of the data of any event.
type facts struct {
	ClientID string `json:"clientId"`
	QR       string `json:"qr"`
	Info     person `json:"info"`

	State    string `json:"state"`
	Previous string `json:"previous"`
	Reason   string `json:"reason"`

	Message message `json:"message"`

	ID     string `json:"id"` // of the message whose status it is
	ChatID string `json:"chatId"`
	Status string `json:"status"`
}

type message struct {
	Body   string `json:"body"`
	ChatID string `json:"chatId"`
	FromMe bool   `json:"fromMe"`
	Sender person `json:"sender"`
}

type person struct {
	Number string `json:"number"`
	Name   string `json:"name"`
}

// events is a subscription to everything that happens to any account.
type events struct {
	socket *websocket.Conn
	screen *screen
}

func subscribe(ctx context.Context, url string, screen *screen) (*events, error) {
	socket, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, fmt.Errorf("subscribe to events: %w", err)
	}
	socket.SetReadLimit(maxFrame)
	return &events{socket, screen}, nil
}

// next waits for an event and prints it. When ctx ends, so does the subscription.
func (e *events) next(ctx context.Context) (event, error) {
	var next event
	if err := wsjson.Read(ctx, e.socket, &next); err != nil {
		return event{}, fmt.Errorf("read events: %w", err)
	}
	if err := json.Unmarshal(next.Data, &next.facts); err != nil {
		return event{}, fmt.Errorf("read %s event: %w", next.Event, err)
	}
	e.screen.event(next)
	return next, nil
}

// expectation is an event that is to come, in words and in code.
type expectation struct {
	what string
	is   func(event) bool
}

// expect reads on until everything that is expected has come, in any order, and
// returns the events in the order of the expectations.
func (e *events) expect(ctx context.Context, expected ...expectation) ([]event, error) {
	found := make([]event, len(expected))
	for missing := len(expected); missing > 0; {
		next, err := e.next(ctx)
		if err != nil {
			return nil, fmt.Errorf("wait for %s: %w", expected[slices.IndexFunc(found, event.isNone)].what, err)
		}
		for i, wanted := range expected {
			if found[i].isNone() && wanted.is(next) {
				found[i] = next
				missing--
			}
		}
	}
	return found, nil
}

func (e event) isNone() bool { return e.Event == "" }

func (e *events) close() { _ = e.socket.CloseNow() }
