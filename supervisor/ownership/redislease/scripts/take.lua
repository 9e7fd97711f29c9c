-- KEYS[1]: an account's record. ARGV: the session and the count of claims in it when it
-- was looked at, and the session that takes it. Returns the floor; false if the record
-- has changed since: another was faster, or this comes late.
local record = redis.call('HMGET', KEYS[1], 'session', 'claims', 'floor')
if (record[1] or '') ~= ARGV[1] or (record[2] or '') ~= ARGV[2] then return false end
redis.call('HSET', KEYS[1], 'session', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'claims', 1)
return record[3] or '0'
