package actors

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"whatsapp-web-server/persist"
)

// The phone tells its history in parts. An announced part is stored before the
// announcement is acknowledged; then parts are taken in one after the other, those of
// all accounts a few at a time, and the phone is told when all of a part is stored.
// Messages of the past are told as no events, only how far it has come.

// historyDue says that a part of the history waits to be taken in.
type historyDue struct{}

// replayed is how the ids of parts begin whose announcement came on an earlier
// connection, so that its own is not known.
const replayed = "replayed/"

const (
	// historyAttempts is how often a part is tried that cannot be had or read, and
	// historyPause how long after the first time; then twice as long, and so on.
	historyAttempts = 5
	historyPause    = 2 * time.Second
	// maxForgotten is more parts than a phone announces.
	maxForgotten = 4096
)

// announced stores that a part of the history is to be had.
func (l *link) announced(id types.MessageID, notice *waE2E.HistorySyncNotification) error {
	raw, err := proto.Marshal(notice)
	if err != nil {
		return err
	}
	err = l.inbound.ledger.record(l.ctx, func(u *unit) error {
		_, found, err := lookup(l.ctx, u, persist.HistoryParts, id)
		if found || err != nil {
			return err
		}
		u.Put(persist.HistoryParts.Put(persist.HistoryPart{
			MessageID: id, Seq: u.at.UnixNano(), Notification: raw, ReceivedAt: u.at,
		}))
		return nil
	})
	l.tell(linkEvent{l.number, historyDue{}})
	return err
}

// forgetHistory drops what a phone had announced to an earlier device.
func forgetHistory(ctx context.Context, from persist.Scanner, u *unit, paired time.Time) error {
	parts, err := persist.HistoryParts.Scan(ctx, from, persist.Query{Scope: u.scope, Limit: maxForgotten})
	for _, part := range parts {
		if part.ReceivedAt.Before(paired) {
			u.Put(persist.HistoryParts.Remove(part.MessageID))
		}
	}
	return err
}

// takeHistory takes in the parts of the history that wait. While some are being
// taken in others may be announced: one job more is enough to see them.
func (a *Account) takeHistory() {
	l := a.link
	if l == nil || !l.client.IsLoggedIn() {
		return // connected comes
	}
	err := Do(a.ingesting, func(context.Context) (time.Time, error) { return l.takeHistory(a.putOff) },
		func(next time.Time, err error) {
			switch {
			case a.link != nil && a.link != l: // whose own job may have found no place
				a.takeHistory()
			case err != nil: // as where a message cannot be stored
				l.giveUp(fmt.Errorf("take in history: %w", err))
			case !next.IsZero():
				a.self.After(time.Until(next), a.takeHistory)
			}
		})
	if err != nil && !errors.Is(err, ErrBusy) {
		a.must(err)
	}
}

// takeHistory takes in part after part, and returns when the next is to be tried that
// is put off. It blocks.
func (l *link) takeHistory(putOff map[string]time.Time) (next time.Time, err error) {
	for {
		part, found, err := l.nextPart(putOff)
		if err != nil || !found {
			return soonest(putOff), err
		}
		delete(putOff, part.MessageID)
		broken, err := l.takePart(part)
		if err == nil && broken != nil {
			var pause time.Duration
			if pause, err = l.retry(part, *broken); pause > 0 {
				putOff[part.MessageID] = time.Now().Add(pause)
			}
		}
		if err != nil {
			return time.Time{}, err
		}
	}
}

func soonest(times map[string]time.Time) (first time.Time) {
	for _, t := range times {
		first = earlier(first, t)
	}
	return first
}

// nextPart is the first that was announced and is not put off.
func (l *link) nextPart(putOff map[string]time.Time) (persist.HistoryPart, bool, error) {
	parts, err := persist.HistoryParts.Scan(l.ctx, l.inbound.ledger.journal, persist.Query{
		Scope: l.inbound.people.scope, Index: "by_order", Limit: len(putOff) + 1,
	})
	for _, part := range parts {
		if time.Now().After(putOff[part.MessageID]) {
			return part, true, err
		}
	}
	return persist.HistoryPart{}, false, err
}

// takePart takes in a part. What is broken is the part alone; an error is one of
// storage, or of the connection.
func (l *link) takePart(part persist.HistoryPart) (*blobError, error) {
	notice := &waE2E.HistorySyncNotification{}
	var err error
	panicked := recovered("history", func() {
		if err = proto.Unmarshal(part.Notification, notice); err != nil {
			err = blobError{err, true}
			return
		}
		err = l.admitPart(part, notice)
	})
	if panicked != nil {
		l.log.Error("history", zap.Error(panicked), zap.ByteString("stack", panicked.Stack))
		err = blobError{panicked, true}
	}
	if errors.Is(err, persist.ErrPoisoned) && l.inbound.ledger.journal.Err() == nil {
		err = blobError{err, true} // no storage would take it
	}
	if broken, isBroken := errors.AsType[blobError](err); isBroken && !l.ended() {
		return &broken, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, l.finish(part, notice)
}

// admitPart takes a part in once the node has room for it, and tells the phone.
func (l *link) admitPart(part persist.HistoryPart, notice *waE2E.HistorySyncNotification) error {
	release, err := l.budget.admit(l.ctx, int64(min(notice.GetFileLength(), maxHistoryBlob)))
	if err != nil {
		return err
	}
	defer release()
	packed, err := l.fetch(notice)
	if err != nil {
		return err
	}
	if err := l.learn(packed, part); err != nil {
		return err
	}
	work := &intake{link: l, part: part}
	if err := work.chats(packed); err != nil {
		return err
	}
	if err := l.inbound.ledger.journal.Flush(l.ctx); err != nil {
		return err
	}
	if strings.HasPrefix(part.MessageID, replayed) {
		return nil
	}
	return l.client.SendProtocolMessageReceipt(l.ctx, part.MessageID, types.ReceiptTypeHistorySync)
}

// retry tells after what pause a broken part is tried again. Zero means never: it was
// given up.
func (l *link) retry(part persist.HistoryPart, broken blobError) (time.Duration, error) {
	attempts := part.Attempts + 1
	if broken.final || attempts >= historyAttempts {
		l.log.Warn("a part of the history was given up", zap.Int64("attempts", attempts), zap.Error(broken))
		notice := &waE2E.HistorySyncNotification{}
		if err := proto.Unmarshal(part.Notification, notice); err != nil {
			notice = &waE2E.HistorySyncNotification{} // it is as good as none
		}
		return 0, l.finish(part, notice)
	}
	l.log.Info("a part of the history is tried again", zap.Int64("attempts", attempts), zap.Error(broken))
	err := l.inbound.ledger.record(l.ctx, func(u *unit) error {
		there, found, err := lookup(l.ctx, u, persist.HistoryParts, part.MessageID)
		if err == nil && found {
			there.Attempts = attempts
			u.Put(persist.HistoryParts.Put(there))
		}
		return err
	})
	return historyPause << (attempts - 1), err
}

// finish forgets a part and tells how far the history has come: that it is complete
// when the last of its parts was taken in and no other is left.
func (l *link) finish(part persist.HistoryPart, notice *waE2E.HistorySyncNotification) error {
	err := l.inbound.ledger.record(l.ctx, func(u *unit) error {
		u.Put(persist.HistoryParts.Remove(part.MessageID))
		others, err := persist.HistoryParts.Scan(l.ctx, l.inbound.ledger.journal, persist.Query{Scope: u.scope, Limit: 2})
		if err != nil {
			return err
		}
		left := false
		for _, other := range others {
			left = left || other.MessageID != part.MessageID
		}
		return l.complete(u, notice, left)
	})
	if err != nil {
		return fmt.Errorf("finish a part of the history: %w", err)
	}
	l.publish(EventSyncProgress, SyncProgressEvent{
		ClientID: l.inbound.account, Source: "history", Kind: notice.GetSyncType().String(),
		Percent: int(notice.GetProgress()), RequestID: notice.GetPeerDataRequestSessionID(),
	})
	return nil
}

// complete tells that the history is, unless parts of it are left.
func (l *link) complete(u *unit, notice *waE2E.HistorySyncNotification, left bool) error {
	_, last, err := lookup(l.ctx, u, persist.Counters, persist.CountHistoryLast)
	if err != nil || !last && !isLast(notice) {
		return err
	}
	if left {
		u.Put(persist.Counters.Put(persist.Counter{Name: persist.CountHistoryLast, Value: 1}))
		return nil
	}
	total, _, err := lookup(l.ctx, u, persist.Counters, persist.CountHistory)
	if err != nil {
		return err
	}
	u.Put(persist.Counters.Remove(persist.CountHistoryLast), persist.Counters.Remove(persist.CountHistory))
	u.tell(EventSyncComplete, SyncCompleteEvent{
		ClientID: l.inbound.account, Source: "history", Kind: notice.GetSyncType().String(),
		Items: int(total.Value), RequestID: notice.GetPeerDataRequestSessionID(),
	})
	return nil
}

// isLast tells the last part of its kind. Names, statuses and the like come between
// the others and end nothing.
func isLast(notice *waE2E.HistorySyncNotification) bool {
	switch notice.GetSyncType() {
	case waE2E.HistorySyncType_INITIAL_BOOTSTRAP, waE2E.HistorySyncType_RECENT, waE2E.HistorySyncType_FULL, waE2E.HistorySyncType_ON_DEMAND:
		return notice.GetProgress() >= 100
	default:
		return false
	}
}
