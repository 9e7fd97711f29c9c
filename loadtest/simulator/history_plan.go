package simulator

import (
	"cmp"
	"fmt"
	"sort"
	"time"

	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// What a companion gets of the history at linking, where it does not say otherwise.
const (
	// firstPerChat is how many messages of each chat come with the list of chats. A phone with 500 chats was seen to
	// send 987 (Evolution API's issue 2644).
	firstPerChat = 2
	// recentSpan is how old messages may be of which a phone tells unasked, and fullSpan if a companion wants all:
	// three months and a year (whatsmeow's issues 594 and 358).
	recentSpan = 90 * day
	fullSpan   = 365 * day
	// chunkMessages is how many messages are sent as one blob; a choice, as the real number is not known.
	chunkMessages = 1000
	// statusSpan is how long a status can be seen.
	statusSpan = day

	day = 24 * time.Hour
)

// historyWish is what a companion wants of its phone's history, as it says when it registers.
type historyWish struct {
	name         string // of the companion, as the phone lists it
	inline       bool   // takes small pieces within their notices
	full         bool   // wants more than what is recent
	perChat      int
	recent, long time.Duration
}

func parseWish(deviceProps []byte) (historyWish, error) {
	var props waCompanionReg.DeviceProps
	if err := proto.Unmarshal(deviceProps, &props); err != nil {
		return historyWish{}, fmt.Errorf("%w: device props: %w", errBadNode, err)
	}
	said := props.GetHistorySyncConfig()
	return historyWish{
		name:    props.GetOs(),
		inline:  said.GetInlineInitialPayloadInE2EeMsg(),
		full:    props.GetRequireFullSync(),
		perChat: cmp.Or(int(said.GetInitialSyncMaxMessagesPerChat()), firstPerChat),
		recent:  cmp.Or(time.Duration(said.GetRecentSyncDaysLimit())*day, recentSpan),
		long:    cmp.Or(time.Duration(said.GetFullSyncDaysLimit())*day, fullSpan),
	}, nil
}

// historyChunk is a piece of history as it is planned.
type historyChunk struct {
	kind            waHistorySync.HistorySync_HistorySyncType
	order, progress uint32 // zero is left out
	stretches       []stretch
}

// stretch is a run of a chat's messages, from one index up to another.
type stretch struct {
	chat     *pastChat
	from, to int
	end      int // the index of the oldest message that the companion gets without asking
}

// planHistory decides which messages a companion gets at linking, and in which pieces. A phone without any tells no
// more than that, and its own name.
func planHistory(chats []pastChat, w historyWish, now time.Time) []historyChunk {
	names := historyChunk{kind: waHistorySync.HistorySync_PUSH_NAME}
	if len(chats) == 0 {
		return []historyChunk{{kind: waHistorySync.HistorySync_INITIAL_BOOTSTRAP, order: 1, progress: 100}, names}
	}
	oldest := w.recent
	if w.full {
		oldest = max(w.long, oldest)
	}
	var first, recent, long, statuses []stretch
	for i := range chats {
		c := &chats[i]
		if c.jid == types.StatusBroadcastJID {
			statuses = append(statuses, stretch{chat: c, from: c.since(now.Add(-statusSpan).Unix()), to: len(c.messages)})
			continue
		}
		latest := max(len(c.messages)-w.perChat, 0)
		young := min(c.since(now.Add(-w.recent).Unix()), latest)
		end := min(c.since(now.Add(-oldest).Unix()), latest)
		first = append(first, stretch{c, latest, len(c.messages), end})
		recent = append(recent, stretch{c, young, latest, end})
		long = append(long, stretch{c, end, young, end})
	}
	plan := []historyChunk{
		{kind: waHistorySync.HistorySync_INITIAL_BOOTSTRAP, order: 1, stretches: first},
		names,
		{kind: waHistorySync.HistorySync_NON_BLOCKING_DATA},
	}
	if len(statuses) > 0 {
		plan = append([]historyChunk{{kind: waHistorySync.HistorySync_INITIAL_STATUS_V3, stretches: statuses}}, plan...)
	}
	plan = append(plan, inChunks(waHistorySync.HistorySync_RECENT, recent)...)
	if w.full {
		plan = append(plan, inChunks(waHistorySync.HistorySync_FULL, long)...)
	}
	return plan
}

// since is the index of the first message that is not older.
func (c *pastChat) since(at int64) int {
	return sort.Search(len(c.messages), func(i int) bool { return c.messages[i].at >= at })
}

// inChunks deals messages out, of each chat the newest first. There is a last chunk even if there are no messages, as
// nothing else tells that these are all.
func inChunks(kind waHistorySync.HistorySync_HistorySyncType, stretches []stretch) []historyChunk {
	chunks, room := []historyChunk{{kind: kind}}, chunkMessages
	for _, s := range stretches {
		for s.from < s.to {
			if room == 0 {
				chunks, room = append(chunks, historyChunk{kind: kind}), chunkMessages
			}
			last := &chunks[len(chunks)-1]
			n := min(room, s.to-s.from)
			last.stretches = append(last.stretches, stretch{s.chat, s.to - n, s.to, s.end})
			s.to, room = s.to-n, room-n
		}
	}
	for i := range chunks {
		chunks[i].order, chunks[i].progress = uint32(i+1), uint32(100*(i+1)/len(chunks))
	}
	return chunks
}
