-- +goose Up

-- One table for each kind of persist/kinds.go, its columns in the same order.
-- Every row of an account begins with the account; text and blobs compare by
-- bytes. Rows that are rewritten again and again leave room on their pages
-- (fillfactor), so that a new version stands beside the old one and no index
-- has to be told (HOT). What is encrypted or serialized is not compressed
-- (STORAGE EXTERNAL), which would be in vain.

-- The engine's own: the generation of the one writer of each account. It
-- survives the account.
CREATE TABLE generations (
    account    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    generation BIGINT           NOT NULL
) WITH (fillfactor = 70);

-- The engine's own: one row that a health check rewrites.
CREATE TABLE health (
    id         BIGINT NOT NULL PRIMARY KEY,
    checked_at BIGINT NOT NULL
) WITH (fillfactor = 70);

-- The engine's own: fails unless each account has the generation that is wanted
-- of it, and keeps others from taking the next one until the transaction ends.
-- Callers name the accounts in their order, in which the locks are taken, against
-- deadlocks. Each is looked up by itself (LATERAL), whatever the planner believes.
-- +goose StatementBegin
CREATE FUNCTION fence(accounts TEXT[], wanted BIGINT[]) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    current INTEGER;
BEGIN
    SELECT count(*) INTO current FROM unnest(accounts, wanted) AS w (account, generation), LATERAL (
        SELECT FROM generations AS g WHERE g.account = w.account AND g.generation = w.generation FOR SHARE
    ) AS held;
    IF current <> cardinality(accounts) THEN
        RAISE EXCEPTION 'a writer is superseded' USING ERRCODE = 'WA001';
    END IF;
END
$$;
-- +goose StatementEnd

-- The accounts of the installation; the one table without an account.
CREATE TABLE account_index (
    account    TEXT COLLATE "C" NOT NULL,
    version    BIGINT           NOT NULL,
    tenant     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT           NOT NULL,
    PRIMARY KEY (account)
) WITH (fillfactor = 70);

-- The keys that seal columns, themselves sealed by the operator's key.
CREATE TABLE data_keys (
    id         BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    wrapped    BYTEA  NOT NULL,
    covers     BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);

-- What is known and wanted of an account: one row each.
CREATE TABLE accounts (
    account     TEXT COLLATE "C" NOT NULL,
    running     BIGINT           NOT NULL,
    any_number  BIGINT           NOT NULL,
    network     TEXT COLLATE "C" NOT NULL,
    jid         TEXT COLLATE "C" NOT NULL,
    lid         TEXT COLLATE "C" NOT NULL,
    push_name   TEXT COLLATE "C" NOT NULL,
    paired_at   BIGINT           NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL,
    since       BIGINT           NOT NULL,
    until       BIGINT           NOT NULL,
    log_id      TEXT COLLATE "C" NOT NULL,
    updated_at  BIGINT           NOT NULL,
    last_active BIGINT           NOT NULL,
    proxy       TEXT COLLATE "C" NOT NULL,
    device_name TEXT COLLATE "C" NOT NULL,
    webhook     TEXT COLLATE "C" NOT NULL,
    metadata    TEXT COLLATE "C" NOT NULL,
    crashes     BIGINT           NOT NULL,
    crashed_at  BIGINT           NOT NULL,
    PRIMARY KEY (account)
) WITH (fillfactor = 70);

-- Totals that would be slow to count.
CREATE TABLE counters (
    account TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    value   BIGINT           NOT NULL,
    PRIMARY KEY (account, name)
) WITH (fillfactor = 70);

-- People and group members by address.
CREATE TABLE contacts (
    account        TEXT COLLATE "C" NOT NULL,
    jid            TEXT COLLATE "C" NOT NULL,
    first_name     TEXT COLLATE "C" NOT NULL,
    full_name      TEXT COLLATE "C" NOT NULL,
    push_name      TEXT COLLATE "C" NOT NULL,
    business_name  TEXT COLLATE "C" NOT NULL,
    redacted_phone TEXT COLLATE "C" NOT NULL,
    updated_at     BIGINT           NOT NULL,
    PRIMARY KEY (account, jid)
);

-- Conversations; the index is the order of the list.
CREATE TABLE chats (
    account              TEXT COLLATE "C" NOT NULL,
    jid                  TEXT COLLATE "C" NOT NULL,
    name                 TEXT COLLATE "C" NOT NULL,
    description          TEXT COLLATE "C" NOT NULL,
    last_message_at      BIGINT           NOT NULL,
    last_message_id      TEXT COLLATE "C" NOT NULL,
    last_message_sender  TEXT COLLATE "C" NOT NULL,
    last_message_type    TEXT COLLATE "C" NOT NULL,
    last_message_from_me BIGINT           NOT NULL,
    preview              TEXT COLLATE "C" NOT NULL,
    unread               BIGINT           NOT NULL,
    PRIMARY KEY (account, jid)
) WITH (fillfactor = 70);
CREATE INDEX chats_by_activity ON chats (account, last_message_at, jid);

-- What the account's app state says of a chat.
CREATE TABLE chat_settings (
    account     TEXT COLLATE "C" NOT NULL,
    jid         TEXT COLLATE "C" NOT NULL,
    pinned      BIGINT           NOT NULL,
    archived    BIGINT           NOT NULL,
    muted_until BIGINT           NOT NULL,
    PRIMARY KEY (account, jid)
);

-- Messages as sent or received.
CREATE TABLE messages (
    account    TEXT COLLATE "C" NOT NULL,
    chat       TEXT COLLATE "C" NOT NULL,
    sender     TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    seq        BIGINT           NOT NULL,
    timestamp  BIGINT           NOT NULL,
    from_me    BIGINT           NOT NULL,
    type       TEXT COLLATE "C" NOT NULL,
    push_name  TEXT COLLATE "C" NOT NULL,
    status     TEXT COLLATE "C" NOT NULL,
    status_at  BIGINT           NOT NULL,
    error      TEXT COLLATE "C" NOT NULL,
    edited_at  BIGINT           NOT NULL,
    revoked_at BIGINT           NOT NULL,
    quoted_id  TEXT COLLATE "C" NOT NULL,
    raw        BYTEA            NOT NULL,
    PRIMARY KEY (account, chat, sender, id)
) WITH (fillfactor = 75);
ALTER TABLE messages ALTER COLUMN raw SET STORAGE EXTERNAL;
CREATE INDEX messages_by_time ON messages (account, chat, timestamp, seq, sender, id);
CREATE INDEX messages_by_id ON messages (account, id, chat, sender);

-- The readable text of messages, and what they are found by: the words of the text,
-- each after a space.
CREATE TABLE message_content (
    account   TEXT COLLATE "C" NOT NULL,
    chat      TEXT COLLATE "C" NOT NULL,
    sender    TEXT COLLATE "C" NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    body      TEXT COLLATE "C" NOT NULL,
    timestamp BIGINT           NOT NULL,
    seq       BIGINT           NOT NULL,
    words     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, chat, sender, id)
);
CREATE INDEX message_content_by_time ON message_content (account, timestamp, seq, chat, sender, id);

-- The engine's own: the words as lexemes that each begin with the account, so that
-- a search reads no word of another account.
CREATE FUNCTION lexemes(account TEXT, words TEXT) RETURNS TSVECTOR LANGUAGE sql IMMUTABLE AS $$
    SELECT array_to_tsvector(array_remove(string_to_array(replace(words, ' ', E'\n' || account || ' '), E'\n'), ''))
$$;
CREATE INDEX message_content_words ON message_content USING gin (lexemes(account, words)) WITH (gin_pending_list_limit = 512);

-- Edits and deletions that wait for their message, or for what tells who may
-- delete it.
CREATE TABLE message_amendments (
    account    TEXT COLLATE "C" NOT NULL,
    chat       TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    sender     TEXT COLLATE "C" NOT NULL,
    author     TEXT COLLATE "C" NOT NULL,
    revoked    BIGINT           NOT NULL,
    timestamp  BIGINT           NOT NULL,
    raw        BYTEA            NOT NULL,
    PRIMARY KEY (account, chat, message_id, sender)
);

-- Members of groups.
CREATE TABLE group_participants (
    account TEXT COLLATE "C" NOT NULL,
    chat    TEXT COLLATE "C" NOT NULL,
    jid     TEXT COLLATE "C" NOT NULL,
    role    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, chat, jid)
);

-- One reaction of each person to a message.
CREATE TABLE message_reactions (
    account    TEXT COLLATE "C" NOT NULL,
    chat       TEXT COLLATE "C" NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    sender     TEXT COLLATE "C" NOT NULL,
    emoji      TEXT COLLATE "C" NOT NULL,
    timestamp  BIGINT           NOT NULL,
    PRIMARY KEY (account, chat, message_id, sender)
);

-- What each recipient has said of an own message.
CREATE TABLE user_receipts (
    account      TEXT COLLATE "C" NOT NULL,
    chat         TEXT COLLATE "C" NOT NULL,
    message_id   TEXT COLLATE "C" NOT NULL,
    "user"       TEXT COLLATE "C" NOT NULL,
    delivered_at BIGINT           NOT NULL,
    read_at      BIGINT           NOT NULL,
    played_at    BIGINT           NOT NULL,
    PRIMARY KEY (account, chat, message_id, "user")
) WITH (fillfactor = 75);

-- How the bytes of a message are described and fetched.
CREATE TABLE media_data (
    account         TEXT COLLATE "C" NOT NULL,
    chat            TEXT COLLATE "C" NOT NULL,
    sender          TEXT COLLATE "C" NOT NULL,
    message_id      TEXT COLLATE "C" NOT NULL,
    mime_type       TEXT COLLATE "C" NOT NULL,
    file_name       TEXT COLLATE "C" NOT NULL,
    size            BIGINT           NOT NULL,
    width           BIGINT           NOT NULL,
    height          BIGINT           NOT NULL,
    duration        BIGINT           NOT NULL,
    direct_path     TEXT COLLATE "C" NOT NULL,
    media_key       BYTEA            NOT NULL,
    file_sha256     BYTEA            NOT NULL,
    file_enc_sha256 BYTEA            NOT NULL,
    PRIMARY KEY (account, chat, sender, message_id)
);

-- The account's log, dense from 1.
CREATE TABLE events (
    account TEXT COLLATE "C" NOT NULL,
    seq     BIGINT           NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    at      BIGINT           NOT NULL,
    data    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, seq)
);

-- Accepted messages that have not reached their end.
CREATE TABLE outbox (
    account      TEXT COLLATE "C" NOT NULL,
    message_id   TEXT COLLATE "C" NOT NULL,
    accepted_seq BIGINT           NOT NULL,
    chat         TEXT COLLATE "C" NOT NULL,
    recipient    TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    payload      BYTEA            NOT NULL,
    accepted_at  BIGINT           NOT NULL,
    expires_at   BIGINT           NOT NULL,
    attempts     BIGINT           NOT NULL,
    PRIMARY KEY (account, message_id)
) WITH (fillfactor = 70);
ALTER TABLE outbox ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX outbox_by_order ON outbox (account, accepted_seq, message_id);

-- Which message a caller's key made.
CREATE TABLE idempotency_keys (
    account         TEXT COLLATE "C" NOT NULL,
    principal       TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL,
    request_hash    BYTEA            NOT NULL,
    message_id      TEXT COLLATE "C" NOT NULL,
    chat            TEXT COLLATE "C" NOT NULL,
    expires_at      BIGINT           NOT NULL,
    PRIMARY KEY (account, principal, idempotency_key)
);

-- The companion device's registration: one row an account, in a shape that
-- others may read. auth_state holds the record as it is ("state", "created_at"
-- and "updated_at" in Unix milliseconds); the times beside it are for people.
CREATE TABLE auth_sessions (
    account_number VARCHAR(50) COLLATE "C" PRIMARY KEY,
    auth_state     JSONB                   NOT NULL,
    created_at     TIMESTAMPTZ             DEFAULT now(),
    updated_at     TIMESTAMPTZ             DEFAULT now()
);

-- Identity keys of remote devices.
CREATE TABLE signal_identities (
    account  TEXT COLLATE "C" NOT NULL,
    address  TEXT COLLATE "C" NOT NULL,
    identity BYTEA            NOT NULL,
    PRIMARY KEY (account, address)
);

-- Ratchets with remote devices: 1 to 2 KB each, rewritten with every message.
-- Larger ones stay in their rows up to a page (toast_tuple_target).
CREATE TABLE signal_sessions (
    account TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    session BYTEA            NOT NULL,
    PRIMARY KEY (account, address)
) WITH (fillfactor = 70, toast_tuple_target = 8160);
ALTER TABLE signal_sessions ALTER COLUMN session SET STORAGE EXTERNAL;

-- Own one-time prekeys.
CREATE TABLE signal_prekeys (
    account     TEXT COLLATE "C" NOT NULL,
    id          BIGINT           NOT NULL,
    private_key BYTEA            NOT NULL,
    uploaded    BIGINT           NOT NULL,
    PRIMARY KEY (account, id)
);

-- Group ratchets by group and sender.
CREATE TABLE signal_sender_keys (
    account    TEXT COLLATE "C" NOT NULL,
    chat       TEXT COLLATE "C" NOT NULL,
    sender     TEXT COLLATE "C" NOT NULL,
    sender_key BYTEA            NOT NULL,
    PRIMARY KEY (account, chat, sender)
) WITH (fillfactor = 70, toast_tuple_target = 8160);
ALTER TABLE signal_sender_keys ALTER COLUMN sender_key SET STORAGE EXTERNAL;
CREATE INDEX signal_sender_keys_by_sender ON signal_sender_keys (account, sender, chat);

-- Keys that the phone shared for app state.
CREATE TABLE app_state_keys (
    account     TEXT COLLATE "C" NOT NULL,
    id          BYTEA            NOT NULL,
    data        BYTEA            NOT NULL,
    fingerprint BYTEA            NOT NULL,
    timestamp   BIGINT           NOT NULL,
    PRIMARY KEY (account, id)
);

-- How far each collection of app state is synced.
CREATE TABLE app_state_versions (
    account       TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    state_version BIGINT           NOT NULL,
    hash          BYTEA            NOT NULL,
    PRIMARY KEY (account, name)
) WITH (fillfactor = 70);

-- Value MACs of each index of a collection.
CREATE TABLE app_state_macs (
    account       TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    index_mac     BYTEA            NOT NULL,
    state_version BIGINT           NOT NULL,
    value_mac     BYTEA            NOT NULL,
    PRIMARY KEY (account, name, index_mac)
);

-- Secrets that decrypt later additions to a message.
CREATE TABLE message_secrets (
    account TEXT COLLATE "C" NOT NULL,
    chat    TEXT COLLATE "C" NOT NULL,
    sender  TEXT COLLATE "C" NOT NULL,
    id      TEXT COLLATE "C" NOT NULL,
    secret  BYTEA            NOT NULL,
    PRIMARY KEY (account, chat, sender, id)
);

-- Tokens that show others we are trusted.
CREATE TABLE privacy_tokens (
    account          TEXT COLLATE "C" NOT NULL,
    "user"           TEXT COLLATE "C" NOT NULL,
    token            BYTEA            NOT NULL,
    timestamp        BIGINT           NOT NULL,
    sender_timestamp BIGINT           NOT NULL,
    PRIMARY KEY (account, "user")
);

-- The salt for tokens to strangers: one row an account.
CREATE TABLE nct_salts (
    account TEXT COLLATE "C" NOT NULL,
    salt    BYTEA            NOT NULL,
    PRIMARY KEY (account)
);

-- Decrypted payloads until they are handled, then their hashes.
CREATE TABLE decrypted_events (
    account     TEXT COLLATE "C" NOT NULL,
    hash        BYTEA            NOT NULL,
    plaintext   BYTEA            NOT NULL,
    replay      BIGINT           NOT NULL,
    inserted_at BIGINT           NOT NULL,
    server_time BIGINT           NOT NULL,
    PRIMARY KEY (account, hash)
) WITH (fillfactor = 70);
ALTER TABLE decrypted_events ALTER COLUMN plaintext SET STORAGE EXTERNAL;
CREATE INDEX decrypted_events_by_insert ON decrypted_events (account, replay, inserted_at, hash);

-- Sent payloads, kept to answer retry receipts.
CREATE TABLE outgoing_events (
    account     TEXT COLLATE "C" NOT NULL,
    chat        TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    format      TEXT COLLATE "C" NOT NULL,
    plaintext   BYTEA            NOT NULL,
    inserted_at BIGINT           NOT NULL,
    PRIMARY KEY (account, chat, id)
);
ALTER TABLE outgoing_events ALTER COLUMN plaintext SET STORAGE EXTERNAL;
CREATE INDEX outgoing_events_by_insert ON outgoing_events (account, inserted_at, chat, id);

-- The other address of a person, both ways.
CREATE TABLE lid_mappings (
    account   TEXT COLLATE "C" NOT NULL,
    jid       TEXT COLLATE "C" NOT NULL,
    other_jid TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, jid)
);
