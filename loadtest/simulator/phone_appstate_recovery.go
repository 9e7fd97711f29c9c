package simulator

import (
	"bytes"
	"compress/gzip"
	"encoding/json"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waSyncAction"
	"go.mau.fi/whatsmeow/proto/waSyncdSnapshotRecovery"
	"google.golang.org/protobuf/proto"
)

// recovery answers a companion that has given up on a collection with the phone's copy of it.
func (p *Phone) recovery(id string, request *waE2E.PeerDataOperationRequestMessage) (*waE2E.ProtocolMessage, error) {
	name := appstate.WAPatchName(request.GetSyncdCollectionFatalRecoveryRequest().GetCollectionName())
	whole, err := p.recoverySnapshot(name)
	if err != nil {
		return nil, err
	}
	return &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE.Enum(),
		PeerDataOperationRequestResponseMessage: &waE2E.PeerDataOperationRequestResponseMessage{
			PeerDataOperationRequestType: request.PeerDataOperationRequestType,
			StanzaID:                     proto.String(id),
			PeerDataOperationResult: []*waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult{{
				SyncdSnapshotFatalRecoveryResponse: &waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult_SyncDSnapshotFatalRecoveryResponse{
					CollectionSnapshot: whole, IsCompressed: proto.Bool(true),
				},
			}},
		},
	}, nil
}

// recoverySnapshot is a collection as the phone has decrypted it, packed.
func (p *Phone) recoverySnapshot(name appstate.WAPatchName) ([]byte, error) {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	if err := p.catchUpLocked(name); err != nil {
		return nil, err
	}
	c := p.state.copyLocked(name)
	whole := &waSyncdSnapshotRecovery.SyncdSnapshotRecovery{
		Version:          &waSyncdSnapshotRecovery.SyncdVersion{Version: proto.Uint64(c.Version)},
		CollectionName:   proto.String(string(name)),
		CollectionLthash: c.Hash[:],
	}
	for _, entry := range c.entries {
		index, err := json.Marshal(entry.Index)
		if err != nil {
			return nil, err
		}
		whole.MutationRecords = append(whole.MutationRecords, &waSyncdSnapshotRecovery.SyncdPlainTextRecord{
			Value: &waSyncAction.SyncActionData{Index: index, Value: entry.Action, Version: proto.Int32(entry.Version)},
			KeyID: entry.KeyID, Mac: entry.ValueMAC,
		})
	}
	raw, err := proto.Marshal(whole)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	err = w.Close()
	return packed.Bytes(), err
}

// startOver is what a phone does about collections that a companion calls broken beyond repair: it unlinks all
// companions, and writes what it knows as the first patch of a new collection.
func (p *Phone) startOver(names []string) {
	p.sim.mu.Lock()
	p.sim.unlinkAllLocked(p.account)
	p.sim.mu.Unlock()
	for _, name := range names {
		if err := p.rewrite(appstate.WAPatchName(name)); err != nil {
			p.sim.notef(p.Number(), "start %s over: %v", name, err)
		}
	}
}

func (p *Phone) rewrite(name appstate.WAPatchName) error {
	known := p.forgetCollection(name)
	if len(known) == 0 {
		return nil
	}
	change := appstate.PatchInfo{Type: name}
	for _, entry := range known {
		change.Mutations = append(change.Mutations, appstate.MutationInfo{Index: entry.Index, Version: entry.Version, Value: entry.Action})
	}
	return p.writeAppState(change)
}

// forgetCollection empties a collection, here and at the service, and returns what the phone knew of it.
func (p *Phone) forgetCollection(name appstate.WAPatchName) []appstate.Mutation {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	known := p.state.copyLocked(name).current()
	delete(p.state.collections, name)
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	delete(p.account.collections, string(name))
	return known
}
