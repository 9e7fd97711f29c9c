-- ARGV: how many. Returns pairs of a session that is over and an account on its list,
-- drawn by lot, so that some that nobody can take don't hide the others.
reap()
local found, room = {}, tonumber(ARGV[1])
for _, session in ipairs(redis.call('SMEMBERS', base .. 'deserted')) do
  if room <= 0 then break end
  local drawn = redis.call('SRANDMEMBER', accounts(session), room)
  for _, account in ipairs(drawn) do
    found[#found + 1] = session
    found[#found + 1] = account
  end
  room = room - #drawn
end
return found
