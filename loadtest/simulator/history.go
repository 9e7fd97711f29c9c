package simulator

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
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
	if err := p.sendPeer(to, p.keyShare()); err != nil {
		return fmt.Errorf("key share: %w", err)
	}
	return p.sendFirstHistory(to)
}

// sendFirstHistory sends a companion as much of the history as it wished for when it was linked.
func (p *Phone) sendFirstHistory(to endpoint) error {
	wish, _ := p.sim.wishOf(to)
	chats := p.past.snapshot()
	h, err := p.newHistorian(chats)
	if err != nil {
		return err
	}
	for _, chunk := range planHistory(chats, wish, time.Now()) {
		if err := p.sendHistory(to, h.write(chunk), historyNotice{inline: wish.inline}); err != nil {
			return fmt.Errorf("history %s %d: %w", chunk.kind, chunk.order, err)
		}
	}
	return nil
}

// wishOf is what a companion wants of the history. It is false if the companion is not linked any more.
func (s *Simulator) wishOf(to endpoint) (historyWish, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := to.account.devices[to.number]
	if d == nil {
		return historyWish{}, false
	}
	return d.wish, true
}

// maxInlineHistory is how large a piece of history may be, in bytes and compressed, that is sent within its notice; a
// choice, as the real bound is not known.
const maxInlineHistory = 4 << 10

// historyNotice is how a companion is told of a piece of history.
type historyNotice struct {
	inline  bool   // within the notice, if it is small
	request string // the id of the message that has asked for it
}

// sendHistory sends a piece of history, unless the companion is gone that would fetch it.
func (p *Phone) sendHistory(to endpoint, piece *waHistorySync.HistorySync, how historyNotice) error {
	if _, linked := p.sim.wishOf(to); !linked {
		return ErrUnknownDevice
	}
	message, err := p.historyMessage(piece, how)
	if err != nil {
		return err
	}
	return p.sendPeer(to, message)
}

// historyMessage tells of a piece of history: a small one is inside the notice itself, others are left with the media
// servers.
func (p *Phone) historyMessage(piece *waHistorySync.HistorySync, how historyNotice) (*waE2E.ProtocolMessage, error) {
	packed, err := compressed(piece)
	if err != nil {
		return nil, err
	}
	notice := &waE2E.HistorySyncNotification{
		SyncType: waE2E.HistorySyncType(piece.GetSyncType()).Enum(), ChunkOrder: piece.ChunkOrder, Progress: piece.Progress,
		PeerDataRequestSessionID: unlessEmpty(how.request),
	}
	if how.inline && len(packed) <= maxInlineHistory {
		notice.InitialHistBootstrapInlinePayload = packed
	} else if err := p.uploadHistory(packed, notice); err != nil {
		return nil, err
	}
	return &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_HISTORY_SYNC_NOTIFICATION.Enum(), HistorySyncNotification: notice,
	}, nil
}

func (p *Phone) uploadHistory(packed []byte, notice *waE2E.HistorySyncNotification) error {
	told, err := p.Upload(background, packed, whatsmeow.MediaHistory)
	if err != nil {
		return err
	}
	notice.DirectPath, notice.MediaKey, notice.FileLength = &told.DirectPath, told.MediaKey, &told.FileLength
	notice.FileSHA256, notice.FileEncSHA256 = told.FileSHA256, told.FileEncSHA256
	return nil
}

// compressors are kept, for each takes 800 KB and most pieces of history are of a few bytes.
var compressors = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}

func compressed(piece *waHistorySync.HistorySync) ([]byte, error) {
	raw, err := proto.Marshal(piece)
	if err != nil {
		return nil, err
	}
	w, _ := compressors.Get().(*zlib.Writer)
	defer compressors.Put(w)
	var packed bytes.Buffer
	w.Reset(&packed)
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	err = w.Close()
	return packed.Bytes(), err
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
