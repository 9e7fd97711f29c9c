-- Applies the batch of one scope, or nothing of it: all that can refuse it comes
-- before the first write, since Redis takes no write back.
--
-- KEYS[1] is the generation's, the others belong to tables: the rows of one, its
-- order, its indexes.
-- ARGV are the writer's generation, or nothing if none is asked for; how many
-- versions are to be checked, and of each the place of the rows in KEYS, how many
-- indexes they have, the field and the version as it is stored, nothing for no
-- record; then runs of mutations: the place of the rows in KEYS, how many indexes
-- they have, "put" or "delete", how many mutations there are, and of each the field,
-- for a put followed by the value.
--
-- Answers nothing when done, else what it is refused for and what is stored: the
-- generation, or the version's place among those that were to be checked.

local call, sub, byte = redis.call, string.sub, string.byte

-- How many values unpack can put on Lua's stack of 8000, with room to spare.
local MOST = 6000

-- parts returns the row's place in each index, which its value begins with, each
-- after its length, and where the columns begin.
local function parts(value, indexes)
	local found, from = {}, 1
	for i = 1, indexes do
		local high, low = byte(value, from, from + 1)
		local to = from + 2 + high * 256 + low
		found[i] = sub(value, from + 2, to - 1)
		from = to
	end
	return found, from
end

if ARGV[1] ~= '' then
	local stored = call('GET', KEYS[1])
	if stored ~= ARGV[1] then
		return {'fenced', stored or '0'}
	end
end

-- A version is the first column.
local at = 3
for i = 1, tonumber(ARGV[2]) do
	local stored = call('HGET', KEYS[tonumber(ARGV[at])], ARGV[at + 2])
	local wanted, version = ARGV[at + 3], ''
	if stored then
		local _, from = parts(stored, tonumber(ARGV[at + 1]))
		version = sub(stored, from, from + #wanted - 1)
	end
	if version ~= wanted or stored and wanted == '' then
		return {'conflict', i - 1}
	end
	at = at + 4
end

-- member is a row in an index: its place, the field of the row and the length of
-- the place.
local function member(part, field)
	return part .. field .. string.char(math.floor(#part / 256), #part % 256)
end

local function put_indexed(rows, indexes, field, value)
	local old = call('HGET', KEYS[rows], field)
	call('HSET', KEYS[rows], field, value)
	local now, before = parts(value, indexes), {}
	if old then
		before = parts(old, indexes)
	else
		call('ZADD', KEYS[rows + 1], '0', field)
	end
	for i = 1, indexes do
		if now[i] ~= before[i] then
			if before[i] then
				call('ZREM', KEYS[rows + 1 + i], member(before[i], field))
			end
			call('ZADD', KEYS[rows + 1 + i], '0', member(now[i], field))
		end
	end
end

local function delete_indexed(rows, indexes, field)
	local old = call('HGET', KEYS[rows], field)
	if old then
		local before = parts(old, indexes)
		for i = 1, indexes do
			call('ZREM', KEYS[rows + 1 + i], member(before[i], field))
		end
		call('HDEL', KEYS[rows], field)
		call('ZREM', KEYS[rows + 1], field)
	end
end

-- put writes the rows whose fields and values are from first to last.
local function put(rows, first, last)
	if call('HSET', KEYS[rows], unpack(ARGV, first, last)) > 0 then
		local order = {}
		for i = first, last, 2 do
			order[#order + 1] = '0'
			order[#order + 1] = ARGV[i]
		end
		call('ZADD', KEYS[rows + 1], unpack(order))
	end
end

local function delete(rows, first, last)
	if call('HDEL', KEYS[rows], unpack(ARGV, first, last)) > 0 then
		call('ZREM', KEYS[rows + 1], unpack(ARGV, first, last))
	end
end

while at <= #ARGV do
	local rows, indexes, deletes, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2] == 'delete', tonumber(ARGV[at + 3])
	local first = at + 4
	local last = at + 3 + (deletes and count or 2 * count)
	if indexes == 0 then
		for from = first, last, MOST do
			(deletes and delete or put)(rows, from, math.min(from + MOST - 1, last))
		end
	elseif deletes then
		for i = first, last do
			delete_indexed(rows, indexes, ARGV[i])
		end
	else
		for i = first, last, 2 do
			put_indexed(rows, indexes, ARGV[i], ARGV[i + 1])
		end
	end
	at = last + 1
end
return false
