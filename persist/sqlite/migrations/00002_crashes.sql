-- +goose Up

-- How many processes have died of an account of late, and when the last one did.
ALTER TABLE accounts ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN crashed_at INTEGER NOT NULL DEFAULT 0;
