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
