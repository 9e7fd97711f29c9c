-- KEYS[1]: an account's record. ARGV: the session and the count of claims in it when it
-- was looked at. Has nobody own it, unless it has been claimed since.
local record = redis.call('HMGET', KEYS[1], 'session', 'claims')
if record[1] ~= ARGV[1] or record[2] ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], 'session')
return 1
