package simulator

import (
	"fmt"
	"slices"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// askedPerRequest is how many older messages a companion gets that does not say how many it wants: as many as whatsmeow
// recommends to ask for.
const askedPerRequest = 50

// latestInSeconds tells times in seconds from those in milliseconds: whatsmeow asks by the former, Baileys by the latter.
const latestInSeconds = 1 << 40

// olderHistory is the messages of a chat before one that a companion has. It fails if the phone has no such chat, of
// which the companion hears nothing: so it is told of real phones.
func (p *Phone) olderHistory(id string, asked *waE2E.PeerDataOperationRequestMessage_HistorySyncOnDemandRequest) (*waE2E.ProtocolMessage, error) {
	jid, err := types.ParseJID(asked.GetChatJID())
	if err != nil {
		return nil, fmt.Errorf("chat of history: %w", err)
	}
	chat, ok := p.past.chat(p.sim.shownAs(jid))
	if !ok {
		return nil, fmt.Errorf("history of %s: %w", jid, ErrUnknownMessage)
	}
	to := chat.before(asked)
	count := int(asked.GetOnDemandMsgCount())
	if count <= 0 {
		count = askedPerRequest
	}
	s := stretch{chat: &chat, from: max(to-min(count, chunkMessages), 0), to: to}
	h, err := p.newHistorian([]pastChat{chat})
	if err != nil {
		return nil, err
	}
	piece := h.write(historyChunk{kind: waHistorySync.HistorySync_ON_DEMAND, order: 1, progress: 100, stretches: []stretch{s}})
	if s.from > 0 {
		c := piece.GetConversations()[0]
		c.EndOfHistoryTransfer = proto.Bool(true)
		c.EndOfHistoryTransferType = waHistorySync.Conversation_COMPLETE_ON_DEMAND_SYNC_BUT_MORE_MSG_REMAIN_ON_PRIMARY.Enum()
	}
	return p.historyMessage(piece, historyNotice{inline: asked.GetSupportInlineResponse(), request: id})
}

// before is the index of the message that a companion knows as its oldest, or else where its time belongs.
func (c *pastChat) before(asked *waE2E.PeerDataOperationRequestMessage_HistorySyncOnDemandRequest) int {
	known := func(m pastMessage) bool { return m.id == asked.GetOldestMsgID() }
	if at := slices.IndexFunc(c.messages, known); at >= 0 {
		return at
	}
	at := asked.GetOldestMsgTimestampMS()
	if at > latestInSeconds {
		at /= 1000
	}
	return c.since(at)
}

// resend hands a companion the messages that it was not able to read. What was to be seen once, or is unknown, is missing
// from the answer.
func (p *Phone) resend(id string, asked *waE2E.PeerDataOperationRequestMessage) (*waE2E.ProtocolMessage, error) {
	answer := &waE2E.PeerDataOperationRequestResponseMessage{
		PeerDataOperationRequestType: asked.PeerDataOperationRequestType, StanzaID: proto.String(id),
	}
	for _, request := range asked.GetPlaceholderMessageResendRequest() {
		result := &waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult{}
		raw, err := p.resendOne(request.GetMessageKey())
		if err != nil {
			p.sim.notef(p.Number(), "resend message %s: %v", request.GetMessageKey().GetID(), err)
		} else {
			result.PlaceholderMessageResendResponse = &waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult_PlaceholderMessageResendResponse{
				WebMessageInfoBytes: raw,
			}
		}
		answer.PeerDataOperationResult = append(answer.PeerDataOperationResult, result)
	}
	return &waE2E.ProtocolMessage{
		Type:                                    waE2E.ProtocolMessage_PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE.Enum(),
		PeerDataOperationRequestResponseMessage: answer,
	}, nil
}

// resendOne is a message as its chat shows it, under the name by which the companion has asked for it.
func (p *Phone) resendOne(key *waCommon.MessageKey) ([]byte, error) {
	jid, err := types.ParseJID(key.GetRemoteJID())
	if err != nil {
		return nil, err
	}
	chat, _ := p.past.chat(p.sim.shownAs(jid))
	m := chat.find(key.GetID())
	if m == nil || viewedOnce(decoded(m.content)) {
		return nil, ErrUnknownMessage
	}
	h := historian{phone: p, names: p.namesIn([]pastChat{{messages: []pastMessage{*m}}})}
	return proto.Marshal(h.webMessage(jid, *m))
}
