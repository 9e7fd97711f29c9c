package simulator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// Errors of calls.
var (
	ErrUnknownCall = errors.New("no such call, or it is over")
	ErrBadCall     = errors.New("a call is accepted, rejected or terminated")
)

// ReceivedCall is what a phone was told about a call.
type ReceivedCall struct {
	Seq    int64  `json:"seq"`
	ID     string `json:"id"`
	From   string `json:"from"` // who did it, as number@s.whatsapp.net, with :device for companions
	Action string `json:"action" enum:"offer,offer_notice,accept,reject,terminate"`
	Reason string `json:"reason,omitempty"` // of a terminate
	Group  string `json:"group,omitempty"`
	Video  bool   `json:"video,omitempty"` // of an offer
}

// maxCalls is how many calls' actions a phone remembers; at the bound the oldest quarter is dropped.
const maxCalls = 1000

// CallOptions are what a call is besides a spoken one between two.
type CallOptions struct {
	Video bool
	// Group makes it the notice of a group's call: the JID of the group.
	Group string
}

// Call rings at all devices of a number, JID or LID, and returns the call's id. It rings until somebody ends it.
func (p *Phone) Call(_ context.Context, to string, options CallOptions) (id string, err error) {
	if !p.Online() {
		return "", ErrPhoneOffline
	}
	callee, err := p.sim.resolve(to)
	if err != nil {
		return "", err
	}
	k := &call{id: strings.ToUpper(randomHex(16)), caller: p.account, callee: callee, video: options.Video}
	if options.Group != "" {
		if k.group, err = types.ParseJID(options.Group); err != nil || k.group.Server != types.GroupServer {
			return "", fmt.Errorf("%w: group %q is no group", ErrBadCall, options.Group)
		}
	}
	p.sim.startCall(p.endpoint(), k)
	return k.id, nil
}

// AcceptCall takes a call; the account's companions hear that it was accepted elsewhere.
func (p *Phone) AcceptCall(_ context.Context, id string) error {
	return p.sim.actOnCall(p.endpoint(), id, "accept", "")
}

// RejectCall refuses a call; the account's companions hear that it was rejected elsewhere.
func (p *Phone) RejectCall(_ context.Context, id string) error {
	return p.sim.actOnCall(p.endpoint(), id, "reject", "")
}

// EndCall hangs up, for a reason such as "timeout" that the others are told.
func (p *Phone) EndCall(_ context.Context, id, reason string) error {
	return p.sim.actOnCall(p.endpoint(), id, "terminate", reason)
}

// receiveCall keeps what the phone is told about a call.
func (p *Phone) receiveCall(node *waBinary.Node) {
	action := node.GetChildren()[0]
	_, video := action.GetOptionalChildByTag("video")
	p.calls.add(func(seq int64) ReceivedCall {
		return ReceivedCall{
			Seq: seq, ID: attr(&action, "call-id"), From: p.pnOf(attrJID(node, "from")).String(), Action: action.Tag,
			Reason: attr(&action, "reason"), Group: attrJID(&action, "group-jid").String(),
			Video: video || attr(&action, "media") == "video",
		}
	})
}

// Calls returns what the phone was told about calls after the given sequence number.
func (p *Phone) Calls(after int64) []ReceivedCall {
	entries, _ := p.calls.after(after)
	return entries
}

// WaitCalls returns what the phone was told about calls after the given sequence number as soon as there is something.
func (p *Phone) WaitCalls(ctx context.Context, after int64) ([]ReceivedCall, error) {
	return p.calls.wait(ctx, after)
}
