package sqlite

import (
	"slices"

	"whatsapp-web-server/persist"
)

// numbered are the tables that have most of the rows, with those of their indexes in
// which a number stands for the account and the chat.
var numbered = map[*persist.Table][]string{
	persist.Messages.Table:        {"", "by_time", "by_id"},
	persist.MessageContents.Table: {""},
}

func isNumbered(t *persist.Table) bool { return len(numbered[t]) > 0 }

// inSteps answers a query that goes on within a chat first and then to the next ones.
// The start in the chat is in another tree than the order of chats, and SQLite would
// look for it from the chat's first message.
func inSteps(q persist.Query, scan func(persist.Query) ([]persist.Row, error)) ([]persist.Row, error) {
	chatsFirst := slices.Contains(numbered[q.Table], q.Index) && q.Table.Positions(q.Index)[0] == 0
	if !chatsFirst || len(q.Prefix) > 0 || len(q.After) < 2 || q.Offset > 0 {
		return scan(q)
	}
	within := q
	within.Prefix, within.After = q.After[:1], q.After[1:]
	rows, err := scan(within)
	if err != nil || len(rows) == q.Limit {
		return rows, err
	}
	q.After, q.Limit = q.After[:1], q.Limit-len(rows)
	more, err := scan(q)
	return append(rows, more...), err
}

// numberColumns names the column of the number.
func numberColumns(t *persist.Table) []string {
	if !isNumbered(t) {
		return nil
	}
	return []string{"chat_number"}
}

const (
	selectNumber = "SELECT chat_number FROM chat_numbers WHERE account = ? AND chat = ?"
	insertNumber = "INSERT INTO chat_numbers (account, chat) VALUES (?, ?) RETURNING chat_number"
	// dropNumbers leaves those that somebody has given out again meanwhile.
	dropNumbers = `DELETE FROM chat_numbers WHERE account = ?
		AND NOT EXISTS (SELECT 1 FROM messages AS m WHERE m.chat_number = chat_numbers.chat_number)
		AND NOT EXISTS (SELECT 1 FROM message_content AS m WHERE m.chat_number = chat_numbers.chat_number)`
)

// numbers are those of chats that a transaction has met.
type numbers map[chatName]int64

type chatName struct{ account, chat string }

// number is that of a chat, which gets one if it has none.
func (tx transaction) number(account, chat string) (int64, error) {
	name := chatName{account, chat}
	if known, ok := tx.numbers[name]; ok {
		return known, nil
	}
	number, err := tx.integer(selectNumber, account, chat)
	if err == nil && number == 0 {
		number, err = tx.integer(insertNumber, account, chat)
	}
	if err == nil {
		tx.numbers[name] = number
	}
	return number, err
}
