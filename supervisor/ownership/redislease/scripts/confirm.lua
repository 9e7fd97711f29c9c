-- KEYS[1]: an account's record. ARGV: session, generation. Raises the floor for the
-- session that has the account; returns the one that has it.
local record = redis.call('HMGET', KEYS[1], 'session', 'floor')
if record[1] == ARGV[1] and tonumber(record[2] or '0') < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'floor', ARGV[2])
end
return record[1] or ''
