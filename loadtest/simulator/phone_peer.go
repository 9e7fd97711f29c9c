package simulator

import (
	"go.mau.fi/whatsmeow/proto/waE2E"
)

// answerPeer does what a companion asks its phone for.
func (p *Phone) answerPeer(from endpoint, id string, message *waE2E.Message) {
	if from.account != p.account {
		return
	}
	request := message.GetProtocolMessage().GetAppStateSyncKeyRequest()
	share := p.keyShare(request.GetKeyIDs()...)
	if request == nil || len(share.GetAppStateSyncKeyShare().GetKeys()) == 0 {
		return
	}
	if err := p.sendPeer(from, share); err != nil {
		p.sim.notef(p.Number(), "answer request %s of companion %d: %v", id, from.number, err)
	}
}
