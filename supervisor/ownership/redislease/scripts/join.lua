-- ARGV: session, record, ms of the lease, ms of a quarantine. Begins a lease, under a
-- session that there has never been. Returns all nodes.
local session, ttl = ARGV[1], ARGV[3]
if redis.call('SET', base .. 'born', now(), 'NX') then
  redis.call('SET', base .. 'quarantine', '', 'PX', ARGV[4])
end
redis.call('SET', lease(session), ARGV[2], 'PX', ttl)
redis.call('ZADD', base .. 'sessions', now() + ttl, session)
reap()
changed(session)
return since(0)
