-- +goose Up

-- One table for each kind of persist/kinds.go, its columns in the same order.
-- Every row of an account begins with the account; text and blobs compare by
-- bytes. Tables of small rows are clustered by their key (WITHOUT ROWID), which
-- spares a write of the key beside the row; rows of often more than a kilobyte
-- would make that tree deep and spill into overflow pages.

-- The engine's own: the generation of the one writer of each account. It
-- survives the account.
CREATE TABLE generations (
    account    TEXT    NOT NULL PRIMARY KEY,
    generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The engine's own: what tells its log from another, and up to which number of
-- the log the tables have everything. One row.
CREATE TABLE redo (
    id      INTEGER NOT NULL PRIMARY KEY,
    salt    INTEGER NOT NULL,
    applied INTEGER NOT NULL
) STRICT;
INSERT INTO redo VALUES (1, abs(random() % 4294967296), 0);

-- The engine's own: one row that a health check rewrites.
CREATE TABLE health (
    id         INTEGER NOT NULL PRIMARY KEY,
    checked_at INTEGER NOT NULL
) STRICT;

-- The accounts of the installation; the one table without an account.
CREATE TABLE account_index (
    account    TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    tenant     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account)
) STRICT, WITHOUT ROWID;

-- What is known and wanted of an account: one row each.
CREATE TABLE accounts (
    account     TEXT    NOT NULL,
    running     INTEGER NOT NULL,
    any_number  INTEGER NOT NULL,
    network     TEXT    NOT NULL,
    jid         TEXT    NOT NULL,
    lid         TEXT    NOT NULL,
    push_name   TEXT    NOT NULL,
    paired_at   INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    since       INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    log_id      TEXT    NOT NULL,
    updated_at  INTEGER NOT NULL,
    last_active INTEGER NOT NULL,
    proxy       TEXT    NOT NULL,
    device_name TEXT    NOT NULL,
    webhook     TEXT    NOT NULL,
    metadata    TEXT    NOT NULL,
    PRIMARY KEY (account)
) STRICT;

-- Totals that would be slow to count.
CREATE TABLE counters (
    account TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    value   INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- People and group members by address.
CREATE TABLE contacts (
    account        TEXT    NOT NULL,
    jid            TEXT    NOT NULL,
    first_name     TEXT    NOT NULL,
    full_name      TEXT    NOT NULL,
    push_name      TEXT    NOT NULL,
    business_name  TEXT    NOT NULL,
    redacted_phone TEXT    NOT NULL,
    updated_at     INTEGER NOT NULL,
    PRIMARY KEY (account, jid)
) STRICT, WITHOUT ROWID;

-- Conversations; the index is the order of the list.
CREATE TABLE chats (
    account              TEXT    NOT NULL,
    jid                  TEXT    NOT NULL,
    name                 TEXT    NOT NULL,
    description          TEXT    NOT NULL,
    last_message_at      INTEGER NOT NULL,
    last_message_id      TEXT    NOT NULL,
    last_message_sender  TEXT    NOT NULL,
    last_message_type    TEXT    NOT NULL,
    last_message_from_me INTEGER NOT NULL,
    preview              TEXT    NOT NULL,
    unread               INTEGER NOT NULL,
    PRIMARY KEY (account, jid)
) STRICT, WITHOUT ROWID;
CREATE INDEX chats_by_activity ON chats (account, last_message_at, jid);

-- What the account's app state says of a chat.
CREATE TABLE chat_settings (
    account     TEXT    NOT NULL,
    jid         TEXT    NOT NULL,
    pinned      INTEGER NOT NULL,
    archived    INTEGER NOT NULL,
    muted_until INTEGER NOT NULL,
    PRIMARY KEY (account, jid)
) STRICT, WITHOUT ROWID;

-- Messages as sent or received. Rows are large and mostly appended, so they
-- stand in the order of arrival and the orders beside them.
CREATE TABLE messages (
    account    TEXT    NOT NULL,
    chat       TEXT    NOT NULL,
    sender     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    timestamp  INTEGER NOT NULL,
    from_me    INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    push_name  TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    status_at  INTEGER NOT NULL,
    error      TEXT    NOT NULL,
    edited_at  INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL,
    quoted_id  TEXT    NOT NULL,
    raw        BLOB    NOT NULL,
    PRIMARY KEY (account, chat, sender, id)
) STRICT;
CREATE INDEX messages_by_time ON messages (account, chat, timestamp, seq, sender, id);
CREATE INDEX messages_by_id ON messages (account, id, chat, sender);

-- The readable text of messages.
CREATE TABLE message_content (
    account TEXT    NOT NULL,
    chat    TEXT    NOT NULL,
    sender  TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    body    TEXT    NOT NULL,
    PRIMARY KEY (account, chat, sender, id)
) STRICT;

-- Members of groups.
CREATE TABLE group_participants (
    account TEXT    NOT NULL,
    chat    TEXT    NOT NULL,
    jid     TEXT    NOT NULL,
    role    TEXT    NOT NULL,
    PRIMARY KEY (account, chat, jid)
) STRICT, WITHOUT ROWID;

-- One reaction of each person to a message.
CREATE TABLE message_reactions (
    account    TEXT    NOT NULL,
    chat       TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    sender     TEXT    NOT NULL,
    emoji      TEXT    NOT NULL,
    timestamp  INTEGER NOT NULL,
    PRIMARY KEY (account, chat, message_id, sender)
) STRICT, WITHOUT ROWID;

-- What each recipient has said of an own message.
CREATE TABLE user_receipts (
    account      TEXT    NOT NULL,
    chat         TEXT    NOT NULL,
    message_id   TEXT    NOT NULL,
    user         TEXT    NOT NULL,
    delivered_at INTEGER NOT NULL,
    read_at      INTEGER NOT NULL,
    played_at    INTEGER NOT NULL,
    PRIMARY KEY (account, chat, message_id, user)
) STRICT, WITHOUT ROWID;

-- How the bytes of a message are described and fetched.
CREATE TABLE media_data (
    account         TEXT    NOT NULL,
    chat            TEXT    NOT NULL,
    sender          TEXT    NOT NULL,
    message_id      TEXT    NOT NULL,
    mime_type       TEXT    NOT NULL,
    file_name       TEXT    NOT NULL,
    size            INTEGER NOT NULL,
    width           INTEGER NOT NULL,
    height          INTEGER NOT NULL,
    duration        INTEGER NOT NULL,
    direct_path     TEXT    NOT NULL,
    media_key       BLOB    NOT NULL,
    file_sha256     BLOB    NOT NULL,
    file_enc_sha256 BLOB    NOT NULL,
    PRIMARY KEY (account, chat, sender, message_id)
) STRICT;

-- The account's log, dense from 1.
CREATE TABLE events (
    account TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    data    TEXT    NOT NULL,
    PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;

-- Accepted messages that have not reached their end.
CREATE TABLE outbox (
    account      TEXT    NOT NULL,
    message_id   TEXT    NOT NULL,
    accepted_seq INTEGER NOT NULL,
    chat         TEXT    NOT NULL,
    recipient    TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    payload      BLOB    NOT NULL,
    accepted_at  INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    PRIMARY KEY (account, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_by_order ON outbox (account, accepted_seq, message_id);

-- Which message a caller's key made.
CREATE TABLE idempotency_keys (
    account         TEXT    NOT NULL,
    principal       TEXT    NOT NULL,
    idempotency_key TEXT    NOT NULL,
    request_hash    BLOB    NOT NULL,
    message_id      TEXT    NOT NULL,
    chat            TEXT    NOT NULL,
    expires_at      INTEGER NOT NULL,
    PRIMARY KEY (account, principal, idempotency_key)
) STRICT, WITHOUT ROWID;

-- The companion device's registration: one row an account.
CREATE TABLE auth_sessions (
    account    TEXT    NOT NULL,
    auth_state TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account)
) STRICT;

-- Identity keys of remote devices.
CREATE TABLE signal_identities (
    account  TEXT    NOT NULL,
    address  TEXT    NOT NULL,
    identity BLOB    NOT NULL,
    PRIMARY KEY (account, address)
) STRICT, WITHOUT ROWID;

-- Ratchets with remote devices: 1 to 2 KB each, rewritten with every message.
CREATE TABLE signal_sessions (
    account TEXT    NOT NULL,
    address TEXT    NOT NULL,
    session BLOB    NOT NULL,
    PRIMARY KEY (account, address)
) STRICT;

-- Own one-time prekeys.
CREATE TABLE signal_prekeys (
    account     TEXT    NOT NULL,
    id          INTEGER NOT NULL,
    private_key BLOB    NOT NULL,
    uploaded    INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

-- Group ratchets by group and sender.
CREATE TABLE signal_sender_keys (
    account    TEXT    NOT NULL,
    chat       TEXT    NOT NULL,
    sender     TEXT    NOT NULL,
    sender_key BLOB    NOT NULL,
    PRIMARY KEY (account, chat, sender)
) STRICT;
CREATE INDEX signal_sender_keys_by_sender ON signal_sender_keys (account, sender, chat);

-- Keys that the phone shared for app state.
CREATE TABLE app_state_keys (
    account     TEXT    NOT NULL,
    id          BLOB    NOT NULL,
    data        BLOB    NOT NULL,
    fingerprint BLOB    NOT NULL,
    timestamp   INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

-- How far each collection of app state is synced.
CREATE TABLE app_state_versions (
    account       TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    state_version INTEGER NOT NULL,
    hash          BLOB    NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- Value MACs of each index of a collection.
CREATE TABLE app_state_macs (
    account       TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    index_mac     BLOB    NOT NULL,
    state_version INTEGER NOT NULL,
    value_mac     BLOB    NOT NULL,
    PRIMARY KEY (account, name, index_mac)
) STRICT, WITHOUT ROWID;

-- Secrets that decrypt later additions to a message.
CREATE TABLE message_secrets (
    account TEXT    NOT NULL,
    chat    TEXT    NOT NULL,
    sender  TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    secret  BLOB    NOT NULL,
    PRIMARY KEY (account, chat, sender, id)
) STRICT, WITHOUT ROWID;

-- Tokens that show others we are trusted.
CREATE TABLE privacy_tokens (
    account          TEXT    NOT NULL,
    user             TEXT    NOT NULL,
    token            BLOB    NOT NULL,
    timestamp        INTEGER NOT NULL,
    sender_timestamp INTEGER NOT NULL,
    PRIMARY KEY (account, user)
) STRICT, WITHOUT ROWID;

-- The salt for tokens to strangers: one row an account.
CREATE TABLE nct_salts (
    account TEXT    NOT NULL,
    salt    BLOB    NOT NULL,
    PRIMARY KEY (account)
) STRICT, WITHOUT ROWID;

-- Decrypted payloads until they are handled, then their hashes.
CREATE TABLE decrypted_events (
    account     TEXT    NOT NULL,
    hash        BLOB    NOT NULL,
    plaintext   BLOB    NOT NULL,
    replay      INTEGER NOT NULL,
    inserted_at INTEGER NOT NULL,
    server_time INTEGER NOT NULL,
    PRIMARY KEY (account, hash)
) STRICT;
CREATE INDEX decrypted_events_by_insert ON decrypted_events (account, replay, inserted_at, hash);

-- Sent payloads, kept to answer retry receipts.
CREATE TABLE outgoing_events (
    account     TEXT    NOT NULL,
    chat        TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    format      TEXT    NOT NULL,
    plaintext   BLOB    NOT NULL,
    inserted_at INTEGER NOT NULL,
    PRIMARY KEY (account, chat, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX outgoing_events_by_insert ON outgoing_events (account, inserted_at, chat, id);

-- The other address of a person, both ways.
CREATE TABLE lid_mappings (
    account   TEXT    NOT NULL,
    jid       TEXT    NOT NULL,
    other_jid TEXT    NOT NULL,
    PRIMARY KEY (account, jid)
) STRICT, WITHOUT ROWID;
