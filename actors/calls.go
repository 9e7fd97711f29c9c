package actors

import (
	"context"
	"crypto/sha256"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"go.uber.org/zap"
)

// CallEvent tells what becomes of a call to the account, or of one that its owner
// makes on the phone.
type CallEvent struct {
	ClientID string  `json:"clientId"`
	CallID   string  `json:"callId"`
	State    string  `json:"state" enum:"offer,accepted,rejected,ended"`
	From     string  `json:"from" doc:"who calls"`
	Caller   Person  `json:"caller"`
	By       *Person `json:"by,omitempty" doc:"who accepted, rejected or ended it"`
	Video    bool    `json:"video,omitempty" doc:"of an offer"`
	GroupID  string  `json:"groupId,omitempty"`
	Reason   string  `json:"reason,omitempty" doc:"why it ended, as WhatsApp says it"`

	Timestamp int64 `json:"timestamp" doc:"Unix seconds"`
}

// RejectCall turns a caller away; the reply is [Done]. WhatsApp does not tell
// whether the call was there any more.
type RejectCall struct{ From, CallID string }

func (r RejectCall) perform(ctx context.Context, l *link) (any, error) {
	jid, ok := ParseChat(r.From)
	if !ok || jid.Server == types.GroupServer || jid.Server == types.NewsletterServer {
		return nil, wrongField("from", "not the address of a person")
	}
	caller, err := l.composition().present(ctx, jid)
	if err != nil {
		return nil, err
	}
	return Done{}, changed(l.client.RejectCall(ctx, caller, r.CallID))
}

// call is what whatsmeow says of a call; false where it is of no concern.
func (in *inbound) call(event any) (told CallEvent, of types.BasicCallMeta, about bool) {
	switch e := event.(type) {
	case *events.CallOffer:
		_, video := e.Data.GetOptionalChildByTag("video")
		return CallEvent{State: "offer", Video: video}, e.BasicCallMeta, true
	case *events.CallOfferNotice:
		return CallEvent{State: "offer", Video: e.Media == "video"}, e.BasicCallMeta, true
	case *events.CallAccept:
		return CallEvent{State: "accepted"}, e.BasicCallMeta, true
	case *events.CallReject:
		return CallEvent{State: "rejected"}, e.BasicCallMeta, true
	case *events.CallTerminate:
		return CallEvent{State: "ended", Reason: e.Reason}, e.BasicCallMeta, true
	default:
		return told, of, false
	}
}

// ring stores and tells what becomes of a call, and has the actor hear of an offer.
func (l *link) ring(told CallEvent, of types.BasicCallMeta) error {
	caller := of.CallCreator
	if of.CallCreatorAlt.Server == types.DefaultUserServer {
		caller = of.CallCreatorAlt
	}
	err := l.inbound.ledger.record(l.ctx, func(u *unit) (err error) {
		if told.Caller, err = l.inbound.people.person(l.ctx, u, caller, ""); err != nil {
			return err
		}
		if told.State != "offer" {
			by, err := l.inbound.people.person(l.ctx, u, of.From, "")
			if err != nil {
				return err
			}
			told.By = &by
		}
		told.ClientID, told.CallID, told.From = l.inbound.account, of.CallID, address(told.Caller, caller)
		told.GroupID, told.Timestamp = FormatChat(of.GroupJID), of.Timestamp.Unix()
		_, err = l.inbound.tellNews(l.ctx, u, EventCall, told)
		return err
	})
	if err == nil && told.State == "offer" {
		l.tell(linkEvent{l.number, offered{told.From, of.CallID, of.Timestamp}})
	}
	return err
}

// offered says that somebody calls.
type offered struct {
	from, id string
	at       time.Time
}

// ringing is how long a call is taken to ring: one that is told later is over.
const ringing = time.Minute

// answerCall turns a caller away where the account's settings say so.
func (a *Account) answerCall(call offered) {
	if !a.record.RejectCalls || time.Since(call.at) > ringing {
		return
	}
	a.meanwhile(RejectCall{call.from, call.id})
	if a.record.RejectText == "" {
		return
	}
	command := &Command{ctx: a.self.Context(), replies: make(chan reply, 1)}
	a.send(command, Send{
		To: call.from, Draft: Text{a.record.RejectText}, Principal: "calls", Key: call.id,
		RequestHash: sha256.Sum256([]byte(call.id)), // one for each call, though its offer comes again
	})
}

// meanwhile carries out what nobody has asked for and nobody waits for.
func (a *Account) meanwhile(request Request) {
	l := a.link
	err := Do(a.queries, func(context.Context) (any, error) { return l.perform(request) }, func(_ any, err error) {
		if err != nil && !l.ended() {
			a.log.Info("what the settings ask for failed", zap.Error(err))
		}
	})
	if err != nil {
		a.log.Info("what the settings ask for was not done", zap.Error(err))
	}
}
