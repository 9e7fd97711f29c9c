-- Reads rows in one of their orders.
--
-- KEYS are the rows and their orders.
-- ARGV are the command to range with, where to start and to stop, how many members
-- to skip and how many to look at, how many rows and how many bytes are enough, and
-- then texts that rows must hold somewhere.
--
-- Answers whether there may be more (1) and then the last member that was looked
-- at, and of each row the field and the value.

local call, find = redis.call, string.find

-- Values are read by so many at a time, lest they be much more than enough.
local SLICE = 100

local members = call(ARGV[1], KEYS[2], ARGV[2], ARGV[3], 'LIMIT', ARGV[4], ARGV[5])
local rows_enough, bytes_enough = tonumber(ARGV[6]), tonumber(ARGV[7])

-- field_of takes away what is before the field, and the length of it.
local function field_of(member)
	local high, low = string.byte(member, -2, -1)
	return string.sub(member, high * 256 + low + 1, -3)
end

local function holds_all(value)
	for i = 8, #ARGV do
		if not find(value, ARGV[i], 1, true) then
			return false
		end
	end
	return true
end

local answer, rows, bytes, last = {0, ''}, 0, 0, 0
while last < #members and rows < rows_enough and bytes < bytes_enough do
	local fields = {}
	for i = last + 1, math.min(last + SLICE, #members) do
		fields[#fields + 1] = field_of(members[i])
	end
	last = last + #fields
	for i, value in ipairs(call('HMGET', KEYS[1], unpack(fields))) do
		if holds_all(value) then
			answer[#answer + 1] = fields[i]
			answer[#answer + 1] = value
			rows, bytes = rows + 1, bytes + #value
		end
	end
end
if last > 0 and (last < #members or last == tonumber(ARGV[5])) then
	answer[1], answer[2] = 1, members[last]
end
return answer
