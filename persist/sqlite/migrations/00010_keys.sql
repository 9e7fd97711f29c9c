-- +goose Up

-- Keys that callers ask with, of whose secrets there are digests alone.
CREATE TABLE api_keys (
    id           TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    tenant       TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    digest       BLOB    NOT NULL,
    rights       TEXT    NOT NULL,
    accounts     TEXT    NOT NULL,
    addresses    TEXT    NOT NULL,
    per_second   INTEGER NOT NULL,
    burst        INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   TEXT    NOT NULL,
    updated_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;

-- Who has done what.
CREATE TABLE audit_log (
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    tenant  TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    who     TEXT    NOT NULL,
    what    TEXT    NOT NULL,
    target  TEXT    NOT NULL,
    outcome TEXT    NOT NULL,
    address TEXT    NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_log_by_tenant ON audit_log (tenant, id);
