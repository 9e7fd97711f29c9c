package simulator

import (
	"crypto/sha256"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// saying is what a companion has said in a chat.
type saying [sha256.Size]byte

// gotMessage is a message as it has come last.
type gotMessage struct {
	from    endpoint
	message *waE2E.Message
}

// compareLocked tells the referee if a companion has said something twice under two ids, or two things under one. What
// phones send is what a test made them send; of a message to others, the own companion's copy is theirs to compare.
func (p *Phone) compareLocked(from endpoint, chat types.JID, id string, message *waE2E.Message) {
	if from.number == 0 || from.account == p.account {
		return
	}
	before, known := p.got.get(id)
	if known && before.from == from && !sameContent(before.message, message) {
		p.sim.referee.violated(ChangedMessages, from, p, id)
	}
	if what, ok := sayingOf(from, chat, message); ok {
		earlier, said := p.said.get(what)
		if said && earlier != id {
			p.sim.referee.violated(RepeatedMessages, from, p, earlier, id)
		}
		p.said.put(what, id)
	}
}

// sayingOf sums up the words of a message, or the secret of one without: nobody draws the same 32 bytes twice. A file
// may well be sent twice. A conversation of two has two names, and here none.
func sayingOf(from endpoint, chat types.JID, message *waE2E.Message) (what saying, ok bool) {
	said := text(message)
	if said == "" {
		said = string(message.GetMessageContextInfo().GetMessageSecret())
	}
	if said == "" {
		return what, false
	}
	where := ""
	if shared(chat) {
		where = chat.String()
	}
	return sha256.Sum256([]byte(from.lid().String() + " " + where + " " + said)), true
}

// sameContent compares messages apart from what a repetition may add: the sender's key and what it knows of devices.
func sameContent(a, b *waE2E.Message) bool { return proto.Equal(withoutContext(a), withoutContext(b)) }

func withoutContext(message *waE2E.Message) *waE2E.Message {
	bare := proto.CloneOf(innermost(message))
	bare.SenderKeyDistributionMessage, bare.MessageContextInfo = nil, nil
	return bare
}
