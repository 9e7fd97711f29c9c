package actors

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waMmsRetry"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"whatsapp-web-server/persist"
)

// phonePatience is how long a phone may take to upload a file again.
const phonePatience = time.Minute

// phoneAnswers hands what a phone says of files that it was asked for to who asked.
type phoneAnswers struct {
	mu      sync.Mutex
	waiting map[types.MessageID][]chan *events.MediaRetry
}

// expect registers for the answer about a message. The channel gets at most one.
func (p *phoneAnswers) expect(id types.MessageID) (answer chan *events.MediaRetry) {
	answer = make(chan *events.MediaRetry, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		p.waiting = make(map[types.MessageID][]chan *events.MediaRetry)
	}
	p.waiting[id] = append(p.waiting[id], answer)
	return answer
}

// forget drops who waits about a message: all have the same answer, or none.
func (p *phoneAnswers) forget(id types.MessageID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
}

func (p *phoneAnswers) tell(e *events.MediaRetry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, answer := range p.waiting[e.MessageID] {
		answer <- e
	}
	delete(p.waiting, e.MessageID)
}

// restore has the phone upload a message's file again, and notes where it is now.
func (l *link) restore(ctx context.Context, message persist.Message, m *persist.Media) error {
	answer := l.answers.expect(message.ID)
	defer l.answers.forget(message.ID)
	if err := l.askPhone(ctx, message, m.MediaKey); err != nil {
		return err
	}
	patience := time.NewTimer(phonePatience)
	defer patience.Stop()
	select {
	case e := <-answer:
		path, err := restoredPath(e, m.MediaKey)
		if err != nil {
			return err
		}
		m.DirectPath = path
		return l.moved(ctx, *m)
	case <-patience.C:
		return &Error{Code: CodeMediaNotFound, Message: "WhatsApp no longer has the file, and the phone does not answer"}
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *link) askPhone(ctx context.Context, message persist.Message, key []byte) error {
	chat, err := types.ParseJID(message.Chat)
	if err != nil {
		return err
	}
	sender, err := types.ParseJID(message.Sender)
	if err != nil {
		return err
	}
	return l.client.SendMediaRetryReceipt(ctx, &types.MessageInfo{ID: message.ID, MessageSource: types.MessageSource{
		Chat: chat, Sender: sender, IsFromMe: message.FromMe, IsGroup: chat.Server == types.GroupServer,
	}}, key)
}

// restoredPath reads a phone's answer.
func restoredPath(e *events.MediaRetry, key []byte) (string, error) {
	answer, err := whatsmeow.DecryptMediaRetryNotification(e, key)
	if err == nil && (answer.GetResult() != waMmsRetry.MediaRetryNotification_SUCCESS || answer.GetDirectPath() == "") {
		err = errors.New(answer.GetResult().String())
	}
	if err != nil {
		return "", &Error{Code: CodeMediaNotFound, Message: "neither WhatsApp nor the phone has the file any more", Cause: err}
	}
	return answer.GetDirectPath(), nil
}

// moved notes a file's new place, unless its message has gone meanwhile.
func (l *link) moved(ctx context.Context, m persist.Media) error {
	_, err := l.inbound.ledger.write(ctx, func(u *unit) error {
		_, err := persist.MediaData.Get(ctx, u, l.inbound.people.scope, m.Chat, m.Sender, m.MessageID)
		if errors.Is(err, persist.ErrNotFound) {
			return nil
		}
		if err == nil {
			u.Put(persist.MediaData.Put(m))
		}
		return err
	})
	return err
}
