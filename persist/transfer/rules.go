package transfer

import (
	"strings"

	"github.com/oklog/ulid/v2"

	"whatsapp-web-server/persist"
)

// rule says what becomes of a table's rows when a backup is put back, which may be
// long after it was made. It returns the row to write, nil for none.
type rule func(a *restored, row persist.Row) (persist.Row, error)

// rules has every table there is; a test sees to that.
var rules = map[*persist.Table]rule{
	// Written when all accounts are there.
	persist.AccountIndex.Table: drop,
	// The target seals with a data key of its own.
	persist.DataKeys.Table: drop,
	// Those revoked since are valid again: a restore says so. With the index, too.
	persist.APIKeys.Table:  keep,
	persist.AuditLog.Table: keep,
	// Written with the index. What was delivered since comes once more.
	persist.Webhooks.Table: keep,
	// As it was, with another log of events.
	persist.Accounts.Table: renameLog,

	// What is read: as it was. What has happened since is missing, not wrong, and
	// totals agree with what they count.
	persist.Counters.Table:          keep,
	persist.Contacts.Table:          keep,
	persist.Chats.Table:             keep,
	persist.ChatSettings.Table:      keep,
	persist.Messages.Table:          keep,
	persist.MessageContents.Table:   keep,
	persist.GroupParticipants.Table: keep,
	persist.MessageAmendments.Table: keep,
	persist.MessageReactions.Table:  keep,
	persist.UserReceipts.Table:      keep,
	persist.MediaData.Table:         keep,
	persist.MediaUploads.Table:      keep,
	persist.PollVotes.Table:         keep,
	persist.Labels.Table:            keep,
	persist.LabelItems.Table:        keep,

	// Numbering goes on from it, and messages are ordered by the same numbers.
	persist.Events.Table: keep,
	// The places are the same in the log under its new name. What was consumed since
	// comes once more, under another id.
	persist.Consumers.Table: followLog,
	// Under the ids that their receivers know.
	persist.Deliveries.Table: keep,
	// May have been sent since; the account ends it as failed when it starts.
	persist.Outbox.Table: fail,
	// A caller who repeats a request hears what became of it, rather than having it
	// done twice.
	persist.IdempotencyKeys.Table: keep,
	persist.SendResults.Table:     keep,
	// What was still to be stored is taken in again from where the backup has it.
	persist.HistoryParts.Table: keep,

	// Who the account is.
	persist.AuthSessions.Table: keep,
	// Identity keys of others change by themselves only: with a new one WhatsApp tells.
	persist.Identities.Table: keep,
	// A sending chain put back encrypts with keys that were used since: the same key
	// and IV for another text, and a message that the recipient drops as a repetition.
	// A receiving chain may be of an epoch that the other side has left; both are in
	// one record. Without one, sending starts a new session from the recipient's
	// prekeys, and receiving asks for a message again.
	persist.SignalSessions.Table: drop,
	// Those used since do no harm, those made since are missing: who uses one of them
	// is asked to send again. Those told to be not uploaded are uploaded once more,
	// under the same id.
	persist.PreKeys.Table: keep,
	// Our own would encrypt with used keys, as above; a new one is handed out with
	// the next message to the group. Those of others only ever decrypt, and can be
	// wound forward.
	persist.SenderKeys.Table: dropOwn,
	// Keys stay valid; versions with their MACs are behind, and what is missing is
	// fetched as after any time offline.
	persist.AppStateKeys.Table:     keep,
	persist.AppStateVersions.Table: keep,
	persist.AppStateMACs.Table:     keep,
	// Of messages that are there.
	persist.MessageSecrets.Table: keep,
	// Newer tokens come with the next messages.
	persist.PrivacyTokens.Table: keep,
	persist.NCTSalts.Table:      keep,
	// What had been decrypted and not handled is handled at the start.
	persist.DecryptedEvents.Table: keep,
	// Plaintexts that answer retry receipts, encrypted anew each time.
	persist.OutgoingEvents.Table: keep,
	persist.LIDMappings.Table:    keep,
}

// restored is an account on its way back.
type restored struct {
	// users are the names that its own devices have in signal addresses; none if
	// they are not known.
	users []string
	// log is the new name of its event log, and was the one in the backup.
	log, was string
}

func keep(_ *restored, row persist.Row) (persist.Row, error) { return row, nil }

func drop(*restored, persist.Row) (persist.Row, error) { return nil, nil }

func renameLog(a *restored, row persist.Row) (persist.Row, error) {
	record, err := persist.Accounts.Decode(row)
	if err != nil {
		return nil, err
	}
	a.was, a.log = record.LogID, ulid.Make().String()
	record.LogID = a.log
	for _, jid := range []string{record.JID, record.LID} {
		if user, _, _ := strings.Cut(jid, "@"); user != "" {
			a.users = append(a.users, userOf(user))
		}
	}
	return persist.Accounts.Put(record).Row, nil
}

func followLog(a *restored, row persist.Row) (persist.Row, error) {
	consumer, err := persist.Consumers.Decode(row)
	if err != nil {
		return nil, err
	}
	if consumer.LogID == a.was {
		consumer.LogID = a.log
	}
	return persist.Consumers.Put(consumer).Row, nil
}

func fail(_ *restored, row persist.Row) (persist.Row, error) {
	item, err := persist.Outbox.Decode(row)
	if err != nil {
		return nil, err
	}
	item.State = persist.OutboxRestored
	return persist.Outbox.Put(item).Row, nil
}

func dropOwn(a *restored, row persist.Row) (persist.Row, error) {
	key, err := persist.SenderKeys.Decode(row)
	if err != nil {
		return nil, err
	}
	for _, user := range a.users {
		if user == userOf(key.Sender) {
			return nil, nil
		}
	}
	if len(a.users) == 0 { // linked, and the process died before the account knew
		return nil, nil
	}
	return row, nil
}

// userOf is the user in a JID or a signal address: user, user_agent, user.agent,
// each perhaps with :device.
func userOf(address string) string {
	if end := strings.IndexAny(address, "_.:"); end >= 0 {
		return address[:end]
	}
	return address
}
