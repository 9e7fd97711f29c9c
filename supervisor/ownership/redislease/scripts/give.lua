-- KEYS[1]: an account's record. ARGV: sessions. Has nobody own what one of them owns.
-- Returns the session that owned it, '' for none.
local session = redis.call('HGET', KEYS[1], 'session')
for i = 1, #ARGV do
  if session == ARGV[i] then redis.call('HDEL', KEYS[1], 'session') end
end
return session or ''
