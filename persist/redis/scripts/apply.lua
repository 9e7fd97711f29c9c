-- Applies the batch of one scope, or nothing of it: all that can refuse it comes
-- before the first write, since Redis takes no write back.
--
-- KEYS[1] is the generation's, the others belong to tables: the rows of one, and
-- their orders.
-- ARGV are the writer's generation, or nothing if none is asked for; how many
-- versions are to be checked, and of each the place of the rows in KEYS, how many
-- indexes they have, the field and the version as it is stored, nothing for no
-- record; then runs of mutations: the place of the rows in KEYS, how many indexes
-- they have, "put" or "delete", how many mutations there are, and of each the field,
-- for a put followed by the value. A run on a table with indexes has no field twice.
--
-- Answers nothing when done, else what it is refused for and what is stored: the
-- generation, or the version's place among those that were to be checked.

local call, sub, byte, char = redis.call, string.sub, string.byte, string.char

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

-- member is where a row is in an order: the number of the order, 0 for that of the
-- key, the row's place, its field, and how much comes before the field.
local function member(order, part, field)
	local length = 1 + #part
	return char(order) .. part .. field .. char(math.floor(length / 256), length % 256)
end

local function add(members, what)
	members[#members + 1] = '0' -- the score
	members[#members + 1] = what
end

-- put_indexed writes the rows whose fields and values are from first to last. None
-- is there twice.
local function put_indexed(rows, indexes, first, last)
	local fields, added, removed = {}, {}, {}
	for i = first, last, 2 do
		fields[#fields + 1] = ARGV[i]
	end
	local olds = call('HMGET', KEYS[rows], unpack(fields))
	call('HSET', KEYS[rows], unpack(ARGV, first, last))
	for n, field in ipairs(fields) do
		local now, before = parts(ARGV[first + 2 * n - 1], indexes), {}
		if olds[n] then
			before = parts(olds[n], indexes)
		else
			add(added, member(0, '', field))
		end
		for i = 1, indexes do
			if now[i] ~= before[i] then
				if before[i] then
					removed[#removed + 1] = member(i, before[i], field)
				end
				add(added, member(i, now[i], field))
			end
		end
	end
	if #removed > 0 then
		call('ZREM', KEYS[rows + 1], unpack(removed))
	end
	if #added > 0 then
		call('ZADD', KEYS[rows + 1], unpack(added))
	end
end

local function delete_indexed(rows, indexes, first, last)
	local olds, removed = call('HMGET', KEYS[rows], unpack(ARGV, first, last)), {}
	for n = 1, #olds do
		if olds[n] then
			local field, before = ARGV[first + n - 1], parts(olds[n], indexes)
			removed[#removed + 1] = member(0, '', field)
			for i = 1, indexes do
				removed[#removed + 1] = member(i, before[i], field)
			end
		end
	end
	if #removed > 0 then
		call('HDEL', KEYS[rows], unpack(ARGV, first, last))
		call('ZREM', KEYS[rows + 1], unpack(removed))
	end
end

-- put writes rows without indexes. Their old values, which can be large, are of no
-- interest.
local function put(rows, _, first, last)
	if call('HSET', KEYS[rows], unpack(ARGV, first, last)) > 0 then
		local added = {}
		for i = first, last, 2 do
			add(added, member(0, '', ARGV[i]))
		end
		call('ZADD', KEYS[rows + 1], unpack(added))
	end
end

local function delete(rows, _, first, last)
	if call('HDEL', KEYS[rows], unpack(ARGV, first, last)) > 0 then
		local removed = {}
		for i = first, last do
			removed[#removed + 1] = member(0, '', ARGV[i])
		end
		call('ZREM', KEYS[rows + 1], unpack(removed))
	end
end

while at <= #ARGV do
	local rows, indexes, deletes, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2] == 'delete', tonumber(ARGV[at + 3])
	local write
	if indexes > 0 then
		write = deletes and delete_indexed or put_indexed
	else
		write = deletes and delete or put
	end
	-- A row is in each order, and each member has a score.
	local values = deletes and 1 or 2
	local step = values * math.floor(MOST / (2 + 2 * indexes))
	local first, last = at + 4, at + 3 + values * count
	for from = first, last, step do
		write(rows, indexes, from, math.min(from + step - 1, last))
	end
	at = last + 1
end
return false
