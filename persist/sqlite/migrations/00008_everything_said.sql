-- +goose Up

-- What can be said and done beyond texts.
ALTER TABLE accounts ADD COLUMN auto_read INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN reject_calls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN reject_text TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN send_interval INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN recipient_interval INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chat_settings ADD COLUMN marked_unread INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chat_settings ADD COLUMN disappearing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chat_settings ADD COLUMN disappearing_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN starred INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN view_once INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN lane TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN send_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN hold INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN amends INTEGER NOT NULL DEFAULT 0;

-- Files that WhatsApp's media servers have.
CREATE TABLE media_uploads (
    account         TEXT    NOT NULL,
    digest          TEXT    NOT NULL,
    type            TEXT    NOT NULL,
    direct_path     TEXT    NOT NULL,
    url             TEXT    NOT NULL,
    media_key       BLOB    NOT NULL,
    file_enc_sha256 BLOB    NOT NULL,
    size            INTEGER NOT NULL,
    uploaded_at     INTEGER NOT NULL,
    PRIMARY KEY (account, digest, type)
) STRICT, WITHOUT ROWID;

-- What people chose in polls.
CREATE TABLE poll_votes (
    account   TEXT    NOT NULL,
    chat      TEXT    NOT NULL,
    poll_id   TEXT    NOT NULL,
    voter     TEXT    NOT NULL,
    options   TEXT    NOT NULL,
    timestamp INTEGER NOT NULL,
    PRIMARY KEY (account, chat, poll_id, voter)
) STRICT, WITHOUT ROWID;

-- Labels, and what has them.
CREATE TABLE labels (
    account TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    color   INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE label_items (
    account    TEXT    NOT NULL,
    label_id   TEXT    NOT NULL,
    chat       TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    timestamp  INTEGER NOT NULL,
    PRIMARY KEY (account, label_id, chat, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX label_items_by_chat ON label_items (account, chat, message_id, label_id);

-- What has become of sends that left no message of their own.
CREATE TABLE send_results (
    account    TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    chat       TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    status_at  INTEGER NOT NULL,
    error      TEXT    NOT NULL,
    timestamp  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account, message_id)
) STRICT, WITHOUT ROWID;

-- Parts of the phone's history that are not stored yet.
CREATE TABLE history_parts (
    account      TEXT    NOT NULL,
    message_id   TEXT    NOT NULL,
    seq          INTEGER NOT NULL,
    notification BLOB    NOT NULL,
    received_at  INTEGER NOT NULL,
    done         INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    PRIMARY KEY (account, message_id)
) STRICT;
CREATE INDEX history_parts_by_order ON history_parts (account, seq, message_id);
