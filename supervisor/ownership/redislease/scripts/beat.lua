-- ARGV: session, ms, how many changes the node knows. Prolongs a lease that there is;
-- false if there is none. Returns what has changed since.
local session, ttl = ARGV[1], ARGV[2]
if redis.call('PEXPIRE', lease(session), ttl) == 0 then return false end
redis.call('ZADD', base .. 'sessions', now() + ttl, session)
reap()
return since(tonumber(ARGV[3]))
