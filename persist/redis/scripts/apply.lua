-- Applies the batch of one scope, or nothing of it: all that can refuse it comes
-- before the first write, since Redis takes no write back.
--
-- KEYS[1] is the generation's, the others belong to tables: the rows of one, and
-- their orders.
-- ARGV are the writer's generation, or nothing if none is asked for; how many
-- versions are to be checked, and of each the place of the rows in KEYS, how many
-- indexes they have, the field and the version as it is stored, nothing for no
-- record; then runs of mutations: the place of the rows in KEYS, how many indexes
-- they have, how many puts and how many deletes there are; of each put the field and
-- the value; of each put its members of the orders, that of the key first, each after
-- its score; and of each delete the field. No field is there twice in all runs of a
-- table, and no run is longer than what unpack can put on Lua's stack.
--
-- Answers nothing when done, else what it is refused for and what is stored: the
-- generation, or the version's place among those that were to be checked.

local call, sub, byte, char = redis.call, string.sub, string.byte, string.char

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

-- put_indexed writes the rows whose fields and values are from first to last. Their
-- members follow.
local function put_indexed(rows, indexes, first, last)
	local fields, new = {}, true
	for i = first, last, 2 do
		fields[#fields + 1] = ARGV[i]
	end
	local olds = call('HMGET', KEYS[rows], unpack(fields))
	call('HSET', KEYS[rows], unpack(ARGV, first, last))
	for n = 1, #fields do
		new = new and not olds[n]
	end
	if new then
		call('ZADD', KEYS[rows + 1], unpack(ARGV, last + 1, last + 2 * #fields * (1 + indexes)))
		return
	end
	local added, removed, at = {}, {}, last + 1
	for n, field in ipairs(fields) do
		local before = olds[n] and parts(olds[n], indexes)
		for order = 0, indexes do
			local old = before and member(order, before[order] or '', field)
			if old ~= ARGV[at + 1] then
				if old then
					removed[#removed + 1] = old
				end
				added[#added + 1] = ARGV[at]
				added[#added + 1] = ARGV[at + 1]
			end
			at = at + 2
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
		call('ZADD', KEYS[rows + 1], unpack(ARGV, last + 1, last + 1 + last - first))
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

local size = #ARGV
while at <= size do
	local rows, indexes, puts, deletes = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
	local first = at + 4
	at = first + 2 * puts * (2 + indexes)
	if puts > 0 then
		local write = indexes > 0 and put_indexed or put
		write(rows, indexes, first, first + 2 * puts - 1)
	end
	if deletes > 0 then
		local remove = indexes > 0 and delete_indexed or delete
		remove(rows, indexes, at, at + deletes - 1)
		at = at + deletes
	end
end
return false
