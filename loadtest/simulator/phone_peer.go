package simulator

import (
	"go.mau.fi/whatsmeow/proto/waE2E"
)

// answerPeer does what a companion asks its phone for.
func (p *Phone) answerPeer(from endpoint, id string, message *waE2E.Message) {
	if from.account != p.account {
		return
	}
	answer, err := p.peerAnswer(id, message.GetProtocolMessage())
	if err == nil && answer != nil {
		err = p.sendPeer(from, answer)
	}
	if err != nil {
		p.sim.notef(p.Number(), "answer request %s of companion %d: %v", id, from.number, err)
	}
}

// peerAnswer is nil for what needs none.
func (p *Phone) peerAnswer(id string, request *waE2E.ProtocolMessage) (*waE2E.ProtocolMessage, error) {
	switch operation := request.GetPeerDataOperationRequestMessage(); {
	case request.GetAppStateSyncKeyRequest() != nil:
		share := p.keyShare(request.GetAppStateSyncKeyRequest().GetKeyIDs()...)
		if len(share.GetAppStateSyncKeyShare().GetKeys()) == 0 {
			return nil, nil //nolint:nilnil // the phone lacks them too
		}
		return share, nil
	case request.GetAppStateFatalExceptionNotification() != nil:
		p.startOver(request.GetAppStateFatalExceptionNotification().GetCollectionNames())
		return nil, nil //nolint:nilnil // whoever asked is unlinked
	case operation.GetSyncdCollectionFatalRecoveryRequest() != nil:
		return p.recovery(id, operation)
	case operation.GetHistorySyncOnDemandRequest() != nil:
		return p.olderHistory(id, operation.GetHistorySyncOnDemandRequest())
	case len(operation.GetPlaceholderMessageResendRequest()) > 0:
		return p.resend(id, operation)
	default:
		return nil, nil //nolint:nilnil // not modelled
	}
}
