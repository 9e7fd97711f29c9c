-- +goose Up

-- The keys that seal columns, themselves sealed by the operator's key.
CREATE TABLE data_keys (
    id         INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    wrapped    BLOB    NOT NULL,
    covers     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
