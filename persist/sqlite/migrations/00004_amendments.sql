-- +goose Up

-- Edits and deletions that wait for their message, or for what tells who may
-- delete it.
CREATE TABLE message_amendments (
    account    TEXT    NOT NULL,
    chat       TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    sender     TEXT    NOT NULL,
    author     TEXT    NOT NULL,
    revoked    INTEGER NOT NULL,
    timestamp  INTEGER NOT NULL,
    raw        BLOB    NOT NULL,
    PRIMARY KEY (account, chat, message_id, sender)
) STRICT;
