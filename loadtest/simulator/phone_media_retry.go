package simulator

import (
	"crypto/rand"
	"errors"
	"fmt"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waMmsRetry"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"go.mau.fi/whatsmeow/util/hkdfutil"
	"google.golang.org/protobuf/proto"
)

// mediaNotFound is the error by which a phone tells that it has no longer what a companion misses.
const mediaNotFound = 2

// answerMediaRetry uploads a file again that a companion could not download, and tells it where it lies now.
func (p *Phone) answerMediaRetry(receipt *waBinary.Node) {
	from, ok := p.sender(receipt)
	rmr, hasRMR := receipt.GetOptionalChildByTag("rmr")
	if !ok || !hasRMR || from.account != p.account {
		return
	}
	answer, err := p.uploadAgain(receipt)
	if err != nil {
		p.sim.notef(p.Number(), "media of message %s: %v", attr(receipt, "id"), err)
		answer = element("error", waBinary.Attrs{"code": mediaNotFound})
	}
	p.sim.deliver(from, element("notification", waBinary.Attrs{
		"from": p.account.pn, "type": "mediaretry", "id": attr(receipt, "id"), "t": now(),
	}, rmr, answer))
}

// uploadAgain answers a request that is encrypted with the key of the media itself.
func (p *Phone) uploadAgain(receipt *waBinary.Node) (answer waBinary.Node, err error) {
	id := attr(receipt, "id")
	known, err := p.known(id)
	if err != nil {
		return answer, err
	}
	told, _ := fileIn(innermost(known.message))
	if told == nil {
		return answer, ErrNoMedia
	}
	key := hkdfutil.SHA256(told.GetMediaKey(), nil, []byte("WhatsApp Media Retry Notification"), 32)
	request, err := gcmutil.Decrypt(key, contentAt(receipt, "encrypt", "enc_iv"), contentAt(receipt, "encrypt", "enc_p"), []byte(id))
	if err != nil {
		return answer, fmt.Errorf("decrypt request: %w", err)
	}
	var asked waMmsRetry.ServerErrorReceipt
	if err := proto.Unmarshal(request, &asked); err != nil || asked.GetStanzaID() != id {
		return answer, errors.New("the request is about another message")
	}
	path, err := p.sim.media.putAgain(told.GetDirectPath())
	if err != nil {
		return answer, err
	}
	return sealRetry(key, id, path)
}

func sealRetry(key []byte, id, path string) (waBinary.Node, error) {
	plaintext, err := proto.Marshal(&waMmsRetry.MediaRetryNotification{
		StanzaID: proto.String(id), DirectPath: proto.String(path),
		Result: waMmsRetry.MediaRetryNotification_SUCCESS.Enum(),
	})
	if err != nil {
		return waBinary.Node{}, err
	}
	iv := make([]byte, 12)
	_, _ = rand.Read(iv) // never fails
	ciphertext, err := gcmutil.Encrypt(key, iv, plaintext, []byte(id))
	if err != nil {
		return waBinary.Node{}, fmt.Errorf("encrypt answer: %w", err)
	}
	return element("encrypt", nil, leaf("enc_p", ciphertext), leaf("enc_iv", iv)), nil
}

// receiptMediaRetry is a companion's request to its own phone for media that the servers have no longer.
const receiptMediaRetry = types.ReceiptType("server-error")
