package simulator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// groupNamed is the group that a recipient's name is the JID of.
func groupNamed(to string) (group types.JID, ok bool) {
	if !strings.HasSuffix(to, "@"+types.GroupServer) {
		return types.JID{}, false
	}
	group, err := types.ParseJID(to)
	return group, err == nil
}

// sendToGroup sends a message to all members of a group that the phone may write into.
func (p *Phone) sendToGroup(group types.JID, message *waE2E.Message) (id string, err error) {
	p.sim.mu.Lock()
	err = p.sim.mayWriteLocked(p.account, group, outsideOf(message).kind == "reaction")
	p.sim.mu.Unlock()
	if err != nil {
		return "", err
	}
	if p.sim.announces(group) {
		if message, err = p.sealed(message); err != nil {
			return "", err
		}
	}
	return p.sendToAll(sentMessage{id: newMessageID(), chat: group, message: message}, nil)
}

// PostStatus posts a text as status for the given readers, each a number, JID or LID, and returns its id. The account's
// own companions get it too.
func (p *Phone) PostStatus(_ context.Context, text string, readers ...string) (id string, err error) {
	return p.postStatus(&waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String(text)}}, readers)
}

// PostFile is PostStatus for an image, a video or a voice note.
func (p *Phone) PostFile(ctx context.Context, content DraftContent, readers ...string) (id string, err error) {
	message, err := p.Write(ctx, Draft{To: types.StatusBroadcastJID.String(), DraftContent: content})
	if err != nil {
		return "", err
	}
	return p.postStatus(message, readers)
}

func (p *Phone) postStatus(message *waE2E.Message, readers []string) (id string, err error) {
	jids, err := p.sim.resolveAll(readers)
	if err != nil {
		return "", fmt.Errorf("readers: %w", err)
	}
	if !p.Online() {
		return "", ErrPhoneOffline
	}
	return p.sendToAll(sentMessage{id: newMessageID(), chat: types.StatusBroadcastJID, message: message}, jids)
}

// sendToAll encrypts a message once for a chat of many, with the phone's key for whoever lacks it, and hands it to the
// relay. The readers are those of a status.
func (p *Phone) sendToAll(out sentMessage, readers []types.JID) (id string, err error) {
	p.ratchets.Lock()
	defer p.ratchets.Unlock()
	var list []waBinary.Node
	for _, jid := range readers {
		list = append(list, element("to", waBinary.Attrs{"jid": jid}))
	}
	shown := outsideOf(out.message)
	node := element("message", waBinary.Attrs{"id": out.id, "to": out.chat}, element("participants", nil, list...))
	shown.markMessage(node.Attrs)
	keys, err := p.distributeLocked(out.chat, p.sim.audience(p.endpoint(), &node))
	if err != nil {
		return "", err
	}
	enc, err := p.encryptForAllLocked(out.chat, out.message)
	if err != nil {
		return "", err
	}
	shown.markEnc(enc)
	node.Content = append(shown.children(), element("participants", nil, keys...), enc)
	p.sent.put(out.id, out)
	p.sim.transcript.wrote(p, out)
	p.log(out) // before there can be an answer
	p.sim.fanOut(p.endpoint(), &node)
	return out.id, nil
}

// ErrUnknownMessage is the answer about a message that a phone has not got, or has forgotten.
var ErrUnknownMessage = errors.New("the phone has no such message")

// sendGroupReceipts tells each author about those of the messages that are theirs.
func (p *Phone) sendGroupReceipts(group types.JID, kind types.ReceiptType, ids []string) error {
	byAuthor, known := map[string][]string{}, 0
	for _, m := range p.Messages(0) {
		if m.Chat == group.String() && slices.Contains(ids, m.ID) {
			byAuthor[m.From] = append(byAuthor[m.From], m.ID)
			known++
		}
	}
	if known < len(ids) {
		return fmt.Errorf("%s in %s: %w", ids, group, ErrUnknownMessage)
	}
	for from, theirs := range byAuthor {
		author, err := p.sim.resolve(from)
		if err != nil {
			return err
		}
		p.sendReceipt(waBinary.Attrs{"to": group, "participant": author.lid}, kind, theirs)
	}
	return nil
}
