-- ARGV: session, ms. Prolongs a lease that there is; false if there is none. Returns
-- when anything has last changed.
local session, ttl = ARGV[1], ARGV[2]
if redis.call('PEXPIRE', lease(session), ttl) == 0 then return false end
redis.call('ZADD', base .. 'sessions', now() + ttl, session)
reap()
return redis.call('GET', base .. 'changed') or ''
