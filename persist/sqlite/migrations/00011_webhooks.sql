-- +goose Up

-- How far those that read an account's events have got.
CREATE TABLE event_consumers (
    account  TEXT    NOT NULL,
    consumer TEXT    NOT NULL,
    log_id   TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    moved_at INTEGER NOT NULL,
    PRIMARY KEY (account, consumer)
) STRICT, WITHOUT ROWID;

-- Endpoints that have events posted to them.
CREATE TABLE webhooks (
    id               TEXT    NOT NULL,
    version          INTEGER NOT NULL,
    tenant           TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    accounts         TEXT    NOT NULL,
    everyone         INTEGER NOT NULL,
    own              INTEGER NOT NULL,
    url              TEXT    NOT NULL,
    kinds            TEXT    NOT NULL,
    ordering         TEXT    NOT NULL,
    concurrency      INTEGER NOT NULL,
    headers          TEXT    NOT NULL,
    signing_secret   TEXT    NOT NULL,
    old_secret       TEXT    NOT NULL,
    old_secret_until INTEGER NOT NULL,
    paused           INTEGER NOT NULL,
    paused_reason    TEXT    NOT NULL,
    paused_at        INTEGER NOT NULL,
    since            INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhooks_by_tenant ON webhooks (tenant, id);
CREATE INDEX webhooks_by_account ON webhooks (account, id);

-- Events that an endpoint has not taken.
CREATE TABLE webhook_deliveries (
    account  TEXT    NOT NULL,
    webhook  TEXT    NOT NULL,
    log_id   TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    data     TEXT    NOT NULL,
    attempts INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    next_at  INTEGER NOT NULL,
    failure  TEXT    NOT NULL,
    PRIMARY KEY (account, webhook, log_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_deliveries_by_due ON webhook_deliveries (account, webhook, state, next_at, log_id, seq);
