-- Gives the account's writer a generation greater than the stored one and than
-- the floor.
--
-- KEYS[1] is the generation's, ARGV[1] the floor. Both are decimal numbers of up to
-- 64 bits, which Lua's numbers do not hold: the longer one is the greater.

local stored, floor = redis.call('GET', KEYS[1]) or '0', ARGV[1]
if #floor > #stored or #floor == #stored and floor > stored then
	redis.call('SET', KEYS[1], floor)
end
return redis.call('INCR', KEYS[1])
