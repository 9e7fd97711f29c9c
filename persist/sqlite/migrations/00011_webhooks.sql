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
