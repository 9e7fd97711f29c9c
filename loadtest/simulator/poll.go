package simulator

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"go.mau.fi/whatsmeow/util/hkdfutil"
	"google.golang.org/protobuf/proto"
)

func (poll *Poll) message() (*waE2E.Message, error) {
	if poll.Question == "" || len(poll.Options) < 2 || int(poll.Choices) > len(poll.Options) {
		return nil, fmt.Errorf("%w: poll: want a question, two options or more, and no more choices than options", ErrBadDraft)
	}
	content := &waE2E.PollCreationMessage{Name: proto.String(poll.Question), SelectableOptionsCount: proto.Uint32(poll.Choices)}
	for _, option := range poll.Options {
		content.Options = append(content.Options, &waE2E.PollCreationMessage_Option{OptionName: proto.String(option)})
	}
	return &waE2E.Message{PollCreationMessage: content, MessageContextInfo: newSecret()}, nil
}

// pollOf reads a poll, nil if the message is none.
func pollOf(m *waE2E.Message) *Poll {
	content := pollIn(m)
	if content == nil {
		return nil
	}
	poll := &Poll{Question: content.GetName(), Choices: content.GetSelectableOptionsCount(), Options: []string{}}
	for _, option := range content.GetOptions() {
		poll.Options = append(poll.Options, option.GetOptionName())
	}
	return poll
}

// writeVote encrypts a vote with the poll's secret, which only those have who got the poll.
func (p *Phone) writeVote(v DraftVote) (*waE2E.Message, error) {
	m, err := p.known(v.ID)
	if err != nil {
		return nil, fmt.Errorf("vote: %w", err)
	}
	poll := pollOf(innermost(m.message))
	if poll == nil {
		return nil, fmt.Errorf("%w: vote: message %q is no poll", ErrBadDraft, v.ID)
	}
	for _, option := range v.Options {
		if !slices.Contains(poll.Options, option) {
			return nil, fmt.Errorf("%w: vote: the poll has no option %q", ErrBadDraft, option)
		}
	}
	key, err := p.keyOf(v.ID)
	if err != nil {
		return nil, fmt.Errorf("vote: %w", err)
	}
	plaintext, err := proto.Marshal(&waE2E.PollVoteMessage{SelectedOptions: whatsmeow.HashPollOptions(v.Options)})
	if err != nil {
		return nil, err
	}
	iv := make([]byte, 12)
	_, _ = rand.Read(iv) // never fails
	secret, also := voteKey(m.message, v.ID, m.author.lid, p.account.lid)
	ciphertext, err := gcmutil.Encrypt(secret, iv, plaintext, also)
	if err != nil {
		return nil, fmt.Errorf("encrypt vote: %w", err)
	}
	return &waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{
		PollCreationMessageKey: key, SenderTimestampMS: nowMS(),
		Vote: &waE2E.PollEncValue{EncPayload: ciphertext, EncIV: iv},
	}}, nil
}

// voteKey is the key of one voter's votes in a poll, with what is authenticated beside them.
func voteKey(poll *waE2E.Message, id string, author, voter types.JID) (key, also []byte) {
	return addOnKey(whatsmeow.EncSecretPollVote, poll, id, author, voter), []byte(id + "\x00" + voter.ToNonAD().String())
}

// addOnKey is what somebody encrypts a vote or a reaction with, made of the secret of the message that it is about
// (whatsmeow's generateMsgSecretKey).
func addOnKey(use whatsmeow.MsgSecretType, about *waE2E.Message, id string, author, by types.JID) []byte {
	info := id + author.ToNonAD().String() + by.ToNonAD().String() + string(use)
	secret := about.GetMessageContextInfo().GetMessageSecret()
	if secret == nil {
		secret = innermost(about).GetMessageContextInfo().GetMessageSecret()
	}
	return hkdfutil.SHA256(secret, nil, []byte(info), 32)
}

var errVote = errors.New("the vote does not decrypt")

// readVote decrypts a vote into the names of the options chosen.
func (p *Phone) readVote(voter *account, update *waE2E.PollUpdateMessage) (options []string, err error) {
	poll, vote, err := p.openVote(voter, update)
	if err != nil {
		return nil, err
	}
	return chosen(innermost(poll), vote), nil
}

// openVote decrypts a vote, and finds its poll. Voters name themselves and the author by LID or PN.
func (p *Phone) openVote(voter *account, update *waE2E.PollUpdateMessage) (poll *waE2E.Message, vote *waE2E.PollVoteMessage, err error) {
	id := update.GetPollCreationMessageKey().GetID()
	m, err := p.known(id)
	if err != nil {
		return nil, nil, err
	}
	for _, author := range []types.JID{m.author.lid, m.author.pn} {
		for _, who := range []types.JID{voter.lid, voter.pn} {
			key, also := voteKey(m.message, id, author, who)
			plaintext, err := gcmutil.Decrypt(key, update.GetVote().GetEncIV(), update.GetVote().GetEncPayload(), also)
			if err != nil {
				continue
			}
			vote = &waE2E.PollVoteMessage{}
			if err := proto.Unmarshal(plaintext, vote); err != nil {
				return nil, nil, fmt.Errorf("vote: %w", err)
			}
			return m.message, vote, nil
		}
	}
	return nil, nil, errVote
}

func chosen(poll *waE2E.Message, vote *waE2E.PollVoteMessage) (options []string) {
	for _, option := range pollIn(poll).GetOptions() {
		hash := sha256.Sum256([]byte(option.GetOptionName()))
		if slices.ContainsFunc(vote.GetSelectedOptions(), func(h []byte) bool { return string(h) == string(hash[:]) }) {
			options = append(options, option.GetOptionName())
		}
	}
	return options
}
