-- +goose Up

-- The engine's own: a number for each chat that has messages. It stands for the
-- account and the chat in the trees of messages and texts, of which they would be two
-- thirds.
CREATE TABLE chat_numbers (
    chat_number INTEGER NOT NULL PRIMARY KEY,
    account     TEXT    NOT NULL,
    chat        TEXT    NOT NULL,
    UNIQUE (account, chat)
) STRICT;
INSERT INTO chat_numbers (account, chat)
    SELECT account, chat FROM messages UNION SELECT account, chat FROM message_content;

-- Rows have the text beside the number, for people who read them. The orders end with
-- what hardly ever ties; a scan puts in order what does.
CREATE TABLE numbered_messages (
    chat_number INTEGER NOT NULL,
    account     TEXT    NOT NULL,
    chat        TEXT    NOT NULL,
    sender      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    timestamp   INTEGER NOT NULL,
    from_me     INTEGER NOT NULL,
    type        TEXT    NOT NULL,
    push_name   TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    status_at   INTEGER NOT NULL,
    error       TEXT    NOT NULL,
    edited_at   INTEGER NOT NULL,
    revoked_at  INTEGER NOT NULL,
    quoted_id   TEXT    NOT NULL,
    raw         BLOB    NOT NULL,
    starred     INTEGER NOT NULL,
    view_once   INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    UNIQUE (chat_number, sender, id)
) STRICT;
INSERT INTO numbered_messages
    SELECT chat_number, account, chat, sender, id, seq, timestamp, from_me, type, push_name, status, status_at,
        error, edited_at, revoked_at, quoted_id, raw, starred, view_once, expires_at
    FROM chat_numbers CROSS JOIN messages USING (account, chat);
DROP TABLE messages;
ALTER TABLE numbered_messages RENAME TO messages;
CREATE INDEX messages_by_time ON messages (chat_number, timestamp, seq);
CREATE INDEX messages_by_id ON messages (chat_number, id);

CREATE TABLE numbered_content (
    doc         INTEGER NOT NULL PRIMARY KEY,
    chat_number INTEGER NOT NULL,
    account     TEXT    NOT NULL,
    chat        TEXT    NOT NULL,
    sender      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    timestamp   INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    words       TEXT    NOT NULL,
    UNIQUE (chat_number, sender, id)
) STRICT;
INSERT INTO numbered_content
    SELECT doc, chat_number, account, chat, sender, id, body, timestamp, seq, words
    FROM message_content CROSS JOIN chat_numbers USING (account, chat);
DROP TABLE message_content;
ALTER TABLE numbered_content RENAME TO message_content;
CREATE INDEX message_content_by_time ON message_content (account, timestamp, seq);
