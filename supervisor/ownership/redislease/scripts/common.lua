-- What the scripts over the nodes share. All their keys begin with KEYS[1], whose hash
-- tag keeps them in one slot:
--   lease:SESSION     the node's record, for as long as its lease lasts
--   sessions          sorted set: when each lease ends; for finding those that have
--   accounts:SESSION  set: what it owns, or may own; accounts: (of nobody) was released
--   deserted          set: sessions that are over and have left accounts; '' is nobody
--   changed           when any of this has last changed, as far as nodes are to know
--   born              is there since the data are; quarantine, for a while after that
local base = KEYS[1]

local function lease(session) return base .. 'lease:' .. session end
local function accounts(session) return base .. 'accounts:' .. session end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function changed()
  local time = redis.call('TIME')
  redis.call('SET', base .. 'changed', time[1] .. '.' .. time[2])
end

local function desert(session)
  if redis.call('EXISTS', accounts(session)) == 1 then
    redis.call('SADD', base .. 'deserted', session)
  end
  redis.call('ZREM', base .. 'sessions', session)
  changed()
end

-- reap finds the leases that have ended.
local function reap()
  for _, session in ipairs(redis.call('ZRANGEBYSCORE', base .. 'sessions', '-inf', now(), 'LIMIT', 0, 100)) do
    if redis.call('EXISTS', lease(session)) == 0 then desert(session) end
  end
end

-- strike takes an account off a session's list.
local function strike(session, account)
  redis.call('SREM', accounts(session), account)
  if redis.call('EXISTS', accounts(session)) == 0 then
    redis.call('SREM', base .. 'deserted', session)
  end
end
