package simulator

import (
	"maps"
	"slices"
	"strings"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// historian writes pieces of a phone's history. It knows what is not in the messages themselves: who people are, and
// what the account's devices share about chats.
type historian struct {
	phone    *Phone
	names    map[*account]string
	settings map[types.JID]chatSettings
}

// chatSettings are a chat's name in the address book and its place in the list of chats.
type chatSettings struct {
	name     string
	archived bool
	pinned   uint32 // since when, in Unix seconds; 0 if it is not
}

func (p *Phone) newHistorian(chats []pastChat) (h historian, err error) {
	h = historian{phone: p, names: p.namesIn(chats)}
	if len(chats) > 0 {
		h.settings, err = p.chatSettings()
	}
	return h, err
}

// namesIn are the names of all whom the chats are with or by, and the phone's own.
func (p *Phone) namesIn(chats []pastChat) map[*account]string {
	people := map[*account]string{p.account: ""}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	for _, chat := range chats {
		if a := p.sim.accountOfLocked(chat.jid); a != nil {
			people[a] = ""
		}
		for _, m := range chat.messages {
			people[m.author] = ""
		}
	}
	for a := range people {
		people[a] = a.name
	}
	return people
}

func (p *Phone) chatSettings() (map[types.JID]chatSettings, error) {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	found := map[types.JID]chatSettings{}
	for _, name := range []appstate.WAPatchName{appstate.WAPatchCriticalUnblockLow, appstate.WAPatchRegularLow} {
		if err := p.catchUpLocked(name); err != nil {
			return nil, err
		}
		for _, entry := range p.state.copyLocked(name).entries {
			p.readSetting(found, entry)
		}
	}
	return found, nil
}

func (p *Phone) readSetting(found map[types.JID]chatSettings, entry appstate.Mutation) {
	if len(entry.Index) < 2 {
		return
	}
	jid, err := types.ParseJID(entry.Index[1])
	if err != nil {
		return
	}
	jid = p.sim.shownAs(jid)
	s := found[jid]
	switch entry.Index[0] {
	case appstate.IndexContact:
		s.name = entry.Action.GetContactAction().GetFullName()
	case appstate.IndexArchive:
		s.archived = entry.Action.GetArchiveChatAction().GetArchived()
	case appstate.IndexPin:
		if entry.Action.GetPinAction().GetPinned() {
			s.pinned = uint32(entry.Action.GetTimestamp() / 1000)
		}
	}
	found[jid] = s
}

// write fills a piece of history.
func (h historian) write(c historyChunk) *waHistorySync.HistorySync {
	piece := &waHistorySync.HistorySync{SyncType: c.kind.Enum(), ChunkOrder: unlessZero(c.order), Progress: unlessZero(c.progress)}
	switch c.kind {
	case waHistorySync.HistorySync_INITIAL_STATUS_V3:
		for _, s := range c.stretches {
			for _, m := range s.messages() {
				piece.StatusV3Messages = append(piece.StatusV3Messages, h.webMessage(s.chat.jid, m))
			}
		}
		return piece
	case waHistorySync.HistorySync_PUSH_NAME:
		piece.Pushnames = h.pushNames()
	case waHistorySync.HistorySync_INITIAL_BOOTSTRAP:
		if len(c.stretches) > 0 {
			piece.PhoneNumberToLidMappings, piece.GlobalSettings = h.mappings(), h.globalSettings()
		}
	default:
	}
	for _, s := range c.stretches {
		piece.Conversations = append(piece.Conversations, h.conversation(s))
	}
	return piece
}

func unlessZero[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
}

// messages are those of the stretch, the newest first as phones tell them.
func (s stretch) messages() []pastMessage {
	all := slices.Clone(s.chat.messages[s.from:s.to])
	slices.Reverse(all)
	return all
}

// people are all whom the history knows, in the order of their numbers.
func (h historian) people() []*account {
	return slices.SortedFunc(maps.Keys(h.names), func(a, b *account) int { return strings.Compare(a.number, b.number) })
}

func (h historian) pushNames() (names []*waHistorySync.Pushname) {
	for _, a := range h.people() {
		if name := h.names[a]; name != "" || a == h.phone.account {
			names = append(names, &waHistorySync.Pushname{ID: proto.String(a.pn.String()), Pushname: proto.String(name)})
		}
	}
	return names
}

func (h historian) mappings() (all []*waHistorySync.PhoneNumberToLIDMapping) {
	for _, a := range h.people() {
		all = append(all, &waHistorySync.PhoneNumberToLIDMapping{PnJID: proto.String(a.pn.String()), LidJID: proto.String(a.lid.String())})
	}
	return all
}

func (h historian) globalSettings() *waHistorySync.GlobalSettings {
	h.phone.sim.mu.Lock()
	defer h.phone.sim.mu.Unlock()
	return &waHistorySync.GlobalSettings{
		DisappearingModeDuration: proto.Int32(int32(h.phone.account.profile.disappearing)),
	}
}

func (h historian) conversation(s stretch) *waHistorySync.Conversation {
	settings := h.settings[s.chat.jid]
	c := &waHistorySync.Conversation{
		ID: proto.String(s.chat.jid.String()), NotSpam: proto.Bool(true),
		UnreadCount: proto.Uint32(s.chat.unread), Archived: proto.Bool(settings.archived), Pinned: unlessZero(settings.pinned),
		EphemeralExpiration: unlessZero(s.chat.expires),
		LastMsgTimestamp:    unlessZero(uint64(s.chat.latest())), ConversationTimestamp: unlessZero(uint64(s.chat.latest())),
	}
	if s.chat.jid.Server == types.GroupServer {
		h.describeGroup(c, s.chat.jid)
	} else {
		h.describePerson(c, s.chat.jid)
	}
	for i, m := range s.messages() {
		c.Messages = append(c.Messages, &waHistorySync.HistorySyncMsg{
			Message: h.webMessage(s.chat.jid, m), MsgOrderID: proto.Uint64(uint64(s.to - i)),
		})
	}
	if s.from <= s.end {
		c.EndOfHistoryTransfer = proto.Bool(true)
		c.EndOfHistoryTransferType = waHistorySync.Conversation_COMPLETE_AND_NO_MORE_MESSAGE_REMAIN_ON_PRIMARY.Enum()
		if s.end > 0 {
			c.EndOfHistoryTransferType = waHistorySync.Conversation_COMPLETE_BUT_MORE_MESSAGES_REMAIN_ON_PRIMARY.Enum()
		}
	}
	return c
}

func (h historian) describePerson(c *waHistorySync.Conversation, lid types.JID) {
	c.LidJID, c.Name = proto.String(lid.String()), unlessEmpty(h.settings[lid].name)
	if other, err := h.phone.sim.resolve(lid.String()); err == nil {
		c.PnJID = proto.String(other.pn.String())
	}
}

// describeGroup tells what the phone knows of a group. One that the account has left can only be read.
func (h historian) describeGroup(c *waHistorySync.Conversation, jid types.JID) {
	info, _ := h.phone.sim.Group(jid)
	c.Name, c.Description = unlessEmpty(info.Subject), unlessEmpty(info.Description)
	c.EphemeralExpiration = unlessZero(info.Settings.Ephemeral)
	member := false
	for _, m := range info.Members {
		rank := waHistorySync.GroupParticipant_REGULAR
		if m.Admin {
			rank = waHistorySync.GroupParticipant_ADMIN
		}
		c.Participant = append(c.Participant, &waHistorySync.GroupParticipant{UserJID: proto.String(m.LID), Rank: rank.Enum()})
		member = member || m.Number == h.phone.Number()
	}
	c.ReadOnly = proto.Bool(!member)
}

// webMessage is a message as phones hand it on.
func (h historian) webMessage(chat types.JID, m pastMessage) *waWeb.WebMessageInfo {
	own := m.author == h.phone.account
	info := &waWeb.WebMessageInfo{
		Key: keyOf(h.phone.account, chat, m.id, m.author), MessageTimestamp: proto.Uint64(uint64(m.at)),
		Reactions: m.reactions, PollUpdates: m.votes,
	}
	if own {
		info.Status = m.status.Enum()
	} else {
		info.PushName = unlessEmpty(h.names[m.author])
	}
	info.Participant = info.Key.Participant
	if m.content == nil {
		info.MessageStubType = waWeb.WebMessageInfo_REVOKE.Enum()
		return info
	}
	message := decoded(m.content)
	if viewedOnce(message) {
		return info // which stays on the phone
	}
	info.Message = message
	info.MessageSecret = innermost(info.Message).GetMessageContextInfo().GetMessageSecret()
	return info
}
