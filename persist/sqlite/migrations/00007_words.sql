-- +goose Up

-- Texts have a number of their own, which the index of their words refers to. A
-- bare rowid would not do: VACUUM changes it.
CREATE TABLE numbered_content (
    doc       INTEGER NOT NULL PRIMARY KEY,
    account   TEXT    NOT NULL,
    chat      TEXT    NOT NULL,
    sender    TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    body      TEXT    NOT NULL,
    timestamp INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    words     TEXT    NOT NULL,
    UNIQUE (account, chat, sender, id)
) STRICT;
INSERT INTO numbered_content (account, chat, sender, id, body, timestamp, seq, words)
    SELECT account, chat, sender, id, body, timestamp, seq, words FROM message_content;
DROP TABLE message_content;
ALTER TABLE numbered_content RENAME TO message_content;
CREATE INDEX message_content_by_time ON message_content (account, timestamp, seq, chat, sender, id);

-- The index of words. It is written with the texts, by the engine: a trigger would
-- have it flushed with each row. It keeps neither the text nor where in it a word stands. A
-- word begins with its account, so that one account's search does not even pass by
-- the words of another. Bytes beyond ASCII, such as those of the paragraph sign,
-- count as letters.
CREATE VIRTUAL TABLE message_words USING fts5 (words, content = '', columnsize = 0, detail = none, tokenize = 'ascii');
INSERT INTO message_words (rowid, words)
    SELECT doc, replace(words, ' ', ' ' || hex(account) || '§') FROM message_content;
