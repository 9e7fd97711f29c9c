-- What the scripts over the nodes share. All their keys begin with KEYS[1], whose hash
-- tag keeps them in one slot:
--   lease:SESSION     the node's record, for as long as its lease lasts
--   sessions          sorted set: when each lease ends; for finding those that have
--   accounts:SESSION  set: what it owns, or may own; accounts: (of nobody) was released
--   deserted          set: sessions that are over and have left accounts; '' is nobody
--   changes           sorted set: the last change of each session, by its number; '' is
--                     that accounts are there to be taken which nobody owns
--   count             how many changes there were
--   born              is there since the data are; quarantine, for a while after that
local base = KEYS[1]

local function lease(session) return base .. 'lease:' .. session end
local function accounts(session) return base .. 'accounts:' .. session end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- How many changes are kept for those that have missed them.
local kept = 4096

local function changed(session)
  redis.call('ZADD', base .. 'changes', redis.call('INCR', base .. 'count'), session)
  redis.call('ZREMRANGEBYRANK', base .. 'changes', 0, -kept - 1)
end

-- since tells what a node has to hear that knows as many changes as last says: how many
-- there were, whether what follows is all ('all') or what has changed, and pairs of a
-- session and its node's record, '' where it is over.
local function since(last)
  local count = tonumber(redis.call('GET', base .. 'count') or '0')
  local found, sessions = { tostring(count), '' }, {}
  if last > count or count - last >= kept or last == 0 then
    found[2] = 'all'
    sessions = redis.call('ZRANGE', base .. 'sessions', 0, -1)
  elseif last < count then
    sessions = redis.call('ZRANGEBYSCORE', base .. 'changes', '(' .. last, '+inf')
  end
  for _, session in ipairs(sessions) do
    found[#found + 1] = session
    found[#found + 1] = redis.call('GET', lease(session)) or ''
  end
  return found
end

local function desert(session)
  if redis.call('EXISTS', accounts(session)) == 1 then
    redis.call('SADD', base .. 'deserted', session)
  end
  redis.call('ZREM', base .. 'sessions', session)
  changed(session)
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
