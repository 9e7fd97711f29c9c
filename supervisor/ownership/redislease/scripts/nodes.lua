-- Returns the records of all nodes that live, after when anything has last changed.
local found = { redis.call('GET', base .. 'changed') or '' }
for _, session in ipairs(redis.call('ZRANGE', base .. 'sessions', 0, -1)) do
  local record = redis.call('GET', lease(session))
  if record then found[#found + 1] = record end
end
return found
