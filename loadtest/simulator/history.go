package simulator

import (
	"bytes"
	"compress/zlib"
	"fmt"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"google.golang.org/protobuf/proto"
)

// introduce sends a newly linked companion what a real phone sends it: the app-state key and the first history. With
// that the companion also has a session with its phone.
func (p *Phone) introduce(to endpoint) {
	if err := p.sendIntroduction(to); err != nil {
		p.sim.notef(p.Number(), "introduce companion %d: %v", to.number, err)
	}
}

func (p *Phone) sendIntroduction(to endpoint) error {
	if err := p.publishName(); err != nil {
		return fmt.Errorf("push name: %w", err)
	}
	if err := p.sendPeer(to, p.keyShare()); err != nil {
		return fmt.Errorf("key share: %w", err)
	}
	bootstrap := &waHistorySync.HistorySync{
		SyncType:   waHistorySync.HistorySync_INITIAL_BOOTSTRAP.Enum(),
		ChunkOrder: proto.Uint32(1), Progress: proto.Uint32(100),
	}
	if err := p.sendHistory(to, waE2E.HistorySyncType_INITIAL_BOOTSTRAP, bootstrap); err != nil {
		return fmt.Errorf("initial history: %w", err)
	}
	names := &waHistorySync.HistorySync{
		SyncType:  waHistorySync.HistorySync_PUSH_NAME.Enum(),
		Pushnames: []*waHistorySync.Pushname{{ID: proto.String(p.account.pn.String()), Pushname: proto.String(p.account.name)}},
	}
	if err := p.sendHistory(to, waE2E.HistorySyncType_PUSH_NAME, names); err != nil {
		return fmt.Errorf("push names: %w", err)
	}
	return nil
}

// sendHistory sends a chunk of history inside the notice itself, as phones do with small ones.
func (p *Phone) sendHistory(to endpoint, kind waE2E.HistorySyncType, chunk *waHistorySync.HistorySync) error {
	raw, err := proto.Marshal(chunk)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	if _, err := w.Write(raw); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return p.sendPeer(to, &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_HISTORY_SYNC_NOTIFICATION.Enum(),
		HistorySyncNotification: &waE2E.HistorySyncNotification{
			SyncType: kind.Enum(), ChunkOrder: chunk.ChunkOrder, Progress: chunk.Progress,
			InitialHistBootstrapInlinePayload: packed.Bytes(),
		},
	})
}

// sendPeer sends a protocol message to one own companion.
func (p *Phone) sendPeer(to endpoint, message *waE2E.ProtocolMessage) error {
	out := sentMessage{id: newMessageID(), message: &waE2E.Message{ProtocolMessage: message}}
	p.ratchets.Lock()
	defer p.ratchets.Unlock()
	enc, err := p.encryptLocked(to, out.message)
	if err != nil {
		return err
	}
	p.sent.put(out.id, out)
	node := element("message", waBinary.Attrs{"id": out.id, "to": to.pn(), "type": "text", "category": "peer"}, enc)
	p.sim.fanOut(p.endpoint(), &node)
	return nil
}
