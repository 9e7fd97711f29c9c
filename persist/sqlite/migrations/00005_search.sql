-- +goose Up

-- What the text of a message is found by, and the order that findings have.
ALTER TABLE message_content ADD COLUMN timestamp INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message_content ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message_content ADD COLUMN words TEXT NOT NULL DEFAULT '';

UPDATE message_content SET (timestamp, seq) = (
    SELECT timestamp, seq FROM messages AS m
    WHERE (m.account, m.chat, m.sender, m.id)
        = (message_content.account, message_content.chat, message_content.sender, message_content.id)
) WHERE EXISTS (
    SELECT 1 FROM messages AS m
    WHERE (m.account, m.chat, m.sender, m.id)
        = (message_content.account, message_content.chat, message_content.sender, message_content.id)
);

CREATE INDEX message_content_by_time ON message_content (account, timestamp, seq, chat, sender, id);
