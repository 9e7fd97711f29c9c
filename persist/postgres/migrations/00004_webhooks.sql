-- +goose Up

-- How far those that read an account's events have got.
CREATE TABLE event_consumers (
    account  TEXT COLLATE "C" NOT NULL,
    consumer TEXT COLLATE "C" NOT NULL,
    log_id   TEXT COLLATE "C" NOT NULL,
    seq      BIGINT NOT NULL,
    moved_at BIGINT NOT NULL,
    PRIMARY KEY (account, consumer)
);

-- Endpoints that have events posted to them.
CREATE TABLE webhooks (
    id               TEXT COLLATE "C" NOT NULL,
    version          BIGINT NOT NULL,
    tenant           TEXT COLLATE "C" NOT NULL,
    account          TEXT COLLATE "C" NOT NULL,
    accounts         TEXT COLLATE "C" NOT NULL,
    everyone         BIGINT NOT NULL,
    own              BIGINT NOT NULL,
    url              TEXT COLLATE "C" NOT NULL,
    kinds            TEXT COLLATE "C" NOT NULL,
    ordering         TEXT COLLATE "C" NOT NULL,
    concurrency      BIGINT NOT NULL,
    headers          TEXT COLLATE "C" NOT NULL,
    signing_secret   TEXT COLLATE "C" NOT NULL,
    old_secret       TEXT COLLATE "C" NOT NULL,
    old_secret_until BIGINT NOT NULL,
    paused           BIGINT NOT NULL,
    paused_reason    TEXT COLLATE "C" NOT NULL,
    paused_at        BIGINT NOT NULL,
    since            BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX webhooks_by_tenant ON webhooks (tenant, id);
CREATE INDEX webhooks_by_account ON webhooks (account, id);

-- Events that an endpoint has not taken.
CREATE TABLE webhook_deliveries (
    account  TEXT COLLATE "C" NOT NULL,
    webhook  TEXT COLLATE "C" NOT NULL,
    log_id   TEXT COLLATE "C" NOT NULL,
    seq      BIGINT NOT NULL,
    state    TEXT COLLATE "C" NOT NULL,
    kind     TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL,
    data     TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    next_at  BIGINT NOT NULL,
    failure  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, webhook, log_id, seq)
);
CREATE INDEX webhook_deliveries_by_due ON webhook_deliveries (account, webhook, state, next_at, log_id, seq);
