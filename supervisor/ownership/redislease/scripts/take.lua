-- KEYS[1]: an account's record. ARGV: the session that it named when it was looked at,
-- and the one that takes it. Returns the floor; false if another was faster.
local record = redis.call('HMGET', KEYS[1], 'session', 'floor')
local session = record[1] or ''
if session ~= ARGV[1] and session ~= ARGV[2] then return false end
redis.call('HSET', KEYS[1], 'session', ARGV[2])
return record[2] or '0'
