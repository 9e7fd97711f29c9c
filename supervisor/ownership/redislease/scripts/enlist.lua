-- ARGV: session, account, the session that its record names ('' for none), and whether
-- that one is known to be over ('1'). Puts the account on the session's list, before
-- its record is changed: so whatever it owns is on its list.
-- Returns 'free', 'lost', 'quarantine', or the record of the node that has it.
local session, account, other = ARGV[1], ARGV[2], ARGV[3]
if redis.call('EXISTS', lease(session)) == 0 then return 'lost' end
if other ~= session then
  local record = other ~= '' and ARGV[4] ~= '1' and redis.call('GET', lease(other))
  if record then return record end
  if redis.call('EXISTS', base .. 'quarantine') == 1 then return 'quarantine' end
end
redis.call('SADD', accounts(session), account)
return 'free'
