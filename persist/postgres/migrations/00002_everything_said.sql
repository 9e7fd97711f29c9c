-- +goose Up

-- What can be said and done beyond texts.
ALTER TABLE accounts ADD COLUMN auto_read BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN reject_calls BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN reject_text TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN send_interval BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN recipient_interval BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_settings ADD COLUMN marked_unread BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_settings ADD COLUMN disappearing BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_settings ADD COLUMN disappearing_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN starred BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN view_once BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN lane TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN send_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN hold BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN amends BIGINT NOT NULL DEFAULT 0;

-- Files that WhatsApp's media servers have.
CREATE TABLE media_uploads (
    account         TEXT COLLATE "C" NOT NULL,
    digest          TEXT COLLATE "C" NOT NULL,
    type            TEXT COLLATE "C" NOT NULL,
    direct_path     TEXT COLLATE "C" NOT NULL,
    url             TEXT COLLATE "C" NOT NULL,
    media_key       BYTEA NOT NULL,
    file_enc_sha256 BYTEA NOT NULL,
    size            BIGINT NOT NULL,
    uploaded_at     BIGINT NOT NULL,
    PRIMARY KEY (account, digest, type)
);

-- What people chose in polls.
CREATE TABLE poll_votes (
    account   TEXT COLLATE "C" NOT NULL,
    chat      TEXT COLLATE "C" NOT NULL,
    poll_id   TEXT COLLATE "C" NOT NULL,
    voter     TEXT COLLATE "C" NOT NULL,
    options   TEXT COLLATE "C" NOT NULL,
    timestamp BIGINT NOT NULL,
    PRIMARY KEY (account, chat, poll_id, voter)
);

-- Labels, and what has them.
CREATE TABLE labels (
    account TEXT COLLATE "C" NOT NULL,
    id      TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    color   BIGINT NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE TABLE label_items (
    account    TEXT COLLATE "C" NOT NULL,
    label_id   TEXT COLLATE "C" NOT NULL,
    chat       TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    timestamp  BIGINT NOT NULL,
    PRIMARY KEY (account, label_id, chat, message_id)
);
CREATE INDEX label_items_by_chat ON label_items (account, chat, message_id, label_id);

-- What has become of sends that left no message of their own.
CREATE TABLE send_results (
    account    TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    chat       TEXT COLLATE "C" NOT NULL,
    status     TEXT COLLATE "C" NOT NULL,
    status_at  BIGINT NOT NULL,
    error      TEXT COLLATE "C" NOT NULL,
    timestamp  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (account, message_id)
);

-- Parts of the phone's history that are not stored yet.
CREATE TABLE history_parts (
    account      TEXT COLLATE "C" NOT NULL,
    message_id   TEXT COLLATE "C" NOT NULL,
    seq          BIGINT NOT NULL,
    notification BYTEA NOT NULL,
    received_at  BIGINT NOT NULL,
    done         BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    PRIMARY KEY (account, message_id)
);
CREATE INDEX history_parts_by_order ON history_parts (account, seq, message_id);
