-- +goose Up

-- Keys that callers ask with, of whose secrets there are digests alone.
CREATE TABLE api_keys (
    id           TEXT COLLATE "C" NOT NULL,
    version      BIGINT NOT NULL,
    tenant       TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    digest       BYTEA NOT NULL,
    rights       TEXT COLLATE "C" NOT NULL,
    accounts     TEXT COLLATE "C" NOT NULL,
    addresses    TEXT COLLATE "C" NOT NULL,
    per_second   BIGINT NOT NULL,
    burst        BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    created_by   TEXT COLLATE "C" NOT NULL,
    updated_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);

-- Who has done what.
CREATE TABLE audit_log (
    id      TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    tenant  TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL,
    who     TEXT COLLATE "C" NOT NULL,
    what    TEXT COLLATE "C" NOT NULL,
    target  TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX audit_log_by_tenant ON audit_log (tenant, id);
